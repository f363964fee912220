"""Shared by commands that measure: a subcommand for each kind, progress, the JSON file, and then the tables."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console

from lsp_server.base.errors import InfillError
from lsp_server.commands.console import make_console, require_folder_of
from lsp_server.measure.result_file import write_json

Say = Callable[[str], None]
Results = dict[str, Any]


class Kind(Protocol):
    """A module that measures one thing. `SUMMARY` continues the word "measure"."""

    SUMMARY: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Define the options."""
        ...

    def measure(self, arguments: argparse.Namespace, say: Say) -> Results:
        """Measure, and report progress with `say`. Raises `InfillError`."""
        ...

    def show(self, console: Console, results: Results) -> None:
        """Print tables of the results. Raises `InfillError` for results that show a fault."""
        ...


def add_kinds(parser: argparse.ArgumentParser, kinds: Mapping[str, Kind]) -> None:
    """Define a subcommand for each kind, with the option `--json`."""
    subparsers = parser.add_subparsers(dest="kind", metavar="KIND", required=True)
    for name, kind in kinds.items():
        subparser = subparsers.add_parser(name, help=kind.SUMMARY, description=f"Measure {kind.SUMMARY}.")
        kind.add_arguments(subparser)
        subparser.add_argument("--json", metavar="FILE", help="write command, machine, figures and samples there")
        subparser.set_defaults(measure=kind.measure, show=kind.show)


def run(arguments: argparse.Namespace, program: str = "infill") -> int:
    """Measure, write the JSON file, and then print: a reader who closes the pipe loses no samples.

    `program` is how the command line in the record begins.
    """
    require_folder_of(arguments.json)
    with Console(stderr=True).status("starting…") as status:
        results = arguments.measure(arguments, lambda text: status.update(f"{text}…"))
    if arguments.json:
        write_json(Path(arguments.json), results, program)
    arguments.show(make_console(), results)
    return 0


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Define which model is measured, and with how many threads."""
    parser.add_argument("--model", metavar="MODEL", help="a model by name or path; default: the embedded one")
    parser.add_argument("--threads", type=positive, default=0, metavar="N", help="CPU threads of the model")


def positive(text: str) -> int:
    """A count from the command line. Raises argparse's error below 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def pick(text: str | None, known: Collection[str], what: str) -> list[str]:
    """Names separated by commas, all known names for None. Raises `InfillError` for an unknown name."""
    names = [name.strip() for name in text.split(",")] if text else list(known)
    for name in names:
        if name not in known:
            raise InfillError(f"There is no {what} {name!r}. Name some of: {', '.join(known)}.")
    return names
