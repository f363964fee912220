"""Everything that must hold before a change is good: lint, format, types, tests. `python tests/check.py`.

Tests run on two cores, in an order that fails early: what needs no process first, then whole processes, then what
measures a process, alone. The tests of measuring code and of editors are suites of their own (`.ci/run`).
Arguments go to each run of pytest.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
# A file's tests stay in one worker, because they share fixtures and their event loop. A file is begun as it comes.
TWO_CORES = ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")
# Folders of `tests` that start no process; a folder that is not named here runs in the second run.
PURE = ("actions", "base", "completion", "context", "languages", "postprocess", "prompt", "server", "settings", "text",
        "engine/drafting", "engine/scheduler")  # fmt: skip
MEASURING = ("bench", "eval")
# Long files begin early, so that both cores end at the same time.
PROCESSES = ("e2e", "engine", "catalog", "commands")


def paths(names: tuple[str, ...], option: str = "") -> list[str]:
    """Those of the folders of `tests` that there are, each with an option."""
    return [f"{option}tests/{name}" for name in names if (ROOT / "tests" / name).exists()]


def checks() -> list[list[str]]:
    """The commands, each the arguments of `python -m`."""
    others = paths(PURE + MEASURING, "--ignore=")
    pytest = ["pytest", "-q"]
    return [
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["mypy"],
        [*pytest, *TWO_CORES, "-m", "not alone", *paths(PURE)],
        [*pytest, *TWO_CORES, "-m", "not alone", *others, *paths(PROCESSES), "tests"],
        [*pytest, "-m", "alone", *paths(MEASURING, "--ignore=")],
    ]


def main() -> int:
    """Run the checks in order; stop at the first that fails. Arguments go to pytest."""
    for tool, *arguments in checks():
        extra = sys.argv[1:] if tool == "pytest" else []
        print(f"$ {tool} {' '.join([*arguments, *extra])}", flush=True)
        result = subprocess.run([sys.executable, "-m", tool, *arguments, *extra], cwd=ROOT, check=False)
        if result.returncode != 0:
            return result.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
