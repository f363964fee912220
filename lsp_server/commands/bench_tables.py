"""Tables of what benchmarks measured: the figures of `infill bench typing`, and how all benchmarks format theirs."""

from __future__ import annotations

from rich.console import Group
from rich.table import Table
from rich.text import Text

from lsp_server.commands.console import make_table
from lsp_server.measure.stats import Ratio, Spread
from lsp_server.measure.targets import BASELINE, INFILL
from lsp_server.measure.typing_burst import ColdResult, FilesResult
from lsp_server.measure.typing_cost import ALONE, ALONE_TOKENS, ANSWER_TOKENS, EditCost

NONE = "–"


def edit_costs(rows: list[EditCost]) -> Group:
    """What a keystroke costs, by kind of edit, with the ratio to a baseline where there is one."""
    names = [name for name in (INFILL, BASELINE) if name in rows[0].total_ms]
    ratio_heading = [f"{INFILL} / {BASELINE}"] if BASELINE in names else []
    table = make_table("evaluated", "of prompt", "ms", *ratio_heading, "counted")
    notes = [
        "evaluated: prompt tokens that were not in the cache",
        "counted: pairs of answers of full length; ms and ratio are of these; in brackets: 95% of resampled medians",
    ]
    for row in rows:
        spreads = (row.evaluated_tokens, row.prompt_tokens, row.total_ms)
        table.add_row(
            row.name,
            *(" : ".join(median_text(each[name]) for name in names) for each in spreads),
            *(ratio_text(row.over.get(BASELINE)) for _ in ratio_heading),
            f"{row.num_full}/{len(row.samples)}",
        )
        if ALONE in row.over:
            over = f"{median_text(row.total_ms[ALONE])} ms; {INFILL} / that: {ratio_text(row.over[ALONE])}"
            notes.append(f"{row.name}: {ALONE_TOKENS} tokens decoded alone: {over}")
    return titled(f"a keystroke, to all of its {ANSWER_TOKENS} tokens: medians, {' : '.join(names)}", table, *notes)


def from_cold(result: ColdResult) -> Group:
    """Typing into a document that the engine has not seen."""
    table = make_table("undisturbed", "typing", "letters typed", "typing / undisturbed")
    for target in result.samples:
        table.add_row(
            target,
            median_text(result.undisturbed_ms[target]),
            median_text(result.typing_ms[target]),
            median_text(result.num_keys[target]),
            ratio_text(result.over_undisturbed[target]),
        )
    return titled("from cold, ms to the first text (medians)", table, "typing ends with the first text")


def through_files(result: FilesResult) -> Group:
    """Typing through files at a steady pace."""
    table = make_table("letters", "answered in time", "p50 ms to text", "p95", "evaluated a letter")
    for target in result.samples:
        waits = result.waits_ms[target]
        table.add_row(
            target,
            str(result.num_keys[target]),
            f"{result.share_in_time[target]:.1%}",
            median_text(waits),
            number_text(waits.p95) if waits else NONE,
            median_text(result.evaluated_tokens[target]),
        )
    return titled(
        "typing through files",
        table,
        "in time: before the next letter; to text: to the first that belongs to the letter or a later one",
        "evaluated: by requests that had text",
    )


def titled(title: str, table: Table, *notes: str) -> Group:
    """A table with its title and notes. They stand outside of it, so that they are not folded to its width."""
    return Group("", Text(title, style="bold"), table, *(Text(note, style="dim") for note in notes))


def median_text(spread: Spread | None, digits: int | None = None) -> str:
    """The median of some samples, a dash for none."""
    return number_text(spread.median if spread else None, digits)


def number_text(value: float | None, digits: int | None = None) -> str:
    """A figure, a dash for none. Without `digits`, one decimal below a hundred."""
    if value is None:
        return NONE
    if digits is None:
        digits = 0 if abs(value) >= 100 or value == int(value) else 1
    return f"{value:,.{digits}f}"


def ratio_text(ratio: Ratio | None) -> str:
    """A ratio with its interval, a dash for none."""
    return f"{ratio.median:.3f} [{ratio.low:.3f}, {ratio.high:.3f}]" if ratio else NONE
