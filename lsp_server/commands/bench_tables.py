"""Tables of what `infill bench` has measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from tests.bench.alternatives import AlternativesResult
from lsp_server.measure.typing_burst import ColdResult, FilesResult
from tests.bench.cancel import BatchResult, CancelResult
from tests.bench.decode import DecodeResult
from tests.bench.drafts import RowResult as DraftsRow
from tests.bench.revisit import RevisitResult
from lsp_server.measure.stats import Ratio, Spread
from lsp_server.measure.typing_cost import ALONE, ALONE_TOKENS, ANSWER_TOKENS, RowResult
from lsp_server.commands.console import make_table

NONE = "–"


def tables(results: Mapping[str, Any]) -> Iterator[Group]:
    """A title, a table and notes for each part of the results."""
    if results.get("rows"):
        yield _rows(results["rows"])
    makers: dict[str, Callable[[Any], Group]] = {
        "from_cold": _from_cold,
        "through_files": _through_files,
        "cancel": _cancel,
        "batches": _batches,
        "decode": _decode,
        "drafts": _drafts,
        "alternatives": _alternatives,
        "revisit": _revisit,
    }
    for name, make in makers.items():
        if name in results:
            yield make(results[name])


def _titled(title: str, table: Table, *notes: str) -> Group:
    """Outside of the table, so that they are not folded to its width."""
    return Group("", Text(title, style="bold"), table, *(Text(note, style="dim") for note in notes))


def _rows(rows: list[RowResult]) -> Group:
    table = make_table("evaluated", "of prompt", "ms", "ours / peer", "counted")
    notes = [
        "evaluated: prompt tokens that were not in the cache",
        "counted: pairs of answers of full length; ms and ratio are of these; in brackets: 95% of resampled medians",
    ]
    for row in rows:
        spreads = (row.evaluated_tokens, row.prompt_tokens, row.total_ms)
        table.add_row(
            row.name,
            *(" : ".join(_median(each[target]) for target in ("ours", "peer") if target in each) for each in spreads),
            _ratio(row.over.get("peer")),
            f"{row.num_full}/{len(row.samples)}",
        )
        if ALONE in row.over:
            over = f"{_median(row.total_ms[ALONE])} ms; ours / that: {_ratio(row.over[ALONE])}"
            notes.append(f"{row.name}: {ALONE_TOKENS} tokens decoded alone by ours: {over}")
    return _titled(f"a keystroke, to all of its {ANSWER_TOKENS} tokens: medians, ours : peer", table, *notes)


def _from_cold(result: ColdResult) -> Group:
    table = make_table("undisturbed", "typing", "letters typed", "typing / undisturbed")
    for target in result.samples:
        table.add_row(
            target,
            _median(result.undisturbed_ms[target]),
            _median(result.typing_ms[target]),
            _median(result.num_keys[target]),
            _ratio(result.over_undisturbed[target]),
        )
    return _titled("from cold, ms to the first text (medians)", table, "typing ends with the first text")


def _through_files(result: FilesResult) -> Group:
    table = make_table("letters", "answered in time", "p50 ms to text", "p95", "evaluated a letter")
    for target in result.samples:
        waits = result.waits_ms[target]
        table.add_row(
            target,
            str(result.num_keys[target]),
            f"{result.share_in_time[target]:.1%}",
            _median(waits),
            _number(waits.p95) if waits else NONE,
            _median(result.evaluated_tokens[target]),
        )
    return _titled(
        "typing through files",
        table,
        "in time: before the next letter; to text: to the first that belongs to the letter or a later one",
        "evaluated: by requests that had text",
    )


def _cancel(result: CancelResult) -> Group:
    table = make_table("given up", "p50", "p95", "most", "undisturbed")
    for kind, by_side in result.free_ms.items():
        for target, free in by_side.items():
            figures = [free.median, free.p95, free.most] if free else [None] * 3
            length = f"{_number(result.undisturbed_ms[kind][target])} ms"
            table.add_row(f"{kind}, {target}", str(free.n if free else 0), *map(_number, figures), length)
    return _titled("given up midway: ms until the engine is free for another request", table)


def _batches(result: BatchResult) -> Group:
    table = _speeds({str(size): speed for size, speed in result.tokens_per_s.items()})
    title = f"prefill of {result.num_tokens} tokens, tokens a second by physical batch"
    return _titled(title, table, f"first / second: {_ratio(result.over)}")


def _decode(result: DecodeResult) -> Group:
    table = _speeds({"scheduler": result.scheduler_tokens_per_s, "bare loop": result.bare_tokens_per_s})
    return _titled(
        f"writing {result.num_tokens} tokens, tokens a second",
        table,
        f"scheduler / bare loop: {_ratio(result.over)}",
        f"outside of evaluating and sampling: {_median(result.outside_ms, 4)} ms a token",
        f"the first {result.num_same_tokens} tokens are the same",
    )


def _drafts(rows: list[DraftsRow]) -> Group:
    table = make_table("with drafts", "without", "with / without", "at most", "guesses right", "same text")
    for row in rows:
        speeds = map(_median, (row.drafting_tokens_per_s, row.plain_tokens_per_s))
        most = "" if row.most_over is None else f"{row.most_over:.2f}"
        right = "none tried" if row.share_accepted is None else f"{row.share_accepted:.0%}"
        same = f"{row.num_same}/{len(row.samples)}"
        table.add_row(row.name, *speeds, _ratio(row.over), most, right, same)
    costs = {size: ms / rows[0].batch_ms[1] for size, ms in rows[0].batch_ms.items()} if rows else {}
    return _titled(
        "writing with tokens guessed ahead, tokens a second (medians)",
        table,
        "a batch's time, beside that of one token: " + ", ".join(f"{size}: {cost:.2f}" for size, cost in costs.items()),
        "at most: what guesses right so often could gain by these, if it cost nothing to make them",
    )


def _alternatives(result: AlternativesResult) -> Group:
    table = _speeds({"scheduler": result.scheduler_ms, "bare loop": result.bare_ms})
    title = f"{result.num_answers} answers of {result.num_tokens} tokens to one prompt, ms"
    return _titled(title, table, f"scheduler / bare loop: {_ratio(result.over)}")


def _revisit(result: RevisitResult) -> Group:
    table = make_table("cold", "on return", "evaluated", "return / cold")
    for target, cold in result.cold_ms.items():
        figures = (cold, result.back_ms[target], result.evaluated_tokens[target])
        table.add_row(target, *map(_median, figures), _ratio(result.over_cold[target]))
    return _titled(
        f"{result.num_files} files in turn, ms to the first text (medians)",
        table,
        "evaluated: prompt tokens of a return that were not in the cache",
        f"a return, ours / peer: {_ratio(result.over)}",
    )


def _speeds(speeds: Mapping[str, Spread | None]) -> Table:
    table = make_table("median", "least", "most")
    for name, speed in speeds.items():
        table.add_row(name, *map(_number, [speed.median, speed.least, speed.most] if speed else [None] * 3))
    return table


def _median(spread: Spread | None, digits: int | None = None) -> str:
    return _number(spread.median if spread else None, digits)


def _number(value: float | None, digits: int | None = None) -> str:
    if value is None:
        return NONE
    if digits is None:
        digits = 0 if abs(value) >= 100 or value == int(value) else 1
    return f"{value:,.{digits}f}"


def _ratio(ratio: Ratio | None) -> str:
    return f"{ratio.median:.3f} [{ratio.low:.3f}, {ratio.high:.3f}]" if ratio else NONE
