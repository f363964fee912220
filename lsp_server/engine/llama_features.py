"""What llama.cpp was built with, for `infill doctor`. Run as a process of its own: a build for another CPU dies."""

from __future__ import annotations

import sys

import llama_cpp
import msgspec


class LlamaFeatures(msgspec.Struct, frozen=True):
    """Version and build of llama.cpp."""

    version: str
    offloads_to_gpu: bool
    system: str  # instruction sets and backends, as llama.cpp prints them


def main() -> None:
    """Print a `LlamaFeatures` as one line of JSON."""
    features = LlamaFeatures(
        version=llama_cpp.__version__,
        offloads_to_gpu=llama_cpp.llama_supports_gpu_offload(),
        system=llama_cpp.llama_print_system_info().decode("utf-8", errors="replace").strip(),
    )
    sys.stdout.write(msgspec.json.encode(features).decode() + "\n")


if __name__ == "__main__":
    main()
