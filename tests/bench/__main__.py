"""`python -m tests.bench NAME`: how fast infill is, beside llama-server and bare llama.cpp.

Each NAME is a file of `commands`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from tests import measuring
from tests.bench.commands import (
    alternatives,
    cancel,
    context,
    decode,
    drafts,
    load,
    overhead,
    responsiveness,
    revisit,
    typing,
)

KINDS = {
    "typing": typing,
    "cancel": cancel,
    "decode": decode,
    "drafts": drafts,
    "alternatives": alternatives,
    "revisit": revisit,
    "load": load,
    "context": context,
    "overhead": overhead,
    "responsiveness": responsiveness,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark that the arguments name. Returns its exit status."""
    return measuring.main("python -m tests.bench", "Measure how fast infill is.", KINDS, arguments)


if __name__ == "__main__":
    sys.exit(main())
