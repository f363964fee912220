"""What every benchmark shares: spreads, and results as files."""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def spread(samples: list[float]) -> dict[str, float]:
    """Count, median, 95th percentile, least and most of some samples."""
    ordered = sorted(samples)
    return {
        "n": len(ordered),
        "median": round(statistics.median(ordered), 3),
        "p95": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))], 3),
        "min": round(ordered[0], 3),
        "max": round(ordered[-1], 3),
    }


def machine() -> dict[str, Any]:
    """Where a result was measured."""
    return {
        "system": platform.system(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "llama-cpp-python": version("llama-cpp-python"),
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        return names[0] if names else platform.processor()
    return platform.processor()


def report(name: str, rows: dict[str, dict[str, Any]], *, record: bool, folder: Path = RESULTS) -> None:
    """Print rows; with `record`, also write them to `NAME.json` in a folder."""
    for row, values in rows.items():
        print(f"{row:<52}", "  ".join(f"{key} {value}" for key, value in values.items()))
    if record:
        folder.mkdir(exist_ok=True)
        command = "python " + " ".join([str(Path(sys.argv[0]).resolve().relative_to(Path.cwd())), *sys.argv[1:]])
        result = {"command": command, "machine": machine(), "rows": rows}
        (folder / f"{name}.json").write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
