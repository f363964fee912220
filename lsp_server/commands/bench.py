"""`infill bench KIND`: how fast the engine is, beside a llama-server that runs the same model.

What the index costs (`context`) is in `bench_context`, many at once (`load`) in `bench_load`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from lsp_server.base.errors import InfillError
from tests.bench import alternatives
from lsp_server.measure import typing_burst
from tests.bench import cancel
from tests.bench import decode
from tests.bench import drafts
from lsp_server.measure import typing_trace
from tests.bench import revisit
from lsp_server.measure import typing_cost
from lsp_server.measure.busy import busy
from lsp_server.measure.infill_target import InfillTarget, RemoteTarget, running_engine
from tests.bench.baseline import Baseline
from lsp_server.measure.record import write_json
from lsp_server.measure.targets import Target
from lsp_server.measure.corpus import Corpus
from lsp_server.catalog.resolve import engine_options
from lsp_server.commands import bench_context, bench_load, bench_tables
from lsp_server.commands.cli_settings import model_file
from lsp_server.commands.console import make_console, require_folder_of
from lsp_server.ipc.launch import EngineOptions
from lsp_server.ipc.model_info import ModelInfo
from lsp_server.settings.model import RemoteSettings, Settings
from lsp_server.text.workspace import read_source

BURST = "burst"
ROWS = (*edits.rows(typing.ANSWER_TOKENS), BURST)
BEFORE_TOKENS, AFTER_TOKENS = 930, 510
# Of a small window, what a prompt may have: the planner counts by estimate, and keeps room for typing.
WINDOW_SHARE = 0.6
PREFILL_TOKENS = 4000
# What a long prefill needs besides: the answer, the short request, and tokens that are counted line by line.
SPARE_TOKENS = 400
BATCH_PAIRS = 5
# Files in turn, and a cache that has room for four of them.
NUM_FILES, ROUNDS, CACHE_TOKENS = 10, 2, 6144

Say = Callable[[str], None]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options."""
    kinds = parser.add_subparsers(dest="kind", metavar="KIND", required=True)
    for name, run_kind, summary in (
        ("typing", _run_typing, "what a keystroke costs, by kind of edit"),
        ("cancel", _run_cancel, "how soon the engine is free after a request is given up"),
        ("decode", _run_decode, "what the scheduler costs a token, beside a bare loop over llama.cpp"),
        ("drafts", _run_drafts, "what tokens guessed ahead gain, and what they cost where they are wrong"),
        ("alternatives", _run_alternatives, "what several answers to one prompt take, beside such a loop"),
        ("revisit", _run_revisit, "what coming back to a file costs, of more than the cache has room for"),
    ):
        kind = kinds.add_parser(name, help=summary, description=f"Measure {summary}.")
        kind.set_defaults(run_kind=run_kind)
        kind.add_argument("--model", metavar="MODEL", help="a model by name or path; default: the embedded one")
        if name != "revisit":
            kind.add_argument("--pairs", type=_positive, default=20, metavar="N", help="samples of each row (20)")
        kind.add_argument("--threads", type=_positive, default=0, metavar="N", help="CPU threads of ours")
        kind.add_argument("--json", metavar="FILE", help="write command, machine and every sample there")
        if name in ("typing", "cancel", "revisit"):
            kind.add_argument("--peer", metavar="URL", help="a llama-server with the same model and as many threads")
            kind.add_argument("--peer-options", metavar="TEXT", help="how it was started, for the record")
        if name == "typing":
            _add_typing(kind)
        if name == "drafts":
            names = _for_help(drafts.ROWS)
            kind.add_argument("--rows", metavar="NAMES", help=f"which rows, separated by commas: {names}; default: all")
            names = _for_help(drafts.DRAFT_MODEL_ROWS)
            kind.add_argument(
                "--draft-model", metavar="MODEL", help=f"a small model that guesses, for the rows {names}"
            )
        if name == "revisit":
            _add_revisit(kind)
        if name == "cancel":
            kind.add_argument(
                "--prefill", type=_positive, default=PREFILL_TOKENS, metavar="N", help="tokens of the long prompt"
            )
            kind.add_argument(
                "--batch-pairs", type=_positive, default=BATCH_PAIRS, metavar="N", help="prefills of each batch (5)"
            )
    bench_context.add_kind(kinds)
    bench_load.add_kind(kinds)


def _for_help(rows: Iterable[str]) -> str:
    """Names of rows as argparse wants them, which takes a percent sign for the beginning of a field."""
    return ", ".join(rows).replace("%", "%%")


def _add_typing(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--elsewhere", metavar="URL", help="ask that llama-server with our prompts, instead of our engine"
    )
    parser.add_argument("--format", default="deepseek", metavar="NAME", help="its model's, as remote.format (deepseek)")
    names = ", ".join(ROWS)
    parser.add_argument("--rows", metavar="NAMES", help=f"which rows, separated by commas: {names}; default: all")
    parser.add_argument("--before", type=_positive, default=BEFORE_TOKENS, metavar="N", help="tokens before the cursor")
    parser.add_argument("--after", type=_positive, default=AFTER_TOKENS, metavar="N", help="tokens after the cursor")
    parser.add_argument("--pace", type=float, default=120.0, metavar="MS", help="milliseconds a letter in bursts (120)")
    parser.add_argument(
        "--busy", type=int, default=0, metavar="N", help="keep so many other programs running that never rest (0)"
    )
    parser.add_argument(
        "--patience",
        type=int,
        default=0,
        metavar="MS",
        help="limit our prefill as completion.prefill_budget_ms does (0: prompts as long as the peer's)",
    )
    parser.add_argument("--letters", type=_positive, default=200, metavar="N", help="the most letters of a burst (200)")
    parser.add_argument(
        "--realistic",
        nargs="+",
        metavar="FILE",
        help="type through these files at that pace; only this is run, unless --rows is given too",
    )


def _add_revisit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--files", type=_positive, default=NUM_FILES, metavar="N", help=f"files in turn ({NUM_FILES})")
    parser.add_argument("--rounds", type=_positive, default=ROUNDS, metavar="N", help=f"returns to each ({ROUNDS})")
    parser.add_argument(
        "--cache", type=_positive, default=CACHE_TOKENS, metavar="N", help=f"tokens of our cache ({CACHE_TOKENS})"
    )


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def run(arguments: argparse.Namespace) -> int:
    """Measure, print, and write what was asked for."""
    others = {"context": bench_context.run, "load": bench_load.run}
    if arguments.kind in others:
        return others[arguments.kind](arguments)
    console = make_console()
    arguments.model = model_file(arguments.model)
    require_folder_of(arguments.json)
    with Console(stderr=True).status("loading the model…") as status:
        results = arguments.run_kind(arguments, lambda text: status.update(f"{text}…"))
    for table in bench_tables.tables(results):
        console.print(table)
    if arguments.json:
        write_json(Path(arguments.json), results)
    return 0


@dataclass(frozen=True, slots=True)
class Stage:
    """Both targets, ready to be asked, and text to ask about."""

    ours: InfillTarget
    peer: Baseline | None
    corpus: Corpus
    about: dict[str, Any]

    @property
    def targets(self) -> list[Target]:
        """Those that are there."""
        return [self.ours, self.peer] if self.peer else [self.ours]


@contextlib.asynccontextmanager
async def _stage(
    arguments: argparse.Namespace, options: EngineOptions, tokens: tuple[int, int], prefill_budget_ms: int = 0
) -> AsyncIterator[Stage]:
    """Start our engine and find the peer.

    `tokens` are those wanted before and after the cursor; a small window scales them down.
    """
    async with contextlib.AsyncExitStack() as stack:
        if getattr(arguments, "elsewhere", None):
            yield await stack.enter_async_context(_stage_elsewhere(arguments, options, tokens))
            return
        peer = await stack.enter_async_context(Baseline(arguments.peer)) if arguments.peer else None
        about_peer = await peer.describe(Path(options.model_path)) if peer else None
        if about_peer is not None and arguments.peer_options:
            about_peer["options"] = arguments.peer_options
        engine, model = await stack.enter_async_context(running_engine(options))
        scale = min(1.0, WINDOW_SHARE * model.context_tokens / sum(tokens))
        corpus = _corpus(options.model_path, *(int(wanted * scale) for wanted in tokens))
        about = {"model": _about(model), "peer": about_peer}
        yield Stage(InfillTarget(engine, model, typing.ANSWER_TOKENS, prefill_budget_ms), peer, corpus, about)


@contextlib.asynccontextmanager
async def _stage_elsewhere(
    arguments: argparse.Namespace, options: EngineOptions, tokens: tuple[int, int]
) -> AsyncIterator[Stage]:
    """Find a llama-server that our own target asks; it has no other beside it, which would take its cache."""
    if arguments.peer:
        raise InfillError("Name one of --peer and --elsewhere: both would share a cache.")
    settings = Settings(remote=RemoteSettings(url=arguments.elsewhere, api="llama-server", format=arguments.format))
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(Baseline(arguments.elsewhere))
        about = await server.describe(Path(options.model_path)) | {"options": arguments.peer_options}
        engine, model = await stack.enter_async_context(running_engine(engine_options(settings, None)))
        scale = min(1.0, WINDOW_SHARE * model.context_tokens / sum(tokens))
        corpus = _corpus(options.model_path, *(int(wanted * scale) for wanted in tokens))
        target = RemoteTarget(engine, model, typing.ANSWER_TOKENS, server)
        yield Stage(target, None, corpus, {"model": _about(model), "elsewhere": about})


def _corpus(model_path: str, before_tokens: int = 0, after_tokens: int = 0) -> Corpus:
    """Text in pages of that size by the model's own tokeniser."""
    from tests.bench.bare_loop import FileVocabulary

    vocabulary = FileVocabulary(Path(model_path))
    try:
        return Corpus(lambda text: len(vocabulary.tokenize(text)), before_tokens, after_tokens)
    finally:
        vocabulary.close()


def _about(model: ModelInfo) -> dict[str, Any]:
    return {
        "name": model.name,
        "description": model.description,
        "file": Path(model.path).name,
        "num_parameters": model.num_parameters,
        "weights_bytes": model.weights_bytes,
        "parameters": model.parameters,
    }


# Kinds


def _run_typing(arguments: argparse.Namespace, say: Say) -> dict[str, Any]:
    with busy(arguments.busy):
        return {"busy_processes": arguments.busy} | asyncio.run(_typing(arguments, say))


async def _typing(arguments: argparse.Namespace, say: Say) -> dict[str, Any]:
    wanted = _rows(arguments)
    texts = [(Path(name).name, read_source(Path(name))) for name in arguments.realistic or ()]
    options = EngineOptions(arguments.model, threads=arguments.threads)
    results: dict[str, Any] = {}
    wanted_tokens = (arguments.before, arguments.after)
    async with _stage(arguments, options, wanted_tokens, arguments.patience) as stage:
        results |= stage.about | {"prefill_budget_ms": arguments.patience}
        known = edits.rows(typing.ANSWER_TOKENS)
        results["rows"] = [
            await typing.measure(name, known[name], stage.corpus, stage.targets, arguments.pairs, say)
            for name in wanted
            if name in known
        ]
        pace_s = arguments.pace / 1000
        if BURST in wanted:
            results["from_cold"] = await burst.from_cold(
                stage.corpus, stage.targets, arguments.pairs, pace_s, arguments.letters, say
            )
        if texts:
            results["through_files"] = await burst.through_files(texts, stage.targets, pace_s, arguments.letters, say)
    return results


def _rows(arguments: argparse.Namespace) -> list[str]:
    """The rows to measure. Raises `InfillError` for a name that is none."""
    if arguments.rows is None:
        return [] if arguments.realistic else list(ROWS)
    return _named(arguments.rows, ROWS)


def _named(text: str, rows: Sequence[str]) -> list[str]:
    wanted = [name.strip() for name in text.split(",")]
    for name in wanted:
        if name not in rows:
            raise InfillError(f"There is no row {name!r}. Name some of: {', '.join(rows)}.")
    return wanted


def _run_cancel(arguments: argparse.Namespace, say: Say) -> dict[str, Any]:
    # Room for the long prompt, and no more: two more contexts of this size follow.
    window = 2 * arguments.prefill
    options = EngineOptions(arguments.model, threads=arguments.threads, context_tokens=window, cache_tokens=window)
    results, prefill_tokens = asyncio.run(_cancel(arguments, options, say))
    corpus = _corpus(options.model_path)
    batches = cancel.measure_batches(options, corpus, prefill_tokens, arguments.batch_pairs, say)
    return results | {"batches": batches}


async def _cancel(arguments: argparse.Namespace, options: EngineOptions, say: Say) -> tuple[dict[str, Any], int]:
    async with _stage(arguments, options, (1, 1)) as stage:
        rooms = [stage.ours.model.context_tokens]
        rooms += [stage.about["peer"]["context_tokens"]] if stage.peer else []
        prefill_tokens = min(arguments.prefill, *(room - SPARE_TOKENS for room in rooms))
        targets: list[cancel.TextTarget] = [cancel.InfillText(stage.ours)]
        targets += [cancel.BaselineText(stage.peer)] if stage.peer else []
        measured = await cancel.measure(stage.corpus, targets, prefill_tokens, arguments.pairs, say)
        return stage.about | {"prefill_tokens": prefill_tokens, "cancel": measured}, prefill_tokens


def _run_decode(arguments: argparse.Namespace, say: Say) -> dict[str, Any]:
    options = EngineOptions(arguments.model, threads=arguments.threads)
    return {"decode": decode.measure(options, _corpus(options.model_path), arguments.pairs, say)}


def _run_drafts(arguments: argparse.Namespace, say: Say) -> dict[str, Any]:
    rows = (*drafts.ROWS, *(drafts.DRAFT_MODEL_ROWS if arguments.draft_model else ()))
    wanted = _named(arguments.rows, rows) if arguments.rows else rows
    draft_model = model_file(arguments.draft_model) if arguments.draft_model else ""
    options = EngineOptions(arguments.model, threads=arguments.threads, draft_model_path=draft_model)
    return {"drafts": drafts.measure(options, _corpus(options.model_path), wanted, arguments.pairs, say)}


def _run_alternatives(arguments: argparse.Namespace, say: Say) -> dict[str, Any]:
    options = EngineOptions(arguments.model, threads=arguments.threads)
    return {"alternatives": alternatives.measure(options, _corpus(options.model_path), arguments.pairs, say)}


def _run_revisit(arguments: argparse.Namespace, say: Say) -> dict[str, Any]:
    return asyncio.run(_revisit(arguments, say))


async def _revisit(arguments: argparse.Namespace, say: Say) -> dict[str, Any]:
    options = EngineOptions(arguments.model, threads=arguments.threads, cache_tokens=arguments.cache)
    async with _stage(arguments, options, (BEFORE_TOKENS, AFTER_TOKENS)) as stage:
        measured = await revisit.measure(stage.corpus, stage.targets, arguments.files, arguments.rounds, say)
        return stage.about | {"revisit": measured}
