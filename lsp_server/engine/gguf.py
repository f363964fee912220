"""The few bytes of a GGUF file that tell whether llama.cpp should be handed it at all."""

from __future__ import annotations

from pathlib import Path

from lsp_server.errors import ModelFileError, ModelNotFoundError

_MAGIC = b"GGUF"
_SMALLEST_BYTES = 1024  # magic, version, counts and the least metadata a model needs


def check_gguf(path: Path) -> None:
    """Raise `ModelNotFoundError` or `ModelFileError` if `path` is plainly not a GGUF model.

    Source: `ggml/include/gguf.h` of llama.cpp.
    """
    try:
        with path.open("rb") as file:
            magic = file.read(len(_MAGIC))
        size = path.stat().st_size
    except FileNotFoundError:
        raise ModelNotFoundError(
            f"There is no model at {path}. Set `model` to the path of a GGUF file, or leave it out to use the "
            "embedded model."
        ) from None
    except OSError as error:
        raise ModelFileError(
            f"The model {path} cannot be read: {error.strerror}. Set `model` to the path of a GGUF file."
        ) from None
    if magic != _MAGIC:
        raise ModelFileError(
            f"{path} is not a GGUF file. Download the GGUF version of the model, not its original weights."
        )
    if size < _SMALLEST_BYTES:
        raise ModelFileError(f"{path} is cut short ({size} bytes). Download it again.")
