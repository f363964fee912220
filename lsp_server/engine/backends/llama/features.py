"""Reports how llama.cpp was built and where it runs.

It runs in its own process, because llama.cpp built for another CPU crashes.
"""

from __future__ import annotations

import sys

import llama_cpp
import msgspec

from lsp_server.engine.backends.llama.devices import detect_machine_with_llama
from lsp_server.engine.sizing.hardware import LlamaFeatures


def main() -> None:
    """Print a `LlamaFeatures` as one line of JSON."""
    features = LlamaFeatures(
        version=llama_cpp.__version__,
        offloads_to_gpu=llama_cpp.llama_supports_gpu_offload(),
        system=llama_cpp.llama_print_system_info().decode("utf-8", errors="replace").strip(),
        machine=detect_machine_with_llama(),
    )
    sys.stdout.write(msgspec.json.encode(features).decode() + "\n")


if __name__ == "__main__":
    main()
