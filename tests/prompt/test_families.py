import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.base.errors import ModelCannotInfillError
from lsp_server.base.fim_families import FAMILIES, Family, Place, leak_pattern
from lsp_server.ipc.model_info import ModelInfo
from lsp_server.ipc.requests import Marker, PromptPart, Text
from lsp_server.prompt.anchor import render
from lsp_server.prompt.families import family_for, family_of, heading_of, project_line
from lsp_server.prompt.plan import plan_anchor
from lsp_server.text.excerpts import Block
from tests.builders import DEEPSEEK, QWEN, make_model, snapshot_at

BY_NAME = {family.name: family for family in FAMILIES}
STARCODER = {"prefix": "<fim_prefix>", "suffix": "<fim_suffix>", "middle": "<fim_middle>"}
SEED = {"prefix": "<[fim-prefix]>", "suffix": "<[fim-suffix]>", "middle": "<[fim-middle]>"}
CODESTRAL = {"begin": "<s>", "prefix": "[PREFIX]", "suffix": "[SUFFIX]"}
PIPED = {role: QWEN[role] for role in ("prefix", "suffix", "middle")}
# Prompts with a file and with another one before it, as the families' own pages have them.
PROMPTS = [
    (
        DEEPSEEK,
        "",
        "{begin}{prefix}a\n{suffix}\nz\n{middle}",
        "{begin}# lib.py\nx\n\n{prefix}# m.py\na\n{suffix}\nz\n{middle}",
    ),
    (
        QWEN,
        "",
        "{prefix}a\nb{suffix}\nz\n{middle}",
        "{repo}shop\n{file}lib.py\nx\n{file}m.py\n{prefix}a\nb{suffix}\nz\n{middle}",
    ),
    (
        PIPED | {"file": "<|file_separator|>"},
        "",
        "m.py\n{prefix}a\nb{suffix}\nz\n{middle}",
        "lib.py\nx\n{file}m.py\n{prefix}a\nb{suffix}\nz\n{middle}",
    ),
    (
        STARCODER | {"file": "<filename>"},
        "mellum",
        "{file}m.py\n{suffix}\nz\n{prefix}a\nb{middle}",
        "{file}lib.py\nx\n{file}m.py\n{suffix}\nz\n{prefix}a\nb{middle}",
    ),
    (
        STARCODER | {"file": "<file_sep>", "repo": "<repo_name>"},
        "",
        "{prefix}a\nb{suffix}\nz\n{middle}",
        "{repo}shop{file}lib.py\nx\n{file}{prefix}m.py\na\nb{suffix}\nz\n{middle}",
    ),
    (STARCODER, "", "{prefix}a\nb{suffix}\nz\n{middle}", "# lib.py\nx\n\n{prefix}# m.py\na\nb{suffix}\nz\n{middle}"),
    (SEED, "", "{suffix}\nz\n{prefix}a\nb{middle}", "{suffix}\nz\n{prefix}# lib.py\nx\n\n# m.py\na\nb{middle}"),
    (
        CODESTRAL,
        "codestral-22b",
        "{begin}{suffix}\nz\n{prefix} a\nb",
        "{begin}{suffix}\nz\n{prefix} +++++ lib.py\nx\n\n+++++ m.py\na\nb",
    ),
]


def of_markers(markers: dict[str, str], name: str) -> str:
    return family_for(name or "any name", markers).name


@pytest.mark.parametrize(
    ("markers", "name", "expected"),
    [
        (DEEPSEEK, "", "deepseek"),
        (QWEN, "", "qwen"),
        (QWEN | {"begin": "<s>", "end": "</s>"}, "", "qwen"),
        (PIPED, "", "codegemma"),
        (STARCODER, "", "starcoder"),
        (STARCODER | {"file": "<filename>", "repo": "<reponame>"}, "granite", "starcoder"),
        (STARCODER | {"file": "<filename>", "repo": "<reponame>"}, "Mellum 4b Base", "mellum"),
        (STARCODER | {"file": "<file_sep>", "repo": "<repo_name>"}, "", "starcoder2"),
        (SEED, "", "seed-coder"),
        (CODESTRAL, "Codestral 22B v0.1", "codestral"),
    ],
)
def test_known_by_the_texts_of_the_markers_and_where_those_are_shared_by_the_name(markers, name, expected):
    assert of_markers(markers, name) == expected


@pytest.mark.parametrize("told_by", ["path", "pre_tokeniser"])
def test_a_model_that_is_called_otherwise_is_known_by_its_file_or_its_tokeniser(told_by):
    names = {"path": "/models/mellum-4b.gguf"} if told_by == "path" else {"pre_tokeniser": "mellum"}
    known = model_of(STARCODER | {"file": "<filename>"}, **names)
    assert family_of(known).name == "mellum"


def model_of(markers: dict[str, str], **fields: str) -> ModelInfo:
    model = make_model(markers=markers)
    return ModelInfo(**{name: getattr(model, name) for name in model.__struct_fields__} | fields)


@pytest.mark.parametrize(
    ("name", "markers"),
    [
        pytest.param("codex-9b", {}, id="none"),
        pytest.param("codex-9b", {"prefix": "<PRE>", "suffix": "<SUF>", "middle": "<MID>"}, id="of another family"),
        pytest.param("codex-9b", {**QWEN, "middle": DEEPSEEK["middle"]}, id="of two families"),
        pytest.param("codex-9b", {"prefix": QWEN["prefix"], "suffix": QWEN["suffix"]}, id="one missing"),
        pytest.param("codex-9b", {**QWEN, "prefix": QWEN["suffix"], "suffix": QWEN["prefix"]}, id="in other roles"),
        pytest.param("codex-9b", {**DEEPSEEK, "prefix": "<|fim_begin|>"}, id="spelt with other letters"),
        pytest.param("Mistral-7B-v0.3", CODESTRAL, id="of the company's other models"),
        pytest.param("Mamba-Codestral-7B-v0.1", CODESTRAL, id="not trained to use them"),
        pytest.param("Mamba Codestral 7B v0.1", CODESTRAL, id="not trained to use them, with spaces"),
        pytest.param("mamba_codestral-7b", CODESTRAL, id="not trained to use them, with underscores"),
        pytest.param("MambaCodestral", CODESTRAL, id="not trained to use them, in one word"),
    ],
)
def test_any_other_is_refused_with_what_to_do(name, markers):
    with pytest.raises(ModelCannotInfillError) as refused:
        family_for(name, markers)
    message = str(refused.value)
    assert name in message
    assert all(markers[role] in message for role in ("prefix", "suffix", "middle") if role in markers)
    assert all(family.name in message for family in FAMILIES)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_format_has_each_place_once_and_ends_where_the_model_goes_on(family: Family):
    for order in (family.order_single_file, family.order_with_blocks):
        assert len(set(order)) == len(order)
        assert {Place.PREFIX, Place.SUFFIX, "begin", "prefix", "suffix"} <= set(order)
        assert order[0] == "begin"
        assert order[-1] == ("middle" if "middle" in family.markers else Place.PREFIX)
        assert order.index("suffix") + 1 == order.index(Place.SUFFIX)
        assert order.index("prefix") < order.index(Place.PREFIX)
    assert {Place.BLOCKS, Place.PATH} <= set(family.order_with_blocks)
    assert Place.BLOCKS not in family.order_single_file
    assert not family.block_marker or family.block_marker in {**family.markers, **family.other_markers}


def test_no_two_formats_are_alike():
    assert len(BY_NAME) == len(FAMILIES)
    for number, family in enumerate(FAMILIES):
        assert family_for(family.models.partition(")")[2] or family.models, family.markers) == family
        for later in FAMILIES[number + 1 :]:
            assert not later.models or later.markers != family.markers, "the one with a name goes first"


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_control_string_is_cut_from_an_answer_or_is_ordinary_text(family: Family):
    for text in (*family.markers.values(), *family.other_markers.values(), *family.end_texts):
        assert (leak_pattern().fullmatch(text) is None) == (text in family.legal_in_code), text


def test_only_families_that_were_measured_are_anchored():
    assert [family.name for family in FAMILIES if family.anchored] == ["deepseek"]


def planned(markers: dict[str, str], name: str, *blocks: Block) -> tuple[PromptPart, ...]:
    snapshot = snapshot_at("a\nb‸\nz\n", path="m.py", project="shop")
    return plan_anchor(snapshot, blocks, make_model(markers=markers), family_for(name, markers), 32, 0.25).parts


@pytest.mark.parametrize(("markers", "name", "alone", "among"), PROMPTS, ids=lambda value: str(value)[:12])
def test_the_prompt_of_a_family(markers, name, alone, among):
    if markers is DEEPSEEK:  # anchored: the line begun comes behind
        assert family_for(name, markers).anchored
    assert render(planned(markers, name), lambda role: markers[role]) == alone.format(**markers)
    with_block = planned(markers, name, Block("lib.py", "python", "x\n", "open"))
    assert render(with_block, lambda role: markers[role]) == among.format(**markers)


def test_the_lead_is_tokenised_with_what_follows_it():
    assert planned(CODESTRAL, "codestral")[-2:] == (Marker("prefix"), Text(" a\nb", "keep_tail"))


def test_a_project_without_a_name_is_any_repository():
    assert project_line(BY_NAME["qwen"], "") == "repository\n"


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("src/main.py", "# src/main.py\n"),
        ("größe 寸法.py", "# größe 寸法.py\n"),
        ("{path}.py", "# {path}.py\n"),
        ("a\nimport os\n.py", "# a?import os?.py\n"),
        ("a\r\tb\x00\x1b.py", "# a??b??.py\n"),
        ("a\u2028b\x85c\ud800.py", "# a?b?c?.py\n"),
    ],
)
def test_a_heading_is_a_line_that_names_a_file(path, line):
    assert heading_of(BY_NAME["deepseek"], "python", path) == line


@given(st.sampled_from(FAMILIES), st.text(), st.text())
def test_a_path_is_one_line(family, language_id, path):
    assert len(heading_of(family, language_id, path).splitlines()) == 1
