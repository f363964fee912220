"""DeepSeek-Coder's own vocabulary, and others': what infill sends a model is what the model was trained on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lsp_server.engine.backends.llama import vocabulary as vocabulary_module
from lsp_server.engine.backends.llama.loading import PRE_TOKENISER
from lsp_server.engine.scheduler.truncate import truncate
from lsp_server.ipc.requests import Marker, Text
from lsp_server.measure.file_vocabulary import FileVocabulary
from lsp_server.prompt.chat import Message, chat_prompt
from lsp_server.prompt.families import family_for
from lsp_server.prompt.plan import plan_anchor
from tests.builders import make_model, snapshot_at
from tests.gguf.llama_cpp_source import vocabularies
from tests.gguf.patcher import with_metadata

ROOT = Path(__file__).parents[3]
OWN_TEXTS = ("README.md", "models/catalog.toml", "lsp_server/base/fim_families.py", "editors/vscode/src/client.ts")
SEPARATOR = "\n__ggml_vocab_test__\n"
# Families that llama.cpp has texts and tokens for, and that infill has a format for.
WITH_ROWS = ("deepseek-coder", "qwen2", "starcoder", "refact")
# <｜begin▁of▁sentence｜>, <｜fim▁begin｜>, <｜fim▁hole｜>, <｜fim▁end｜>, <|EOT|>
BEGIN, PREFIX, SUFFIX, MIDDLE, EOT = 32013, 32016, 32015, 32017, 32021


@pytest.fixture(scope="module")
def folder(request):
    return vocabularies(request.config.cache.mkdir("sources"))


@pytest.fixture(scope="module")
def open_vocabulary(folder):
    opened: dict[str, FileVocabulary] = {}

    def open_vocabulary(name: str) -> FileVocabulary:
        if name not in opened:
            opened[name] = FileVocabulary(folder / f"ggml-vocab-{name}.gguf")
        return opened[name]

    yield open_vocabulary
    for vocabulary in opened.values():
        vocabulary.close()


@pytest.fixture
def deepseek(open_vocabulary) -> FileVocabulary:
    return open_vocabulary("deepseek-coder")


@pytest.mark.parametrize("name", WITH_ROWS)
def test_every_text_has_the_tokens_that_the_models_own_tokeniser_gave_it(folder, open_vocabulary, name):
    path = folder / f"ggml-vocab-{name}.gguf"
    texts = path.with_suffix(".gguf.inp").read_bytes().decode().split(SEPARATOR)[:-1]  # the last is behind the end
    rows = path.with_suffix(".gguf.out").read_bytes().decode().splitlines()
    assert len(rows) > 40
    vocabulary = open_vocabulary(name)
    for text, row in zip(texts, rows, strict=True):
        assert vocabulary.tokenize(text) == [int(token) for token in row.split()], text
        assert b"".join(map(vocabulary.piece, vocabulary.tokenize(text))).decode() == text


@pytest.mark.parametrize("name", ["deepseek-coder", "starcoder", "refact"])
def test_a_file_that_names_no_pre_tokeniser_gets_its_familys(folder, tmp_path, name):
    source = folder / f"ggml-vocab-{name}.gguf"
    vocabulary = FileVocabulary(with_metadata(source, tmp_path / "old.gguf", "--remove-metadata", PRE_TOKENISER))
    texts = source.with_suffix(".gguf.inp").read_bytes().decode().split(SEPARATOR)[:-1]
    rows = source.with_suffix(".gguf.out").read_bytes().decode().splitlines()
    assert [vocabulary.tokenize(text) for text in texts] == [[int(token) for token in row.split()] for row in rows]
    vocabulary.close()


@pytest.mark.parametrize("name", [*WITH_ROWS, "deepseek-llm", "llama-bpe", "llama-spm", "phi-3", "gemma-4"])
def test_a_text_in_pieces_has_the_tokens_of_the_whole(open_vocabulary, name, monkeypatch):
    text = "".join((ROOT / path).read_text(encoding="utf-8")[:9000] for path in OWN_TEXTS)
    vocabulary = open_vocabulary(name)
    in_pieces = vocabulary.tokenize(text)
    monkeypatch.setattr(vocabulary_module, "_MAX_PIECE", len(text))
    assert in_pieces == vocabulary.tokenize(text)


@pytest.mark.parametrize("unit", ["7", " "])
def test_a_run_is_cut_where_the_tokens_of_the_whole_are_cut(open_vocabulary, unit, monkeypatch):
    """llama-bpe takes digits by three, and spaces by powers of two."""
    vocabulary, text = open_vocabulary("llama-bpe"), "x = y" + unit * 5000
    in_pieces = vocabulary.tokenize(text)
    monkeypatch.setattr(vocabulary_module, "_MAX_PIECE", len(text))
    assert abs(len(in_pieces) - len(vocabulary.tokenize(text))) <= 5000 // 960


@pytest.mark.timeout(300)
def test_no_long_run_overflows_the_stack(folder):
    """Both of these vocabularies once ended the process. The script tries all of them, and longer runs."""
    files = [folder / f"ggml-vocab-{name}.gguf" for name in ("deepseek-coder", "deepseek-llm")]
    command = [sys.executable, "-m", "tests.engine.backends.long_runs", "45000", *map(str, files)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-200:] + run.stderr[-500:]


def test_the_markers_of_deepseek_coder(deepseek):
    roles = {"begin": BEGIN, "prefix": PREFIX, "suffix": SUFFIX, "middle": MIDDLE}
    assert {role: deepseek.marker(role) for role in deepseek.marker_texts} == roles
    assert deepseek.num_tokens == 32256
    assert deepseek.end_text == "<｜end▁of▁sentence｜>"
    assert deepseek.isolates_line_breaks


def test_what_ends_a_text_of_deepseek_coder(deepseek):
    """An instruct model ends by `<|EOT|>`, which a base model's file does not call an end."""
    assert [token for token in range(32013, 32022) if deepseek.is_end(token)] == [
        32013,
        32014,
        32015,
        32016,
        32017,
        EOT,
    ]


def test_what_ends_a_text_of_an_instruct_model(folder, tmp_path):
    """Its file names `<|EOT|>` as its end, and it still ends as the base model does: asked to fill a hole, it may."""
    source = folder / "ggml-vocab-deepseek-coder.gguf"
    path = with_metadata(source, tmp_path / "instruct.gguf", "--special-token-by-id", "eos", str(EOT))
    vocabulary = FileVocabulary(path)
    ends = {token for token in range(vocabulary.num_tokens) if vocabulary.is_end(token)}
    vocabulary.close()
    assert ends == {BEGIN, 32014, SUFFIX, PREFIX, MIDDLE, EOT}


def test_a_turn_of_chat_ends_by_its_token_and_not_by_its_text(deepseek):
    """A template's `<|EOT|>` is the token; an answer that only spells it goes on."""
    parts = chat_prompt("{{ messages[0]['content'] }}<|EOT|>", [Message("user", "<|EOT|>")], {})
    tokens = truncate(parts, deepseek, 1000)
    assert tokens[-1] == EOT
    assert not [token for token in tokens[:-1] if deepseek.is_end(token)]


@pytest.mark.parametrize("text", ["<｜fim▁begin｜>", "<|EOT|>", "<|User|>", "x = '<|EOT|>'\n", "<pad>", "<|<|EOT|>"])
def test_text_of_people_is_never_a_control_token(deepseek, text):
    tokens = deepseek.tokenize(text)
    assert not [token for token in tokens if token >= 32000 and not deepseek.piece(token)]
    assert not {BEGIN, PREFIX, SUFFIX, MIDDLE, EOT, 32014, 32019} & set(tokens)
    assert b"".join(map(deepseek.piece, tokens)).decode() == text


def test_windows_line_breaks_are_tokens_of_their_own(deepseek):
    assert deepseek.tokenize("a\r\nb") == [*deepseek.tokenize("a\r"), *deepseek.tokenize("\nb")]


def test_lines_can_be_tokenised_one_by_one(deepseek):
    lines = ["def f(x):\n", "    return x  # é\n", "\n", "\t\tif x:\n", "x = [1, 22, 333]"]
    assert [token for line in lines for token in deepseek.tokenize(line)] == deepseek.tokenize("".join(lines))


@pytest.mark.parametrize(
    ("name", "roles"),
    [
        ("deepseek-coder", ["begin", "prefix", "suffix", "middle"]),
        ("starcoder", ["prefix", "suffix", "middle"]),
    ],
)
def test_a_prompt_is_markers_and_the_tokens_of_its_texts(open_vocabulary, name, roles):
    vocabulary = open_vocabulary(name)
    family = family_for(name, vocabulary.marker_texts)
    anchor = plan_anchor(
        snapshot_at("import os\n\nx = 1\n‸\nprint(x)\n"),
        (),
        make_model(markers=vocabulary.marker_texts),
        family,
        32,
        0.25,
    )
    assert [part.role for part in anchor.parts if isinstance(part, Marker)] == roles
    expected = [
        token
        for part in anchor.parts
        for token in ([vocabulary.marker(part.role)] if isinstance(part, Marker) else vocabulary.tokenize(part.text))
    ]
    assert truncate(anchor.parts, vocabulary, 1000) == expected
    assert [part.text for part in anchor.parts if isinstance(part, Text)] == ["import os\n\nx = 1\n", "\nprint(x)\n"]
    if name == "deepseek-coder":
        assert (expected[0], expected[1], expected[-1]) == (BEGIN, PREFIX, MIDDLE)
        assert expected.index(PREFIX) < expected.index(SUFFIX) < expected.index(MIDDLE)
