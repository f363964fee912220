"""The machine as llama.cpp sees it. A process of its own asks llama.cpp."""

from __future__ import annotations

import subprocess
import sys

import msgspec

from lsp_server.base.errors import EngineError
from lsp_server.engine.sizing.hardware import LlamaFeatures


def llama_features() -> LlamaFeatures:
    """llama.cpp's build and this machine. Raises `EngineError` if llama.cpp does not run here."""
    command = [sys.executable, "-m", "lsp_server.engine.backends.llama.features"]
    result = subprocess.run(command, capture_output=True, check=False)
    try:
        return msgspec.json.decode(result.stdout, type=LlamaFeatures)
    except msgspec.MsgspecError:
        raise EngineError(
            f"llama.cpp does not run on this machine (status {result.returncode}). Reinstall it for this machine: "
            "pip install --force-reinstall --no-binary llama-cpp-python llama-cpp-python"
        ) from None
