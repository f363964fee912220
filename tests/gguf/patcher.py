"""Copies of a GGUF that say something else of themselves, as other people's files do."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import pytest
from gguf.scripts import gguf_new_metadata


def with_metadata(source: Path, target: Path, *arguments: str) -> Path:
    """Copy a file with other metadata; the arguments are those of gguf's `gguf_new_metadata`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["gguf_new_metadata", *arguments, "--force", str(source), str(target)])
        gguf_new_metadata.main()
    return target


def with_texts(source: Path, target: Path, texts: dict[str, str], user_defined: tuple[int, ...] = ()) -> Path:
    """Copy a file with texts of tokens replaced by others of the same length, and some tokens made user-defined."""
    data = bytearray(source.read_bytes())
    for old, new in texts.items():
        before, after = (struct.pack("<Q", len(text.encode())) + text.encode() for text in (old, new))
        assert len(before) == len(after), "the same length, so that nothing moves"
        assert data.count(before) == 1, "once, in the list of tokens"
        data = data.replace(before, after)
    key = b"tokenizer.ggml.token_type"
    first = data.index(key) + len(key) + 16  # the key's type, the elements' type, their count
    for token in user_defined:
        struct.pack_into("<i", data, first + 4 * token, 4)
    target.write_bytes(data)
    return target
