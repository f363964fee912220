"""Files that llama.cpp would misread."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from gguf.scripts import gguf_new_metadata

from lsp_server.engine.backends.llama.backend import UNKNOWN_PRE_TOKENISER, LlamaBackend
from lsp_server.ipc.launch import EngineOptions
from tests.gguf.families import MINIATURES, write
from tests.gguf.patcher import with_metadata

PRE = "tokenizer.ggml.pre"
# Cut otherwise by llama.cpp's default: digits one by one, and line breaks alone.
TEXT = "x = 12345\n\n\ny = (1, 22, 333)\n"


@pytest.fixture
def rewritten(model_path, tmp_path, monkeypatch):
    """A copy of the embedded model, with other metadata."""

    def rewrite(*arguments: str) -> Path:
        copy = tmp_path / "copy.gguf"
        monkeypatch.setattr(sys, "argv", ["gguf_new_metadata", *arguments, "--force", str(model_path), str(copy)])
        gguf_new_metadata.main()
        return copy

    return rewrite


def tokens_of(path: Path) -> list[int]:
    backend = LlamaBackend(EngineOptions(str(path), threads=1, context_tokens=256, cache_tokens=256))
    try:
        return backend.tokenize(TEXT)
    finally:
        backend.close()


def test_an_old_file_that_does_not_name_its_pre_tokeniser_is_read_as_it_was_meant(model_path, rewritten):
    assert tokens_of(rewritten("--remove-metadata", PRE)) == tokens_of(model_path)


def test_what_a_file_says_of_itself_is_taken(model_path, rewritten):
    assert tokens_of(rewritten("--pre-tokenizer", "default")) != tokens_of(model_path)


def test_a_file_of_no_family_that_does_not_name_its_pre_tokeniser_is_told_of(tmp_path):
    source = write(tmp_path / "old.gguf", replace(MINIATURES["qwen2.5-coder"], specials=("<|endoftext|>",)))
    for remove, notes in (((), ()), (("--remove-metadata", PRE), (UNKNOWN_PRE_TOKENISER,))):
        path = with_metadata(source, tmp_path / "copy.gguf", *remove, "--force")
        backend = LlamaBackend(EngineOptions(str(path), threads=1, needs_infill=False))
        assert tuple(note for note in backend.info.notes if "tokens" in note) == notes
        backend.close()
