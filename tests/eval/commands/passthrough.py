"""`python -m tests.eval passthrough`: whether a right text is shown untouched, in files of many languages."""

from __future__ import annotations

import argparse
import asyncio
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from lsp_server.commands.measuring import Results, Say, pick, positive
from tests.eval.passthrough import corpus
from tests.eval.passthrough.attempts import (
    AIMS,
    SHARES,
    Attempt,
    LanguageRow,
    attempt_all,
    failure_of,
    row_of,
    rule_of,
)
from tests.eval.passthrough.holes import end_holes, middle_holes

SUMMARY = "what infill makes of right texts, in files of many languages"
NUM_HOLES = 100
_CONTEXT = 160  # characters on each side of a failure that is printed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options."""
    parser.add_argument("--corpus", metavar="FOLDER", default=str(corpus.FOLDER), help=f"default: {corpus.FOLDER}")
    parser.add_argument("--language", metavar="IDS", help="LSP's ids, separated by commas; default: all")
    parser.add_argument(
        "--holes",
        type=positive,
        default=NUM_HOLES,
        metavar="N",
        help=f"so many in the middle of files and half as many at their ends, a language ({NUM_HOLES})",
    )
    parser.add_argument(
        "--show",
        dest="num_shown",
        type=positive,
        metavar="N",
        default=0,
        help="print the first N failures, with the text around",
    )


def measure(arguments: argparse.Namespace, say: Say) -> Results:
    """Fill all holes of the languages. Raises `InfillError`."""
    say("reads the corpus")
    files = corpus.read(Path(arguments.corpus))
    attempts = asyncio.run(_attempts(arguments, files, say))
    failed = [each for found in attempts.values() for each in found if not each.is_right]
    everything = [each for found in attempts.values() for each in found]
    return {
        "rows": [*(row_of(language, found) for language, found in attempts.items()), row_of("all", everything)],
        "failures": [failure_of(each) for each in failed],
        "shown": [_described(each) for each in failed[: arguments.num_shown]],
    }


async def _attempts(
    arguments: argparse.Namespace, files: dict[str, list[corpus.SourceFile]], say: Say
) -> dict[str, list[Attempt]]:
    found = {}
    for language in pick(arguments.language, files, "language with files"):
        middle = middle_holes(files[language], arguments.holes)
        ends = end_holes(files[language], arguments.holes // 2)
        exact = await attempt_all([*middle, *ends], "exact", say)
        running_on = await attempt_all([*middle, *ends], "runs-on", say)
        found[language] = [*exact, *running_on]
    return found


def _described(attempt: Attempt) -> str:
    """A failure with the text around it. `⟦` and `⟧` enclose the expected and the shown text."""
    hole = attempt.hole
    before, after = hole.before[-_CONTEXT:], hole.after[:_CONTEXT]
    return (
        f"── {attempt.share}, {hole.kind}: {hole.name}\n   {attempt.comparison}; {rule_of(attempt)}\n"
        f"expected:\n{before}⟦{hole.expected}⟧{after}\nshown:\n⟦{attempt.shown}⟧\n"
    )


def show(console: Console, results: Results) -> None:
    """Print the failures that are to be shown, and a row for each language."""
    for each in results["shown"]:
        console.print(escape(each), soft_wrap=True, highlight=False)
    headings = "".join(f"{f'{share} ({AIMS[share]:.1%})':>20}" for share in SHARES)
    console.print(f"{'':<18}{headings}   failures by rule", soft_wrap=True, highlight=False)
    missed: Counter[str] = Counter()
    for row in results["rows"]:
        cuts = ", ".join(f"{rule}: {count}" for rule, count in row.cuts.items())
        shares = "".join(f"{_share(row, share):>20}" for share in SHARES)
        console.print(f"{row.language:<18}{shares}   {cuts}".rstrip(), soft_wrap=True, highlight=False)
        missed.update(share for share in SHARES if row.shares.get(share, 1) < AIMS[share] and row.language != "all")
    console.print("\nLanguages that miss the aim:", ", ".join(f"{share} {missed[share]}" for share in SHARES))


def _share(row: LanguageRow, share: str) -> str:
    return f"{row.shares[share]:.1%} of {row.counts[share]}" if share in row.shares else ""
