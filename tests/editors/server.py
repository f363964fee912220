"""The server that editors find on their PATH, and what it is told."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
TAP = Path(__file__).with_name("tap.py")

# One thread, because tests share the machine; no neighbours, so that cases do not depend on one another; short texts.
QUICK = {"engine": {"threads": 1}, "context": {"max_tokens": 0}, "completion": {"max_tokens": 24}}


def write_infill(folder: Path, log: Path) -> Path:
    """A program `infill` in a folder: this checkout's, whose server is behind a tap."""
    folder.mkdir(parents=True, exist_ok=True)
    python = shlex.quote(sys.executable)
    infill = f"{python} -X utf8 -m lsp_server"
    program = folder / "infill"
    program.write_text(
        "#!/bin/sh\n"
        f'if [ "$1" = serve ]; then exec {python} {shlex.quote(str(TAP))} {shlex.quote(str(log))} {infill} "$@"; fi\n'
        f'exec {infill} "$@"\n'
    )
    program.chmod(0o755)
    return program
