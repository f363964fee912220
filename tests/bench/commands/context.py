"""`python -m tests.bench context`: what the index of a workspace costs."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console

from lsp_server.commands.console import make_report
from lsp_server.commands.measuring import Results, Say, positive
from tests.bench import index_cost
from tests.eval.retrieval.blocks import HELD_OUT, locate

SUMMARY = "what the index of a workspace costs: to build, to keep, to ask"
LARGEST = "mypy"  # of the projects that `python -m tests.eval retrieval` measures


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options."""
    parser.add_argument("--pairs", type=positive, default=100, metavar="N", help="saves and queries (100)")
    num_files = index_cost.NUM_FILES
    parser.add_argument("--files", type=positive, default=num_files, metavar="N", help=f"the workspace's ({num_files})")
    parser.add_argument("--project", metavar="FOLDER", help=f"a project to index; default: the installed {LARGEST}")


def measure(arguments: argparse.Namespace, say: Say) -> Results:
    """Measure the standard library and a project. Raises `InfillError`."""
    project = Path(arguments.project) if arguments.project else locate(LARGEST, *HELD_OUT[LARGEST])
    projects = {"standard library": index_cost.standard_library(), project.name: project}
    return index_cost.measure(projects, arguments.pairs, arguments.files, say)


def show(console: Console, results: Results) -> None:
    """Print a report."""
    report = make_report()
    for name, cold in results.items():
        if "source_bytes" not in cold:
            continue
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
