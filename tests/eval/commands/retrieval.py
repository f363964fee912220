"""`infill eval retrieval`: whether prompts hold what lines need from other files."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from lsp_server.base.errors import InfillError
from lsp_server.measure.record import write_json
from lsp_server.commands.cli_settings import add_measuring_options, model_file
from lsp_server.commands.console import make_console, make_table
from lsp_server.ipc.launch import EngineOptions

if TYPE_CHECKING:
    from tests.eval.retrieval.blocks import RetrievalResult
    from tests.eval.retrieval.worth import Worth

Packages = dict[str, tuple[str, str]]

KIND_NAMES = {"imported": "imported names", "members": "members of other types"}
MAX_HOLES = 150
MAX_MODEL_HOLES = 40
WINDOW_TOKENS = 2048
NUM_SEQUENCES = 2  # an anchor, and a prompt that branches off it


def add_kind(kinds: Any) -> None:
    """Define the options."""
    summary = "how much of what a line needs from other files stands in its prompt"
    kind = kinds.add_parser("retrieval", help=summary, description=f"Measure {summary}.")
    kind.add_argument("--holes", type=int, default=MAX_HOLES, metavar="N", help="lines of a kind and project (150)")
    kind.add_argument("--projects", metavar="NAMES", help="some of the pinned packages, separated by commas; all")
    add_measuring_options(kind)
    kind.add_argument(
        "--model-holes",
        type=int,
        default=MAX_MODEL_HOLES,
        metavar="N",
        help="lines of a kind and project that a model is asked; 0: none (40)",
    )
    kind.set_defaults(measure=run)


def run(arguments: argparse.Namespace) -> int:
    """Measure, print, and write what was asked for."""
    from lsp_server.evaluation import retrieval

    console = make_console()
    tuned, held_out = _chosen(arguments.projects)
    results: dict[str, Any] = {"budgets": retrieval.BUDGETS}
    with Console(stderr=True).status("indexing…") as status:
        for name, packages in (("held_out", held_out), ("tuned_on", tuned)):
            if packages:
                results[name] = retrieval.measure(packages, arguments.holes, lambda text: status.update(f"{text}…"))
        if arguments.model_holes:
            asked = held_out or tuned
            results["model"] = _ask_model(arguments, asked, lambda text: status.update(f"{text}…"))
    for name in ("held_out", "tuned_on"):
        if name in results:
            _print(console, results[name])
    if "model" in results:
        _print_worth(console, results["model"])
    if arguments.json:
        write_json(Path(arguments.json), results)
    return 0


def _chosen(names: str | None) -> tuple[Packages, Packages]:
    """The packages to measure that sources were tuned on, and the others. Raises `InfillError`."""
    from tests.eval.retrieval.blocks import HELD_OUT, TUNED_ON

    known = {**HELD_OUT, **TUNED_ON}
    wanted = [name.strip() for name in names.split(",")] if names else list(known)
    for name in wanted:
        if name not in known:
            raise InfillError(f"There is no project {name!r}. Name some of: {', '.join(known)}.")
    tuned = {name: TUNED_ON[name] for name in TUNED_ON if name in wanted}
    return tuned, {name: HELD_OUT[name] for name in HELD_OUT if name in wanted}


def _ask_model(arguments: argparse.Namespace, packages: Packages, say: Any) -> Worth:
    from lsp_server.engine.backends.llama.backend import LlamaBackend
    from tests.eval.retrieval.worth import measure

    options = EngineOptions(
        model_file(arguments.model),
        context_tokens=WINDOW_TOKENS,
        cache_tokens=NUM_SEQUENCES * WINDOW_TOKENS,
        num_sequences=NUM_SEQUENCES,
        batch_tokens=WINDOW_TOKENS,
        threads=arguments.threads,
    )
    backend = LlamaBackend(options)
    try:
        return measure(backend, packages, arguments.model_holes, say)
    finally:
        backend.close()


def _print(console: Console, result: RetrievalResult) -> None:
    from tests.eval.retrieval.blocks import BUDGETS

    console.print(f"{', '.join(result.projects)}; {result.num_holes} lines", style="dim")
    for kind in ("imported", "members"):
        table = make_table(*(f"{budget} tokens" for budget in BUDGETS))
        for row in result.rows:
            table.add_row(row.way, *(f"{share.value:.1%}" for share in getattr(row, kind)))
        console.print(f"{KIND_NAMES[kind]}: {getattr(result.rows[0], kind)[0].needed} needed")
        console.print(table)


def _print_worth(console: Console, worth: Worth) -> None:
    table = make_table("exact", "without", "nats a byte", "without")
    table.add_row(
        f"with blocks ({worth.num_holes} lines)",
        *(f"{each:.1%}" for each in (worth.exact, worth.exact_without)),
        *(f"{each:.2f}" for each in (worth.nats, worth.nats_without)),
    )
    console.print(table)
    low, high = worth.nats_difference[1:]
    console.print(
        f"nats a byte {worth.nats_difference[0]:+.3f} [{low:+.3f}, {high:+.3f}], with less without", style="dim"
    )
