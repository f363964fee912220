"""Golden cases of prompts: `tests/golden/prompt/*.txt`, in the format of `tests/golden_cases.py`.

`file` has the cursor, each `neighbour PATH LANGUAGE` is another open file, the last one touched last; `prompt` is
what a DeepSeek-Coder model gets to read, its control tokens spelt out. The options are `language`, `path` and
`window_tokens`.
"""

import pytest

from lsp_server.context.blocks import Neighbour, choose_blocks
from lsp_server.engine.messages import Marker, Text
from lsp_server.prompt.formats import format_for
from lsp_server.prompt.plan import Plan, plan_fill
from tests.fixtures import DEEPSEEK, make_model, render, snapshot_at
from tests.golden_cases import GoldenCase, read_cases

CASES = read_cases("prompt")
all_cases = pytest.mark.parametrize("case", CASES, ids=[case.path.stem for case in CASES])


def plan_of(case: GoldenCase) -> Plan:
    options = case.options
    assert options.keys() <= {"language", "path", "window_tokens"}
    snapshot = snapshot_at(case.sections["file"], options["language"], options["path"])
    neighbours = []
    for touched, (name, text) in enumerate(case.sections.items()):
        kind, *names = name.split(" ")
        if kind == "neighbour":
            path, language_id = names
            neighbours.append(Neighbour(path, language_id, text, touched))
    model = make_model(int(options.get("window_tokens", "2048")))
    blocks = choose_blocks(snapshot, neighbours, max_tokens=256)
    return plan_fill(snapshot, blocks, model, format_for("deepseek", model.markers), max_tokens=64, suffix_share=0.25)


@all_cases
def test_prompt(case, update_golden):
    case.expect({"prompt": render(plan_of(case).parts, DEEPSEEK)}, update=update_golden)


@all_cases
def test_what_may_be_cut(case):
    """Control tokens stand alone; blocks may be dropped, and the cut text keeps what is next to the cursor."""
    plan = plan_of(case)
    roles = [part.role for part in plan.parts if isinstance(part, Marker)]
    assert roles == ["begin", "prefix", "suffix", "middle"]
    texts = [part for part in plan.parts if isinstance(part, Text)]
    assert [text.overflow for text in texts] == [
        *["drop"] * len(plan.blocks),
        *["keep_all"] * bool(plan.blocks),
        "keep_tail",
        "keep_head",
    ]
    assert not any(marker in text.text for text in texts for marker in DEEPSEEK.values())


def test_there_are_cases_with_and_without_blocks():
    num_blocks = [len(plan_of(case).blocks) for case in CASES]
    assert 0 in num_blocks
    assert max(num_blocks) >= 2
