"""Vocabularies and chat templates of real models, which llama-cpp-python's source package carries."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path

import pytest

MODELS = "vendor/llama.cpp/models/"


def vocabularies(cache: Path) -> Path:
    """The folder with vocabularies (`ggml-vocab-*.gguf`) and chat templates (`templates/*.jinja`), downloaded once.

    Skips the test where there is no package index.
    """
    name = f"llama_cpp_python-{version('llama-cpp-python')}"
    folder = cache / name / MODELS
    if not (folder / "templates").exists():
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", "llama-cpp-python"]
        wanted = f"llama-cpp-python=={version('llama-cpp-python')}"
        found = subprocess.run([*command, "-d", str(cache), wanted], check=False, capture_output=True, text=True)
        if found.returncode:
            pytest.skip(f"llama-cpp-python's source package cannot be had: {found.stderr.strip()[-200:]}")
        archive = cache / f"{name}.tar.gz"
        with tarfile.open(archive) as files:
            wanted_members = [
                member
                for member in files
                if f"/{MODELS}ggml-vocab-" in member.name or f"/{MODELS}templates/" in member.name
            ]
            files.extractall(cache, wanted_members, filter="data")
        archive.unlink()
    return folder
