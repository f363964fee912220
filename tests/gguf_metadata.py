"""Copies of a GGUF that say something else of themselves, as other people's files do."""

from __future__ import annotations

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
