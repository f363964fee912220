"""Mutated GGUF headers: each is read or refused with a sentence. `python -m tests.fuzz headers --seconds 3600`"""

from __future__ import annotations

import random
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path

from lsp_server.base.errors import ModelError
from lsp_server.engine.sizing.hardware import Machine
from lsp_server.engine.sizing.model_file import size_model
from lsp_server.ipc.launch import EngineOptions
from tests.gguf.families import MINIATURES, write

MACHINE = Machine(num_cores=2, total_bytes=16 << 30, free_bytes=8 << 30, gpus=(), repacked_types=())
NUMBERS = (0, 1, 2, 7, 8, 9, 12, 13, 255, 4096, 2**16, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**63 - 1, 2**63, 2**64 - 1)


def originals(folder: Path) -> list[bytes]:
    """The headers of some miniatures, with the beginning of their weights."""
    names = ("deepseek-coder", "qwen3-coder", "deepseek-coder-v2", "codegemma")
    return [write(folder / f"{name}.gguf", MINIATURES[name]).read_bytes()[:40_000] for name in names]


def mutated(data: bytes, rng: random.Random) -> bytes:
    """A copy with some faults, most of them where the header begins."""
    copy = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        at = rng.randrange(4, rng.choice((24, 400, 2000, len(copy))))
        match rng.randrange(6):
            case 0:
                copy[at % len(copy)] ^= 1 << rng.randrange(8)
            case 1 | 2:
                layout = rng.choice(("<I", "<Q"))
                number = struct.pack(layout, rng.choice(NUMBERS) % (1 << (8 * struct.calcsize(layout))))
                copy[at : at + len(number)] = number
            case 3:
                del copy[at : at + rng.choice((1, 4, 8, 100))]
            case 4:
                copy[at:at] = copy[at : at + rng.choice((1, 4, 8, 100))]
            case 5:
                copy[at:at] = rng.randbytes(rng.choice((1, 4, 8)))
    return bytes(copy)


def read(path: Path) -> str:
    """What a reader of the file is told: nothing, or why it cannot be used."""
    try:
        size_model(EngineOptions(str(path)), MACHINE).choose()
    except ModelError as error:
        return str(error)
    return ""


def faults(num_cases: int, seed: int) -> Iterator[str]:
    """The cases that raise anything but a sentence."""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "mutated.gguf"
        sources = originals(Path(name))
        for number in range(num_cases):
            path.write_bytes(mutated(rng.choice(sources), rng))
            try:
                told = read(path)
                assert not told or told.endswith(".")
            except Exception as error:  # noqa: BLE001  (that is what is looked for)
                yield f"seed {seed}, case {number}: {error!r}"
