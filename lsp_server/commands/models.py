"""`infill models list|recommend|show|pull|rm|verify`: the known models, and their download from the hub."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Table
from rich.text import Text

from lsp_server.base.errors import HubError, InfillError
from lsp_server.catalog import hub
from lsp_server.catalog.hub_errors import gigabytes
from lsp_server.catalog.models import CatalogModel, HubFile, catalog, in_catalog
from lsp_server.catalog.resolve import hub_file
from lsp_server.commands import models_recommend, models_show, models_verify
from lsp_server.commands.console import coloured, make_console


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options."""
    kinds = parser.add_subparsers(dest="kind", metavar="WHAT", required=True)
    for name, run_kind, summary in (
        ("list", _list, "the models that infill knows by name"),
        ("recommend", models_recommend.run, "which models suit this machine, and why"),
        ("show", models_show.run, "the facts of a model, and the memory it takes"),
        ("pull", _pull, "get a model from the hub"),
        ("rm", _remove, "delete a model from this machine"),
        ("verify", models_verify.run, "try whether a model fills holes with known answers"),
    ):
        kind = kinds.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
        kind.set_defaults(run_kind=run_kind)
        if name == "list":
            kind.add_argument("--json", action="store_true", help="as JSON, for programs")
        if name == "show":
            kind.add_argument("name", metavar="NAME", help="or a path, or OWNER/REPOSITORY:FILE")
        if name in ("pull", "rm"):
            kind.add_argument("name", metavar="NAME[:QUANTISATION]", help="or OWNER/REPOSITORY:FILE")
        if name == "verify":
            kind.add_argument("name", nargs="?", metavar="NAME", help="or a path; default: the model in the settings")
        if name == "pull":
            kind.add_argument("--yes", action="store_true", help="accept the licence without being asked")


def run(arguments: argparse.Namespace) -> int:
    """Run the action."""
    return int(arguments.run_kind(arguments, make_console()))


def _list(arguments: argparse.Namespace, console: Console) -> int:
    if arguments.json:
        print(msgspec.json.encode([_described(model) for model in catalog().values()]).decode())
        return 0
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("model", "files", "context", "licence", "here"):
        table.add_column(heading, justify="right" if heading == "context" else "left")
    for model in catalog().values():
        here = [name for name, file in model.files.items() if hub.cached(file)]
        files = ", ".join(_with_size(name, file) for name, file in model.files.items())
        table.add_row(
            model.name,
            _uses(model) or files,
            f"{model.context_tokens:,}",
            model.licence.name,
            ", ".join(here),
        )
    console.print(table)
    return 0


def _described(model: CatalogModel) -> dict[str, Any]:
    """The facts of a model for editor plugins."""
    return {
        "name": model.name,
        "licence": model.licence.name,
        "licence_summary": model.licence.summary,
        "context_tokens": model.context_tokens,
        "fills": not model.refused,
        "chats": model.role == "instruct" and (not model.refused or model.can_only_chat),
        "files": [
            {"name": name, "gigabytes": file.gigabytes, "here": hub.cached(file) is not None}
            for name, file in model.files.items()
        ],
    }


def _uses(model: CatalogModel) -> Text | None:
    if model.can_only_chat:
        return coloured("yellow", "only for chat", f": {', '.join(model.files)}")
    return coloured("red", "cannot fill holes") if model.refused else None


def _with_size(name: str, file: HubFile) -> str:
    return f"{name} {file.gigabytes:.1f} GB" if file.gigabytes else name


def _pull(arguments: argparse.Namespace, console: Console) -> int:
    file = hub_file(arguments.name)
    if here := hub.cached(file):
        console.print(f"{file} is here already: {here}", soft_wrap=True)
        return 0
    if not arguments.yes and not sys.stdin.isatty():
        raise InfillError("The licence needs your consent, and there is no terminal to ask at. Add --yes to accept it.")
    remote = hub.look_up(file)
    if model := in_catalog(file):
        console.print(f"{model.name} is under the {model.licence.name}. {model.licence.summary}", soft_wrap=True)
    else:
        console.print(f"infill does not know {file.repo}: read its licence on its page.", soft_wrap=True)
    if remote.num_bytes:
        console.print(f"{file} has {gigabytes(remote.num_bytes)}.", soft_wrap=True)
    if not arguments.yes and console.input("Pull it? [y/N] ").strip().lower() not in ("y", "yes"):
        console.print("Nothing was pulled.")
        return 1
    path = _download(remote)
    console.print(f"{file} is here: {path}", soft_wrap=True)
    console.print(f'Use it: set model = "{arguments.name}", or add --model {arguments.name}', soft_wrap=True)
    return 0


def _download(remote: hub.RemoteFile) -> Path:
    """Download with a progress bar on standard error."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    errors = Console(stderr=True)
    with Progress(
        *columns, TimeRemainingColumn(), console=errors, transient=True, disable=not errors.is_terminal
    ) as progress:
        task = progress.add_task(remote.file.file, total=None)

        def report(here: int, total: int) -> None:
            if progress.tasks[0].total is None:  # the rate leaves out what was here before
                progress.reset(task, completed=here, total=total or None)
            progress.update(task, completed=here)

        return hub.pull(remote, report)


def _remove(arguments: argparse.Namespace, console: Console) -> int:
    file = hub_file(arguments.name)
    num_bytes = hub.remove(file)
    if not num_bytes:
        raise HubError(f"{file} is not on this machine.")
    console.print(f"{file} was deleted: {gigabytes(num_bytes)} are free.", soft_wrap=True)
    return 0
