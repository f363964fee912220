"""`python -m tests.eval NAME`: how good completions and prompts are. One file of `commands` each."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from tests import measuring
from tests.eval.commands import anchored, equality, infilling, model, passthrough, retrieval

KINDS = {
    "model": model,
    "infilling": infilling,
    "passthrough": passthrough,
    "retrieval": retrieval,
    "anchored": anchored,
    "equality": equality,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the evaluation that the arguments name. Returns its exit status."""
    return measuring.main("python -m tests.eval", "Measure how good completions and prompts are.", KINDS, arguments)


if __name__ == "__main__":
    sys.exit(main())
