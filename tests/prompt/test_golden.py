"""Golden cases of prompts: `tests/golden/prompt/*.txt`, in the format of `tests/golden_cases.py`.

`file` has the cursor, each `neighbour PATH LANGUAGE` is another open file, the last one touched last; `prompt` is
what the model gets to read, its control tokens spelt out. `earlier` is the file at a request before, whose anchor is
continued. The options are `language`, `path`, `context_tokens` and `family`, DeepSeek-Coder unless told otherwise.
"""

import pytest

from lsp_server.completion.planner import Plan, Planner
from lsp_server.ipc.requests import Marker, Text
from lsp_server.settings.model import CompletionSettings, ContextSettings, Settings
from lsp_server.text.excerpts import Neighbour
from tests.builders import DEEPSEEK, QWEN, make_model, snapshot_at
from tests.golden_cases import GoldenCase, read_cases

CASES = read_cases("prompt")
FAMILIES = {"deepseek": DEEPSEEK, "qwen": QWEN}
SETTINGS = Settings(completion=CompletionSettings(max_tokens=64), context=ContextSettings(256, 0.25))
all_cases = pytest.mark.parametrize("case", CASES, ids=[case.path.stem for case in CASES])


def markers_of(case: GoldenCase) -> dict[str, str]:
    return FAMILIES[case.options.get("family", "deepseek")]


def plan_of(case: GoldenCase) -> Plan:
    options = case.options
    assert options.keys() <= {"language", "path", "context_tokens", "family"}
    model = make_model(int(options.get("context_tokens", "2048")), markers_of(case))
    neighbours = []
    for touched, (name, text) in enumerate(case.sections.items()):
        kind, *names = name.split(" ")
        if kind == "neighbour":
            path, language_id = names
            neighbours.append(Neighbour(path, language_id, text, touched))
    planner = Planner(SETTINGS)
    files = [case.sections[name] for name in ("earlier", "file") if name in case.sections]
    snapshots = [snapshot_at(file, options["language"], options["path"]) for file in files]
    return [planner.plan(snapshot, lambda: neighbours, model) for snapshot in snapshots][-1]


@all_cases
def test_prompt(case, update_golden):
    case.expect({"prompt": plan_of(case).render(markers_of(case))}, update=update_golden)


@all_cases
def test_what_may_be_cut(case):
    """Control tokens stand alone; blocks may be dropped, and the cut text keeps what is next to the cursor."""
    anchor = plan_of(case).anchor
    roles = [part.role for part in anchor.parts if isinstance(part, Marker)]
    assert roles == [role for role in ("begin", "prefix", "suffix", "middle") if role in markers_of(case)]
    parts = [part for part in anchor.parts if isinstance(part, Text)]
    assert [part.overflow for part in parts] == [
        *["drop"] * len(anchor.blocks),
        *["keep_all"] * bool(anchor.blocks),
        "keep_tail",
        "keep_head",
    ]
    assert not any(marker in part.text for part in parts for marker in markers_of(case).values())


def test_there_are_cases_with_and_without_blocks():
    num_blocks = [len(plan_of(case).anchor.blocks) for case in CASES]
    assert 0 in num_blocks
    assert max(num_blocks) >= 2


def test_there_are_cases_with_and_without_an_earlier_request():
    assert {plan_of(case).is_new for case in CASES} == {True, False}
