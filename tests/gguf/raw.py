"""GGUF headers that say anything. gguf's own writer refuses what is wrong."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

STRING, ARRAY, UINT32, UINT64 = 8, 9, 4, 10


@dataclass(frozen=True)
class Value:
    """A value by its type's number and its bytes."""

    kind: int
    raw: bytes


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def value_of(value: Any) -> Value:
    match value:
        case Value():
            return value
        case str():
            return Value(STRING, text(value))
        case int():
            return Value(UINT64, struct.pack("<Q", value))
        case list():
            items = [value_of(each) for each in value]
            kind = items[0].kind if items else UINT32
            return Value(ARRAY, struct.pack("<IQ", kind, len(items)) + b"".join(each.raw for each in items))
    raise TypeError(value)


def header(
    values: Iterable[tuple[str, Any]], tensors: Iterable[tuple[str, tuple[int, ...]]] = (), padding: int = 4096
) -> bytes:
    """A file with these values, and with tensors of zeros."""
    values, tensors = list(values), list(tensors)
    content = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(values))
    for key, value in values:
        found = value_of(value)
        content += text(key) + struct.pack("<I", found.kind) + found.raw
    for name, shape in tensors:
        content += text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, 0, 0)
    return content + bytes(padding)
