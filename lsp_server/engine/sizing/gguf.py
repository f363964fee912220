"""Reads the header of a GGUF file without loading the model.

Source: `ggml/include/gguf.h` of llama.cpp.
"""

from __future__ import annotations

import itertools
import os
import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from lsp_server.base.errors import ModelFileError, ModelNotFoundError

_MAGIC = b"GGUF"
_MIN_BYTES = 1024  # magic, version, counts and the least metadata that a model needs
_MIN_VERSION, _MAX_VERSION = 2, 255  # a larger number means the other byte order
# enum gguf_type, as letters of `struct`. Strings and arrays are read separately.
_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_MAX_ARRAY_LENGTH = 4096  # elements: enough for one value per layer, but no vocabulary
_MAX_NAME_BYTES = 65535  # of a key or a tensor
_MAX_STRING_BYTES = 1 << 20  # longer ones are left out
# A header with more is no model's. Real ones have some 50 values, 5,000 tensors, and 1,000,000 tokens and merges.
_MAX_VALUES, _MAX_TENSORS, _MAX_ITEMS = 4096, 65536, 3_000_000
_MAX_DIMENSIONS = 4  # GGML_MAX_DIMS
_DEFAULT_ALIGNMENT = 32
_PART = re.compile(r"-(\d{5})-of-(\d{5})\.gguf$")


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor of a file. `dimensions` begin with the row length. `type` is its number in `enum ggml_type`."""

    name: str
    dimensions: tuple[int, ...]
    type: int
    num_bytes: int


@dataclass(frozen=True, slots=True)
class Header:
    """Metadata and tensors of a model. Arrays are tuples. Arrays of strings and very long values are left out."""

    metadata: dict[str, Any]
    tensors: tuple[Tensor, ...]


def check_gguf(path: Path) -> None:
    """Raise `ModelNotFoundError` or `ModelFileError` if `path` is plainly no GGUF model."""
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
    if size < _MIN_BYTES:
        raise ModelFileError(f"{path} is cut short ({size} bytes). Download it again.")


def read_header(path: Path) -> Header:
    """Metadata and tensors of a model. Of a split model, `path` must be the first file, and all files are read.

    Raises `ModelNotFoundError` or `ModelFileError`.
    """
    header = _read_file(path)
    tensors = list(header.tensors)
    if match := _PART.search(path.name):
        for number in range(int(match[1]) + 1, int(match[2]) + 1):
            part = path.with_name(f"{path.name[: match.start()]}-{number:05}-of-{match[2]}.gguf")
            tensors += _read_file(part).tensors
    return Header(header.metadata, tuple(tensors))


def damaged(path: Path) -> ModelFileError:
    """The error for a file whose header makes no sense."""
    return ModelFileError(f"{path} is damaged: what it says of its model cannot be read. Download it again.")


def _read_file(path: Path) -> Header:
    check_gguf(path)
    with path.open("rb") as file:
        try:
            return _parse(_Cursor(file, path.stat().st_size, len(_MAGIC)))
        except Exception:  # noqa: BLE001  (whatever a file says, the fault is its own)
            raise damaged(path) from None


class _Cursor:
    """A position in a file's bytes that advances with each read. Raises `struct.error` beyond their end."""

    def __init__(self, file: BinaryIO, size: int, at: int) -> None:
        self.size = size
        self.at = at
        self._file = file
        self._items_left = _MAX_ITEMS
        file.seek(at)

    def skip(self, num_bytes: int) -> None:
        self._advance(num_bytes)
        self._file.seek(num_bytes, os.SEEK_CUR)

    def read(self, num_bytes: int) -> bytes:
        self._advance(num_bytes)
        return self._file.read(num_bytes)

    def _advance(self, num_bytes: int) -> None:
        self._items_left -= 1
        if num_bytes > self.size - self.at or self._items_left < 0:
            raise struct.error
        self.at += num_bytes

    def numbers(self, letter: str, count: int = 1) -> tuple[Any, ...]:
        layout = f"<{count}{letter}"
        return struct.unpack(layout, self.read(struct.calcsize(layout)))

    def number(self, letter: str) -> Any:
        return self.numbers(letter)[0]

    def count(self, most: int) -> int:
        """How many values follow, or how many bytes. Raises `ValueError` if they are too many."""
        found = int(self.number("Q"))
        if found > most:
            raise ValueError
        return found

    def name(self) -> str:
        return self.read(self.count(_MAX_NAME_BYTES)).decode("utf-8", errors="replace")

    def value(self, kind: int) -> Any:
        """A value of that type. None for one that is not kept."""
        if kind == _STRING:
            if (size := self.number("Q")) <= _MAX_STRING_BYTES:
                return self.read(size).decode("utf-8", errors="replace")
            self.skip(size)
            return None
        if kind != _ARRAY:
            return self.number(_NUMBERS[kind])
        element, count = self.number("I"), self.number("Q")
        if element in (_STRING, _ARRAY):
            for _ in range(count):
                self.skip(self.number("Q")) if element == _STRING else self.value(_ARRAY)
            return None
        if count <= _MAX_ARRAY_LENGTH:
            return self.numbers(_NUMBERS[element], count)
        self.skip(count * struct.calcsize(f"<{_NUMBERS[element]}"))
        return None


def _parse(cursor: _Cursor) -> Header:
    if not _MIN_VERSION <= cursor.number("I") <= _MAX_VERSION:
        raise ValueError
    num_tensors, num_values = cursor.count(_MAX_TENSORS), cursor.count(_MAX_VALUES)
    metadata = {}
    for _ in range(num_values):
        key = cursor.name()
        value = cursor.value(cursor.number("I"))
        if value is not None:
            metadata[key] = value
    found = []
    for _ in range(num_tensors):
        name, num_dimensions = cursor.name(), cursor.number("I")
        if not 1 <= num_dimensions <= _MAX_DIMENSIONS:
            raise ValueError
        found.append((name, cursor.numbers("Q", num_dimensions), cursor.number("I"), cursor.number("Q")))
    alignment = metadata.get("general.alignment", _DEFAULT_ALIGNMENT)
    data_bytes = cursor.size - -(-cursor.at // alignment) * alignment
    # A tensor's size is the distance to the next one. That includes padding, and works for types newer than this code.
    offsets = sorted({offset for *_, offset in found} | {data_bytes})
    end_of = dict(itertools.pairwise(offsets))
    return Header(metadata, tuple(Tensor(name, shape, kind, end_of[at] - at) for name, shape, kind, at in found))
