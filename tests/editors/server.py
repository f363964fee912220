"""The server that editors find on their PATH, and what it is told."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
TAP = Path(__file__).with_name("tap.py")

# One thread, because tests share the machine, and an engine of one's own, because they kill engines; no neighbours, so
# that cases do not depend on one another; short texts, however unsure the model is of them.
QUICK = {
    "engine": {"threads": 1, "mode": "private"},
    "context": {"max_tokens": 0, "index": False},
    "completion": {"max_tokens": 24, "confidence": 0.0},
}
# As long as it takes for a menu to have the text.
PATIENT = {**QUICK, "completion": {**QUICK["completion"], "menu_wait_ms": 0}}


def own_environment(folder: Path, programs: Path) -> dict[str, str]:
    """For an editor: files of its own in a folder, nobody's settings, `infill` and the editor on the PATH."""
    return {
        "HOME": str(folder),
        **{f"XDG_{name}_HOME": str(folder / name.lower()) for name in ("CONFIG", "DATA", "STATE", "CACHE")},
        "XDG_RUNTIME_DIR": str(folder),
        "PATH": f"{folder / 'bin'}:{programs}:/usr/bin:/bin",
        "PYTHONPATH": str(ROOT),
    }


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
