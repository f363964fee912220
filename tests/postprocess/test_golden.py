"""Golden cases of post-processing: `tests/golden/postprocess/*.txt`, in the format of `tests/golden_cases.py`.

`file` has the cursor, `model writes` is the raw text, `shown` is what is left of it, `by` names the rules and filters
that had a part. The options are `language`, the settings `multi_line` and `max_lines`, and `ended_by`: the engine's
reason, `end` if it is left out.

A case called `correct_…` is a text that must pass untouched; it has neither `shown` nor `by`, and no update can
weaken it.
"""

import pytest

from lsp_server.postprocess.finish import finish
from lsp_server.postprocess.stop import rules_for
from lsp_server.text.snapshot import Snapshot
from tests.builders import snapshot_at
from tests.golden_cases import GoldenCase, read_cases

CASES = read_cases("postprocess")
# Written by somebody who had not seen the rules. They say what is shown, and nothing of how.
BLIND = read_cases("blind")
CORRECT = [case for case in CASES if case.path.stem.startswith("correct_")]
OTHERS = [case for case in CASES if case not in CORRECT]


def by_name(cases: list[GoldenCase]):
    return pytest.mark.parametrize("case", cases, ids=[case.path.stem for case in cases])


def process(case: GoldenCase, chunk: int = 3) -> tuple[str, list[str]]:
    """What is shown of the raw text, arriving in chunks, and by which rules and filters."""
    options = case.options
    assert options.keys() <= {"language", "multi_line", "max_lines", "ended_by"}
    snapshot = snapshot_at(case.sections["file"], options["language"])
    return show(snapshot, case.sections["model writes"], chunk, options)


def show(snapshot: Snapshot, raw: str, chunk: int, options: dict[str, str]) -> tuple[str, list[str]]:
    rules = rules_for(snapshot, options.get("multi_line", "auto"), int(options.get("max_lines", "12")))
    ends = (*range(chunk, len(raw), chunk), len(raw))
    cut = next((cut for end in ends if (cut := rules.check(raw[:end]))), None)
    text, reason = (raw[: cut.length], cut.rule) if cut else (raw, options.get("ended_by", "end"))
    finished = finish(text, reason, snapshot, rules)
    return finished.text, [finished.reason] * (finished.reason in rules.names) + finished.filtered_by


@by_name(CORRECT)
def test_correct_text_passes_untouched(case):
    assert process(case) == (case.sections["model writes"], []), case.head


@by_name(OTHERS)
def test_other_text_is_cut(case, update_golden):
    shown, by = process(case)
    case.expect({"shown": shown, "by": ", ".join(by) or "nothing"}, update=update_golden)


@by_name(BLIND)
def test_who_has_not_seen_the_rules_is_not_surprised(case):
    shown, by = process(case)
    assert shown == case.sections.get("shown", case.sections["model writes"]), (case.head, by)


@by_name(CASES)
def test_the_size_of_chunks_does_not_matter(case):
    shown, _ = process(case)
    raw = case.sections["model writes"]
    assert {process(case, chunk)[0] for chunk in (1, 2, 7, len(raw))} == {shown}


def test_most_cases_are_correct_texts():
    assert len(CASES) >= 40
    assert len(CORRECT) >= len(OTHERS)
    assert len({case.options["language"] for case in CORRECT}) >= 10
