"""`infill bench context`: what the index of a workspace costs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rich.console import Console

from lsp_server.base.errors import InfillError
from tests.bench import index_cost
from lsp_server.measure.record import write_json
from lsp_server.commands.console import make_console, make_report, require_folder_of
from tests.eval.retrieval.blocks import HELD_OUT, locate

LARGEST = "mypy"  # of the projects that `infill eval retrieval` measures


def add_kind(kinds: Any) -> None:
    """Define the options."""
    summary = "what the index of a workspace costs: to build, to keep, to ask"
    kind = kinds.add_parser("context", help=summary, description=f"Measure {summary}.")
    kind.add_argument("--pairs", type=int, default=100, metavar="N", help="saves and queries (100)")
    kind.add_argument("--files", type=int, default=context.NUM_FILES, metavar="N", help="files of the workspace (5000)")
    kind.add_argument("--project", metavar="FOLDER", help=f"a project to index; default: the installed {LARGEST}")
    kind.add_argument("--json", metavar="FILE", help="write command, machine and figures there")


def run(arguments: argparse.Namespace) -> int:
    """Measure, print, and write what was asked for."""
    if arguments.pairs < 1 or arguments.files < 1:
        raise InfillError("--pairs and --files must be at least 1.")
    require_folder_of(arguments.json)
    project = Path(arguments.project) if arguments.project else locate(LARGEST, *HELD_OUT[LARGEST])
    projects = {"standard library": context.standard_library(), project.name: project}
    with Console(stderr=True).status("indexing…") as status:
        results = context.measure(projects, arguments.pairs, arguments.files, lambda text: status.update(f"{text}…"))
    _print(make_console(), results, list(projects))
    if arguments.json:
        write_json(Path(arguments.json), results)
    return 0


def _print(console: Console, results: dict[str, Any], names: list[str]) -> None:
    report = make_report()
    for name in names:
        cold = results[name]
        report.add_row(
            f"index of {name}",
            f"{cold['num_files']} files, {cold['source_bytes'] / 1e6:.1f} MB in {cold['wall_s']:.1f} s, "
            f"{cold['megabytes_per_s_and_core']:.1f} MB a second and core; "
            f"{cold['index_bytes'] / 1e6:.1f} MB on disk, {cold['memory_mebibytes']:.0f} MiB of memory",
        )
    queries = results["queries"]
    for name, spread in (
        ("a save", results["saves_ms"]["wall"]),
        ("a save, processor", results["saves_ms"]["processor"]),
        ("blocks", queries["gather_ms"]["wall"]),
        ("blocks, processor", queries["gather_ms"]["processor"]),
        ("pause of the loop", queries["event_loop_pause_ms"]),
        ("pause of an idle loop", queries["event_loop_pause_idle_ms"]),
    ):
        report.add_row(name, f"median {spread.median:.1f} ms, p95 {spread.p95:.1f} ms, most {spread.most:.1f} ms")
    report.add_row("memory", f"{queries['memory_mebibytes']:.0f} MiB more in the server, {queries['num_files']} files")
    console.print(report)
