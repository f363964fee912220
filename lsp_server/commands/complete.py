"""`infill complete FILE:LINE:COL`: one completion, printed in place."""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.text import Text

from lsp_server.base.errors import InfillError, SourceError
from lsp_server.commands.cli_settings import configure, standard_input
from lsp_server.commands.project import project_context, project_of
from lsp_server.completion.pipeline import Pipeline
from lsp_server.completion.request import Answer, CompletionRequest
from lsp_server.context.retrieval import Retrieval
from lsp_server.engine.client.supervisor import EngineSupervisor
from lsp_server.ipc.launch import EngineOptions
from lsp_server.languages.syntax import language_of
from lsp_server.settings.model import Settings
from lsp_server.text.document import Document
from lsp_server.text.excerpts import Neighbour
from lsp_server.text.snapshot import Snapshot, normalize
from lsp_server.text.workspace import Workspace, file_uri, read_source

_LINES_BEFORE, _LINES_AFTER = 12, 6
_STANDARD_INPUT = "-"
_NO_LIMIT = 1 << 30  # tokens


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options."""
    parser.add_argument(
        "place",
        nargs="?",
        metavar="FILE[:LINE[:COL]]",
        help="the place to complete; line and column count from 1, in characters; default: the end of the file, or "
        "of the line; - reads standard input",
    )
    # `-:LINE` begins with a dash. The parser looks for an option of that name, so it is one.
    parser.add_argument("-:", dest="place_in_input", metavar="LINE[:COL]", help="the place in standard input")
    parser.add_argument(
        "--with",
        dest="neighbours",
        metavar="FILE",
        nargs="+",
        action="extend",
        default=[],
        help="other files for the model to see, as far as they fit, as if an editor had them open",
    )
    parser.add_argument("--no-index", action="store_true", help="use no other files than those of --with")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--explain", action="store_true", help="print a line of each stage, and the prompt")
    parser.add_argument("--model", metavar="MODEL", help="a model by name or path, instead of the one in the settings")
    parser.add_argument("--max-tokens", type=int, metavar="N", help="the most tokens to decode")
    parser.add_argument("--language", metavar="ID", help="language id, if the file's name does not tell it")


def run(arguments: argparse.Namespace) -> int:
    """Complete once."""
    if arguments.max_tokens is not None and arguments.max_tokens < 1:
        raise InfillError("--max-tokens must be at least 1.")
    place = f"{_STANDARD_INPUT}:{arguments.place_in_input}" if arguments.place_in_input else arguments.place
    if place is None:
        raise InfillError("Name a file and where to complete in it, such as src/main.py:12:5.")
    snapshot = _read(place, arguments.language)
    neighbours = _read_neighbours(arguments.neighbours, snapshot)
    chosen, options, problems = configure(arguments.model)
    if neighbours:
        # Files named with --with belong in the prompt. Only the context length limits them.
        chosen = msgspec.structs.replace(chosen, context=msgspec.structs.replace(chosen.context, max_tokens=_NO_LIMIT))
    for problem in problems:
        print(f"infill: {problem}", file=sys.stderr)
    context = None
    if not (neighbours or arguments.no_index or place.startswith(_STANDARD_INPUT)) and chosen.context.index:
        context = project_context(snapshot)
    request = CompletionRequest("command", max_tokens=arguments.max_tokens)
    answer, model_name = asyncio.run(_complete(snapshot, neighbours, request, chosen, options, context))
    if answer.error:
        raise InfillError(answer.error)
    for path in _left_out(neighbours, answer):
        print(
            f"infill: {path} does not fit the context length beside the rest, and was left out.",
            file=sys.stderr,
        )
    if arguments.json:
        print(msgspec.json.encode(_to_json(snapshot, answer, model_name)).decode())
    elif arguments.explain:
        print(answer.trace.render(with_text=True))
    else:
        _print_in_place(snapshot, answer)
    return 0


def _read(place: str, language: str | None) -> Snapshot:
    """The snapshot at `FILE:LINE:COL`. Raises `SourceError` if there is no such place."""
    name, line, column = _parse_place(place)
    if name == _STANDARD_INPUT:
        document = Document("stdin:", "stdin", language or "plaintext", 0, standard_input())
    else:
        path = Path(name)
        workspace = Workspace([project_of(path)])
        document = workspace.open(file_uri(path), language or language_of(path.name), 0, read_source(path))
    line_index = document.num_lines - 1 if line is None else line - 1
    if not 0 <= line_index < document.num_lines:
        raise SourceError(f"{name} has {document.num_lines} lines, so there is no line {line}.")
    length = len(document.line(line_index))
    character = length if column is None else column - 1
    if not 0 <= character <= length:
        raise SourceError(
            f"Line {line} of {name} has {length} characters, so there is no column {column} (1 to {length + 1})."
        )
    return document.snapshot(line_index, character)


def _read_neighbours(names: list[str], snapshot: Snapshot) -> list[Neighbour]:
    """Other files, whole, with their paths for prompts. Raises `SourceError` for an unreadable file."""
    neighbours = []
    for number, path in enumerate(map(Path, names)):
        folder = Path.cwd() if path.absolute().is_relative_to(Path.cwd()) else path.parent.absolute()
        uri = file_uri(path)
        if uri != snapshot.uri:  # the file itself would contain the answer
            text = normalize(read_source(path))
            place = Workspace([folder]).place_of(uri)
            neighbours.append(Neighbour(place.path, language_of(path.name), text, number, names=place.names))
    return neighbours


def _left_out(neighbours: Sequence[Neighbour], answer: Answer) -> list[str]:
    used = [line.summary for line in answer.trace.lines if line.stage == "block"]
    return [each.path for each in neighbours if not any(line.startswith(f"{each.path}: ") for line in used)]


def _parse_place(place: str) -> tuple[str, int | None, int | None]:
    match = re.fullmatch(r"(.+?)(?::(\d+))?(?::(\d+))?", place, re.DOTALL)
    if match is None:
        raise SourceError("Name a file, such as src/main.py:12:5.")
    name, line, column = match.groups()
    return name, int(line) if line else None, int(column) if column else None


async def _complete(
    snapshot: Snapshot,
    neighbours: Sequence[Neighbour],
    request: CompletionRequest,
    chosen: Settings,
    options: EngineOptions,
    context: Retrieval | None,
) -> tuple[Answer, str]:
    """Load the model and complete. Returns the answer and the model's name."""
    engine = EngineSupervisor(options)
    engine.start()
    try:
        answer = await Pipeline(engine, chosen, context=context).complete(snapshot, lambda: neighbours, request)
        return answer, engine.model.name if engine.model else ""
    finally:
        if context is not None:
            context.close()
        await engine.stop()


def _to_json(snapshot: Snapshot, answer: Answer, model_name: str) -> dict[str, Any]:
    cursor = {"line": snapshot.line + 1, "column": snapshot.character + 1}
    return {
        "text": answer.text,
        "range": {"start": cursor, "end": cursor},
        "finish_reason": answer.reason,
        "model": model_name,
        "timings": {
            name: round(value, 2) if isinstance(value, float) else value
            for name, value in msgspec.to_builtins(answer.timings).items()
        },
    }


def _print_in_place(snapshot: Snapshot, answer: Answer) -> None:
    console = Console(highlight=False, markup=False, soft_wrap=True)
    console.print(render_in_place(snapshot, answer.text, marked=not console.is_terminal))
    decoded, total = answer.timings.decoded_tokens, answer.timings.total_ms
    note = f"{decoded} tokens in {total:.0f} ms, ended by: {answer.reason}" if answer.text else "nothing to add"
    Console(stderr=True, highlight=False, markup=False).print(
        f"{snapshot.path}:{snapshot.line + 1}: {note}", style="dim"
    )


def render_in_place(snapshot: Snapshot, text: str, *, marked: bool) -> Text:
    """The lines around the cursor with the completion in them, in colour; `marked` puts it between marks instead."""
    before = snapshot.prefix.split("\n")[-_LINES_BEFORE:]
    after = snapshot.suffix.split("\n")[:_LINES_AFTER]
    rendered = Text("\n".join(before), style="dim")
    rendered.append(f"⟦{text}⟧" if marked else text or "▁", style="not dim bold green")
    rendered.append("\n".join(after), style="dim")
    return rendered
