"""Tables of what `infill bench` has measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rich.table import Table

from lsp_server.bench.burst import ColdResult, FilesResult
from lsp_server.bench.cancel import BatchResult, CancelResult
from lsp_server.bench.decode import DecodeResult
from lsp_server.bench.stats import Ratio, Spread
from lsp_server.bench.typing import ALONE, ALONE_TOKENS, ANSWER_TOKENS, RowResult

NONE = "–"


def tables(results: Mapping[str, Any]) -> Iterator[Table]:
    """One table for each part of the results."""
    if results.get("rows"):
        yield _rows(results["rows"])
    makers: dict[str, Callable[[Any], Table]] = {
        "from_cold": _from_cold,
        "through_files": _through_files,
        "cancel": _cancel,
        "batches": _batches,
        "decode": _decode,
    }
    for name, make in makers.items():
        if name in results:
            yield make(results[name])


def _table(title: str, *headings: str, caption: str = "") -> Table:
    table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
    table.add_column("")
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    table.caption, table.caption_justify = caption, "left"
    return table


def _rows(rows: list[RowResult]) -> Table:
    notes = [
        "evaluated: prompt tokens that were not in the cache; written: pairs of answers of full length, which count",
        "in ms and ratio; in brackets: 95% of resampled medians",
    ]
    table = _table(
        f"a keystroke, to all of its {ANSWER_TOKENS} tokens: medians, ours : peer",
        *("evaluated", "of prompt", "ms", "ours / peer", "written"),
    )
    for row in rows:
        spreads = (row.evaluated_tokens, row.prompt_tokens, row.total_ms)
        table.add_row(
            row.name,
            *(" : ".join(_median(each[side]) for side in ("ours", "peer") if side in each) for each in spreads),
            _ratio(row.over.get("peer")),
            f"{row.num_full}/{len(row.samples)}",
        )
        if ALONE in row.over:
            over = f"{_median(row.total_ms[ALONE])} ms; ours / that: {_ratio(row.over[ALONE])}"
            notes.insert(0, f"{row.name}, {ALONE_TOKENS} tokens decoded alone by ours: {over}")
    table.caption = "\n".join(notes)
    return table


def _from_cold(result: ColdResult) -> Table:
    table = _table("typing from cold, ms to the first text", "undisturbed", "typing", "letters typed", "ratio")
    for side in result.samples:
        table.add_row(
            side,
            _median(result.undisturbed_ms[side]),
            _median(result.typing_ms[side]),
            _median(result.num_keys[side]),
            _ratio(result.over_undisturbed[side]),
        )
    return table


def _through_files(result: FilesResult) -> Table:
    table = _table(
        "typing through files", "letters", "answered in time", "p50 ms to text", "p95", "evaluated a letter",
        caption="in time: before the next letter. To text: to the first that belongs to the letter or a later one.",
    )  # fmt: skip
    for side in result.samples:
        waits = result.waits_ms[side]
        table.add_row(
            side,
            str(result.num_keys[side]),
            f"{result.share_in_time[side]:.1%}",
            _median(waits),
            _number(waits.p95) if waits else NONE,
            _median(result.evaluated_tokens[side]),
        )
    return table


def _cancel(result: CancelResult) -> Table:
    table = _table("ms until the engine is free for another request", "given up", "p50", "p95", "most", "full length")
    for kind, by_side in result.free_ms.items():
        for side, free in by_side.items():
            figures = [free.median, free.p95, free.most] if free else []
            length = f"{_number(result.undisturbed_ms[kind][side])} ms"
            table.add_row(f"{kind}, {side}", str(free.n if free else 0), *map(_number, figures), length)
    return table


def _batches(result: BatchResult) -> Table:
    table = _table(
        f"prefill of {result.num_tokens} tokens, tokens a second by physical batch", "median", "least", "most",
        caption=f"first / second: {_ratio(result.over)}",
    )  # fmt: skip
    for size, speed in result.tokens_per_s.items():
        figures = [speed.median, speed.least, speed.most] if speed else []
        table.add_row(str(size), *map(_number, figures))
    return table


def _decode(result: DecodeResult) -> Table:
    table = _table(
        f"writing {result.num_tokens} tokens, tokens a second", "median", "least", "most",
        caption=f"scheduler / bare loop: {_ratio(result.over)}; outside of evaluating and sampling: "
        f"{_median(result.outside_ms, 4)} ms a token; same text: {'yes' if result.same_text else 'no'}",
    )  # fmt: skip
    for name, speed in (("scheduler", result.scheduler_tokens_per_s), ("bare loop", result.bare_tokens_per_s)):
        figures = [speed.median, speed.least, speed.most] if speed else []
        table.add_row(name, *map(_number, figures))
    return table


def _median(spread: Spread | None, digits: int | None = None) -> str:
    return _number(spread.median, digits) if spread else NONE


def _number(value: float, digits: int | None = None) -> str:
    if digits is None:
        digits = 0 if abs(value) >= 100 or value == int(value) else 1
    return f"{value:,.{digits}f}"


def _ratio(ratio: Ratio | None) -> str:
    return f"{ratio.median:.3f} [{ratio.low:.3f}, {ratio.high:.3f}]" if ratio else NONE
