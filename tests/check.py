"""Everything that must hold before a change is good: lint, format, types, tests. `python tests/check.py`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
CHECKS = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("mypy",),
    ("pytest", "-q"),
)


def main() -> int:
    """Run the checks in order; stop at the first that fails. Arguments go to pytest."""
    for tool, *arguments in CHECKS:
        extra = sys.argv[1:] if tool == "pytest" else []
        print(f"$ {tool} {' '.join([*arguments, *extra])}", flush=True)
        result = subprocess.run([sys.executable, "-m", tool, *arguments, *extra], cwd=ROOT, check=False)
        if result.returncode != 0:
            return result.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
