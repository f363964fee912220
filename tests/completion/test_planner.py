from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsp_server.base.errors import ModelCannotInfillError
from lsp_server.base.token_estimate import estimate_tokens
from lsp_server.completion.planner import RE_ANCHOR_SHARE, Plan, Planner
from lsp_server.ipc.model_info import ModelInfo
from lsp_server.ipc.requests import Timings
from lsp_server.prompt.anchor import Anchor, Continuation
from lsp_server.settings.model import CompletionSettings, ContextSettings, Settings
from lsp_server.text.excerpts import Neighbour
from lsp_server.text.snapshot import Snapshot
from tests.builders import DEEPSEEK, QWEN, make_model, make_snapshot, moved, snapshot_at, texts

HERE = snapshot_at("import os\n\nx = 1\n‸\nprint(x)\n", path="src/main.py")
LIBRARY = Neighbour("src/lib.py", "python", "def area(w, h):\n    return w * h\n", 1)
WINDOW = 512
LIMIT = 192  # characters that may follow an anchor in this window
LINE = "y = 2  # of twenty-four\n"
LONG = LINE * 4  # worth a new anchor


class Session:
    """A planner in use: it notes how often blocks were chosen."""

    def __init__(
        self,
        markers: dict[str, str] = DEEPSEEK,
        settings: Settings | None = None,
        context_tokens: int = WINDOW,
        tokens_per_s: float = 0.0,
    ) -> None:
        self.planner = Planner(settings or Settings())
        self.model: ModelInfo = make_model(context_tokens, markers, tokens_per_s)
        self.open: list[Neighbour] = []
        self.num_chosen = 0

    def neighbours(self) -> Sequence[Neighbour]:
        self.num_chosen += 1
        return self.open

    def plan(self, snapshot: Snapshot, prefill_budget_ms: int = 0) -> Plan:
        return self.planner.plan(snapshot, self.neighbours, self.model, prefill_budget_ms)

    def plan_warm_up(self, snapshot: Snapshot) -> Anchor | None:
        return self.planner.plan_warm_up(snapshot, self.neighbours, self.model)


def typed(text: str, snapshot: Snapshot = HERE) -> Snapshot:
    return moved(snapshot, snapshot.prefix + text)


def test_the_numbers_these_tests_were_written_for():
    assert Session().plan(HERE).anchor.max_typed_characters == LIMIT
    assert LIMIT * RE_ANCHOR_SHARE < len(LONG) < LIMIT


# The anchor that is kept


def test_a_new_document_gets_a_new_anchor():
    plan = Session().plan(typed("y = "))
    assert plan.is_new
    assert plan.family.name == "deepseek"
    assert (plan.anchor.prefix, plan.anchor.suffix, plan.continuation) == (
        HERE.prefix,
        HERE.suffix,
        Continuation("y = "),
    )


@pytest.mark.parametrize(
    "burst",
    [
        pytest.param(["y", "y ", "y =", "y = ", "y = x"], id="letters"),
        pytest.param(["y = x", "y = ", "y", ""], id="backspaces"),
        pytest.param(["y = x", "y = x\n", "y = x\nz", "y = x\nz = "], id="a new line"),
        pytest.param(["if x:", "if x:\n    ", "if x:\n    y = ", "if x:\n    "], id="an indented line"),
        pytest.param(["def f", "def f(a, b):\n    return a + b", "def f(a, b):\n    return a + b\n"], id="an answer"),
        pytest.param(["y = " + "1" * 100, "y = " + "1" * (LIMIT - 4)], id="as much as there is room for"),
    ],
)
def test_a_burst_has_one_anchor_and_one_choice_of_blocks(burst):
    session = Session()
    first = session.plan(HERE)
    for text in burst:
        plan = session.plan(typed(text))
        assert plan.anchor is first.anchor
        assert not plan.is_new
        assert plan.continuation == Continuation(text)
    assert session.num_chosen == 1


def test_a_long_line_has_one_anchor_too():
    session = Session()
    line = typed("y" * 5000)
    first = session.plan(line)
    assert first.continuation == Continuation("")
    assert session.plan(typed("zz", line)).anchor is first.anchor
    assert session.num_chosen == 1


def test_a_bracket_that_the_editor_closes_changes_no_anchor():
    session = Session()
    first = session.plan(HERE)
    for text, closed in (("print(", ")"), ('print("', '")'), ('print("a"', ")"), ('print("a")', "")):
        plan = session.plan(moved(HERE, HERE.prefix + text, closed + HERE.suffix))
        assert plan.anchor is first.anchor
        assert plan.continuation == Continuation(text, closed)


@pytest.mark.parametrize(
    ("prefix", "suffix"),
    [
        pytest.param("import os\n", "\nx = 1\n\nprint(x)\n", id="the cursor jumped up"),
        pytest.param("import os\n\nx = 1\n\nprint(x)\n", "", id="the cursor jumped down"),
        pytest.param("import os\n\nx = ", "1\n\nprint(x)\n", id="the cursor moved to the line above"),
        pytest.param("import re\n\nx = 1\n", "\nprint(x)\n", id="a line above was changed"),
        pytest.param("import os\n\nx = 1\n", "\nprint(x, os)\n", id="a line below was changed"),
        pytest.param("import os\n\nx = 1", "\nprint(x)\n", id="backspace before the line start"),
        pytest.param("import os\n\nx = 1\n" + "y" * (LIMIT + 1), "\nprint(x)\n", id="too much was typed"),
        pytest.param("import os\n\nx = 1\n" + LINE * 9, "\nprint(x)\n", id="too many lines were typed"),
    ],
)
def test_what_makes_a_new_anchor(prefix, suffix):
    session = Session()
    first = session.plan(HERE)
    later = moved(HERE, prefix, suffix)
    plan = session.plan(later)
    assert plan.is_new
    assert plan.anchor is not first.anchor
    assert plan.anchor.prefix + plan.continuation.typed == prefix
    assert session.num_chosen == 2
    assert session.plan(HERE).anchor is first.anchor, "and back, as an undo goes"


def test_backspace_before_the_line_start_returns_to_the_anchor_before():
    session = Session()
    first = session.plan(HERE).anchor
    lines = moved(HERE, HERE.prefix + LONG)
    second = session.plan_warm_up(lines)
    session.planner.adopt(HERE.uri, second, session.model)
    assert session.plan(typed("z", lines)).anchor is second
    plan = session.plan(moved(HERE, HERE.prefix + LONG[:-1]))
    assert plan.anchor is first
    assert plan.continuation == Continuation(LONG[:-1])


def test_documents_are_apart():
    session = Session()
    here, there = (snapshot_at("x = ‸\n", path=path) for path in ("a.py", "b.py"))
    anchors = [session.plan(snapshot).anchor for snapshot in (here, there)]
    assert session.num_chosen == 2
    session.planner.forget(here.uri)
    assert session.plan(there).anchor is anchors[1]
    assert session.plan(here).anchor is not anchors[0]


# Blocks


def test_blocks_change_only_with_the_anchor():
    session = Session()
    assert session.plan(HERE).anchor.blocks == ()
    session.open = [LIBRARY]
    assert session.plan(typed("y")).anchor.blocks == ()
    new = session.plan(moved(HERE, "import os\n")).anchor
    assert [block.path for block in new.blocks] == ["src/lib.py"]
    session.open = []
    assert session.plan(moved(HERE, "import os\ny")).anchor is new


def test_the_settings_reach_the_prompt():
    context = ContextSettings(max_tokens=0, suffix_share=0.0)
    session = Session(settings=Settings(completion=CompletionSettings(max_tokens=64), context=context))
    session.open = [LIBRARY]
    assert texts(session.plan(HERE).anchor.parts) == [HERE.prefix, ""]
    lengths = []
    for max_tokens in (300, 10):
        session = Session(settings=Settings(completion=CompletionSettings(max_tokens=max_tokens)))
        [text] = texts(session.plan(make_snapshot("x = 1\n" * 400)).anchor.parts, "keep_tail")
        lengths.append(len(text))
    assert lengths[0] < lengths[1], "a longer answer leaves less room"


# The prompt


def test_the_prompt_as_text():
    plan = Session().plan(typed("y = "))
    begin, prefix, suffix, middle = DEEPSEEK.values()
    assert plan.render(DEEPSEEK) == begin + prefix + HERE.prefix + suffix + HERE.suffix + middle + "y = "


@settings(max_examples=30)
@given(st.text("ab=( \n", max_size=40), st.text("ab=( \n", max_size=40))
def test_typing_only_adds_to_the_prompt(first, then):
    session = Session()
    before, after = (session.plan(typed(text)).render(DEEPSEEK) for text in (first, first + then))
    begin = session.plan(HERE).render(DEEPSEEK)
    assert after == before + then
    if "\n" not in first:
        assert before == begin + first


def test_the_head_of_the_prompt_stays_from_one_anchor_to_the_next():
    """A document grows far beyond the window, and its author pauses now and then."""
    session = Session(context_tokens=2048)
    session.open = [LIBRARY]
    written, heads = "import os\n", [""]
    for number in range(800):
        written += f"value_{number} = {'x' * (number % 23)}\n"
        here = make_snapshot(written, "\nprint(os)\n")
        session.plan(here)
        if anchor := session.plan_warm_up(here):
            session.planner.adopt(here.uri, anchor, session.model)
        head = session.plan(here).render(DEEPSEEK)[:300]
        heads += [head] * (anchor is not None)
    num_moves = sum(before != after for before, after in pairwise(heads))
    assert num_moves > 10
    assert num_moves <= len(heads) // 2


def test_the_head_of_the_prompt_stays_while_the_cursor_moves_down():
    session = Session(context_tokens=2048)
    document = "".join(f"value_{number} = {number}\n" for number in range(600))
    lines = [index + 1 for index, character in enumerate(document) if character == "\n"][300:500]
    plans = [session.plan(make_snapshot(document[:at], document[at:])) for at in lines]
    assert all(plan.is_new for plan in plans)
    heads = [plan.render(DEEPSEEK)[:300] for plan in plans]
    num_moves = sum(before != after for before, after in pairwise(heads))
    assert 0 < num_moves <= 1 + (lines[-1] - lines[0]) // 400


def test_a_line_for_the_trace():
    session = Session()
    session.open = [LIBRARY]
    lines = [session.plan(typed(text)).describe() for text in ("y ", "y =")]
    assert lines == [
        "new anchor with 17 characters before and 10 after, 2 typed since, 1 blocks",
        "anchor kept with 17 characters before and 10 after, 3 typed since, 1 blocks",
    ]


# Pauses


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing typed"),
        pytest.param("y = 2\n", id="a short line"),
        pytest.param("y" * (LIMIT // 2), id="within the line that the anchor is at"),
        pytest.param("\n" * (LIMIT // 4), id="just not long enough"),
    ],
)
def test_the_anchor_there_is_will_do(text):
    session = Session()
    session.plan(HERE)
    assert session.plan_warm_up(typed(text)) is None
    assert session.num_chosen == 1


def test_a_new_anchor_for_the_next_burst():
    session = Session()
    session.plan(HERE)
    session.open = [LIBRARY]
    anchor = session.plan_warm_up(typed(LONG + "z = "))
    assert anchor is not None
    assert (anchor.prefix, anchor.suffix) == (HERE.prefix + LONG, HERE.suffix)
    assert [block.path for block in anchor.blocks] == ["src/lib.py"]


def test_a_document_that_nothing_was_asked_for_has_no_next_burst():
    session = Session()
    assert session.plan_warm_up(typed(LONG)) is None
    session.plan(HERE)
    assert session.plan_warm_up(moved(HERE, "another text\n" + LONG)) is None
    assert session.num_chosen == 1


def test_an_anchor_is_used_once_it_is_adopted():
    session = Session()
    first = session.plan(HERE).anchor
    anchor = session.plan_warm_up(typed(LONG))
    assert session.plan(typed(LONG + "z")).anchor is first, "not in the cache yet"
    session.planner.adopt(HERE.uri, anchor, session.model)
    plan = session.plan(typed(LONG + "z"))
    assert plan.anchor is anchor
    assert (plan.is_new, plan.continuation) == (False, Continuation("z"))
    assert session.plan_warm_up(typed(LONG + "z")) is None
    assert session.plan(typed("z")).anchor is first


def test_an_anchor_planned_for_a_warm_up_is_the_one_planned_there():
    session = Session()
    session.plan(HERE)
    assert session.plan_warm_up(typed(LONG + "z")) == Session().plan(typed(LONG + "z")).anchor


# Little time

FILE = "".join(f"value_{number} = {number}\n" for number in range(500))
MIDDLE = FILE.index("value_250")
IN_FILE = make_snapshot(FILE[:MIDDLE], FILE[MIDDLE:])
# Some 650 tokens a second: a third of the window in the time there is.
BUDGET_MS, SLOW = 1000, {"context_tokens": 2048, "tokens_per_s": 650.0}


def test_where_the_whole_would_take_too_long_the_anchor_is_short():
    session = Session(**SLOW)
    plan = session.plan(IN_FILE, BUDGET_MS)
    assert plan.anchor.is_short
    assert "short to save time" in plan.describe()
    assert estimate_tokens(plan.anchor.spelling) < 700 < estimate_tokens(session.plan_warm_up(IN_FILE).spelling)
    assert session.plan(typed("x", IN_FILE), BUDGET_MS).anchor is plan.anchor


@pytest.mark.parametrize(
    ("options", "prefill_budget_ms"),
    [
        pytest.param(SLOW, 0, id="there is time"),
        pytest.param(SLOW, 10_000, id="there is time enough"),
        pytest.param(SLOW | {"tokens_per_s": 6500.0}, BUDGET_MS, id="a fast machine"),
        pytest.param(SLOW | {"tokens_per_s": 0.0}, BUDGET_MS, id="an unknown machine"),
        pytest.param(SLOW | {"markers": QWEN}, BUDGET_MS, id="a family without pauses"),
    ],
)
def test_where_it_would_not_it_is_whole(options, prefill_budget_ms):
    plan = Session(**options).plan(IN_FILE, prefill_budget_ms)
    assert not plan.anchor.is_short
    assert plan.anchor == Session(**options).plan(IN_FILE).anchor


def test_text_that_is_short_by_itself_makes_no_short_anchor():
    assert not Session(**SLOW).plan(HERE, BUDGET_MS).anchor.is_short


def test_the_pause_makes_a_short_anchor_whole():
    session = Session(**SLOW)
    short = session.plan(IN_FILE, BUDGET_MS).anchor
    whole = session.plan_warm_up(typed("x", IN_FILE))
    assert whole == Session(**SLOW).plan(typed("x", IN_FILE)).anchor
    session.planner.adopt(IN_FILE.uri, whole, session.model)
    assert session.plan(typed("xy", IN_FILE), BUDGET_MS).anchor is whole
    assert session.plan_warm_up(typed("xy", IN_FILE)) is None
    assert session.plan(IN_FILE, BUDGET_MS).anchor is not short


def test_what_an_anchor_has_in_the_cache_takes_no_time():
    """The head of the prompt is there already; only what follows the change is to be evaluated."""
    session = Session(**SLOW, settings=Settings(context=ContextSettings(suffix_share=0.1)))
    session.planner.evaluated(session.plan(IN_FILE).anchor, Timings(), session.model)
    lower = FILE.index("value_260")
    plan = session.plan(make_snapshot(FILE[:lower], FILE[lower:]), BUDGET_MS)
    assert (plan.is_new, plan.anchor.is_short) == (True, False)


@pytest.mark.parametrize("event", ["nothing was evaluated", "the engine was restarted", "others took its place"])
def test_an_anchor_that_is_not_in_the_cache_takes_its_time(event):
    session = Session(**SLOW)
    whole = session.plan(IN_FILE).anchor
    if event != "nothing was evaluated":
        session.planner.evaluated(whole, Timings(), session.model)
        assert session.plan(IN_FILE, BUDGET_MS).anchor is whole
    if event == "the engine was restarted":
        session.model = make_model(SLOW["context_tokens"], DEEPSEEK, SLOW["tokens_per_s"])
    if event == "others took its place":
        other = session.plan(make_snapshot(FILE[:MIDDLE].upper(), path="other.py")).anchor
        session.planner.evaluated(other, Timings(), session.model)
    plan = session.plan(typed("x", IN_FILE), BUDGET_MS)
    assert (plan.is_new, plan.anchor.is_short) == (True, True)
    assert session.plan(typed("x", IN_FILE)).anchor is not plan.anchor, "who has time waits"


def test_who_has_time_gets_a_whole_anchor_where_there_is_a_short_one():
    session = Session(**SLOW)
    session.plan(IN_FILE, BUDGET_MS)
    plan = session.plan(IN_FILE)
    assert plan.is_new
    assert not plan.anchor.is_short
    assert session.plan(IN_FILE, BUDGET_MS).anchor is not plan.anchor, "until it is in the cache"
    session.planner.evaluated(plan.anchor, Timings(), session.model)
    for prefill_budget_ms in (0, BUDGET_MS):
        assert session.plan(IN_FILE, prefill_budget_ms).anchor is plan.anchor


# Other families


def test_a_family_that_is_not_anchored_is_planned_anew_each_time():
    session = Session(QWEN)
    prefix, suffix, middle = (QWEN[role] for role in ("prefix", "suffix", "middle"))
    for number, text in enumerate(("y", "y ", "y =\nz"), 1):
        plan = session.plan(typed(text))
        assert (plan.is_new, plan.continuation) == (True, Continuation(""))
        assert plan.render(QWEN) == prefix + HERE.prefix + text + suffix + HERE.suffix + middle
        assert session.num_chosen == number
    assert session.plan_warm_up(typed("y =\nz")) is None
    assert session.plan_warm_up(typed(LONG)) is None


def test_a_family_that_is_not_anchored_keeps_its_prompt_for_the_same_place():
    session = Session(QWEN)
    plans = [session.plan(typed("y")) for _ in range(2)]
    assert plans[0].anchor is plans[1].anchor


def test_unknown_markers_are_refused():
    session = Session({"prefix": "<P>", "suffix": "<S>", "middle": "<M>"})
    for ask in (session.plan, session.plan_warm_up):
        with pytest.raises(ModelCannotInfillError, match="<P> <S> <M>"):
            ask(HERE)
    assert session.num_chosen == 0
