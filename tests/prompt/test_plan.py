from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsp_server.context.blocks import Block
from lsp_server.engine.messages import Marker, Text
from lsp_server.estimate import CHARACTERS_PER_TOKEN, estimate_tokens
from lsp_server.prompt.formats import format_for
from lsp_server.prompt.plan import STEP_SHARE, Plan, plan_fill
from lsp_server.snapshot import Snapshot
from tests.fixtures import DEEPSEEK, QWEN, make_model, make_snapshot, snapshot_at

CODE = "".join(f"line_{number} = {'x' * (number % 37)}\n" for number in range(400))
DATA = "0, " * 3000
# Stretches of code, with a line of some length somewhere that is far longer than the others.
STRETCHES = st.builds(
    lambda first, data, last: CODE[:first] + DATA[:data] + CODE[len(CODE) - last :],
    *[st.integers(0, 4000), st.just(0) | st.integers(0, 4000), st.just(0) | st.integers(0, 4000)],
)
TYPED = st.text(alphabet="ab \n", max_size=150)


def plan_for(
    snapshot: Snapshot,
    *blocks: Block,
    window_tokens: int = 512,
    max_tokens: int = 64,
    suffix_share: float = 0.25,
    markers: dict[str, str] = DEEPSEEK,
) -> Plan:
    model = make_model(window_tokens, markers)
    fim_format = format_for("any", markers)
    return plan_fill(snapshot, blocks, model, fim_format, max_tokens, suffix_share)


def block(path: str, size: int = 30) -> Block:
    return Block(path, "python", "y" * size, "open")


def text_of(plan: Plan, overflow: str) -> str:
    """The text that may be cut in one way: the prefix's (`keep_tail`) or the suffix's (`keep_head`)."""
    [text] = [part.text for part in plan.parts if isinstance(part, Text) and part.overflow == overflow]
    return text


def start_of(plan: Plan, snapshot: Snapshot) -> int:
    return len(snapshot.prefix) - plan.num_prefix_characters


def test_what_fits_is_taken_whole():
    snapshot = snapshot_at("import os\n\n‸\n\nprint(os)\n")
    plan = plan_for(snapshot)
    assert plan.parts == (
        Marker("begin"),
        Marker("prefix"),
        Text("import os\n\n", "keep_tail"),
        Marker("suffix"),
        Text("\n\nprint(os)\n", "keep_head"),
        Marker("middle"),
    )
    assert (plan.num_prefix_characters, plan.num_suffix_characters) == (11, 12)
    assert plan.format_name == "deepseek"


def test_a_marker_the_model_lacks_is_left_out():
    plan = plan_for(snapshot_at("a‸b"), markers=QWEN)
    assert [part.role for part in plan.parts if isinstance(part, Marker)] == ["prefix", "suffix", "middle"]


def test_only_among_other_files_does_a_file_need_a_name():
    snapshot = snapshot_at("a‸b", path="src/main.py")
    assert Text("# src/main.py\n") not in plan_for(snapshot).parts
    named = plan_for(snapshot, block("lib.py"))
    assert named.parts[1:4] == (
        Text("# lib.py\n" + "y" * 30 + "\n\n", "drop"),
        Marker("prefix"),
        Text("# src/main.py\n"),
    )
    assert named.num_prefix_characters == 1


def test_blocks_that_do_not_fit_are_left_out():
    small, large, other = block("a.py", 300), block("b.py", 900), block("c.py", 150)
    plan = plan_for(snapshot_at("a‸b"), small, large, other)
    assert plan.blocks == (small, other)


def test_in_a_small_window_the_text_around_the_cursor_goes_first():
    snapshot = make_snapshot(CODE, CODE)
    plan = plan_for(snapshot, *[block(f"{number}.py", 200) for number in range(9)], window_tokens=256)
    assert plan.num_prefix_characters > 150
    assert plan.num_suffix_characters > 100


@pytest.mark.parametrize("suffix_share", [0.0, 0.25, 0.5, 0.9])
@pytest.mark.parametrize("window_tokens", [256, 1024, 4096])
def test_there_is_always_room_for_the_text_before_the_cursor(suffix_share, window_tokens):
    blocks = [block(f"{number}.py", 300) for number in range(40)]
    plan = plan_for(make_snapshot(CODE, CODE), *blocks, window_tokens=window_tokens, suffix_share=suffix_share)
    assert plan.num_prefix_characters > 0


def test_the_suffix_has_its_share():
    snapshot = make_snapshot(CODE, CODE)
    for share in (0.0, 0.25, 0.5):
        suffix = text_of(plan_for(snapshot, suffix_share=share), "keep_head")
        assert estimate_tokens(suffix) == pytest.approx((512 - 64) * share, rel=0.02)


def test_a_short_suffix_leaves_its_room_to_the_prefix():
    short, long = (plan_for(make_snapshot(CODE, suffix)) for suffix in (")\n", CODE))
    assert short.num_prefix_characters > long.num_prefix_characters


def test_the_prefix_begins_at_a_line_start():
    snapshot = make_snapshot(CODE)
    start = start_of(plan_for(snapshot), snapshot)
    assert start > 0
    assert CODE[start - 1] == "\n"


@pytest.mark.parametrize("typed", ["", "\n", "\nx = 1\n"])
def test_a_line_longer_than_the_window_is_cut_and_not_dropped(typed):
    snapshot = make_snapshot("data = " + "0, " * 2000 + typed)
    plan = plan_for(snapshot)
    assert plan.num_prefix_characters > (512 - 64) * CHARACTERS_PER_TOKEN // 2


@given(
    STRETCHES,
    STRETCHES,
    st.lists(st.integers(1, 800), max_size=4),
    st.integers(128, 1024),
    st.integers(1, 64),
    st.floats(0, 0.9),
)
def test_a_plan_keeps_what_it_promises(prefix, suffix, sizes, window_tokens, max_tokens, suffix_share):
    snapshot = make_snapshot(prefix, suffix)
    blocks = [block(f"{number}.py", size) for number, size in enumerate(sizes)]
    plan = plan_for(snapshot, *blocks, window_tokens=window_tokens, max_tokens=max_tokens, suffix_share=suffix_share)
    assert plan.estimated_tokens + max_tokens <= window_tokens
    assert prefix.endswith(text_of(plan, "keep_tail"))
    assert suffix.startswith(text_of(plan, "keep_head"))
    assert plan.num_prefix_characters == len(text_of(plan, "keep_tail"))
    assert plan.num_suffix_characters == len(text_of(plan, "keep_head"))
    assert estimate_tokens(text_of(plan, "keep_head")) <= (window_tokens - max_tokens) * suffix_share
    assert list(plan.blocks) == [each for each in blocks if each in plan.blocks]
    assert sum(estimate_tokens(p.text) if isinstance(p, Text) else 1 for p in plan.parts) == plan.estimated_tokens


@given(STRETCHES, STRETCHES, st.integers(0, 64), st.integers(0, 100))
def test_a_window_too_small_for_anything_is_no_fault(prefix, suffix, window_tokens, max_tokens):
    plan = plan_for(make_snapshot(prefix, suffix), block("a.py"), window_tokens=window_tokens, max_tokens=max_tokens)
    assert prefix.endswith(text_of(plan, "keep_tail"))


@settings(max_examples=40)
@given(STRETCHES, TYPED, st.integers(96, 400))
def test_the_start_of_the_prefix_moves_in_large_steps(prefix, typed, window_tokens):
    """While text is typed, the prompt's head stays, but for one move in each step's worth of text."""
    snapshots = [make_snapshot(prefix + typed[:length], "\n") for length in range(len(typed) + 1)]
    plans = [plan_for(snapshot, window_tokens=window_tokens) for snapshot in snapshots]
    starts = [start_of(plan, snapshot) for plan, snapshot in zip(plans, snapshots, strict=True)]
    assert starts == sorted(starts)
    # A quarter of the least room there is: half of what the suffix may leave.
    step = int((window_tokens - 64) * CHARACTERS_PER_TOKEN * 0.75 * 0.5 * STEP_SHARE)
    assert len(set(starts)) <= 2 + len(typed) // max(1, step - 1)


@pytest.mark.parametrize("closed", [")", '"', "'])", "}\n\n"])
def test_the_start_of_the_prefix_stays_when_the_editor_closes_a_bracket(closed):
    moved = 0
    for length in range(3000, len(CODE), 50):
        before = make_snapshot(CODE[:length] + "print(", "\n")
        after = replace(before, suffix=closed + before.suffix)
        moved += start_of(plan_for(before), before) != start_of(plan_for(after), after)
    assert moved <= len(CODE) // 50 // 20, "it may where a step ends, and nowhere else"


def test_most_of_the_window_is_used():
    snapshot = make_snapshot(CODE, CODE)
    for length in range(len(CODE) - 1500, len(CODE), 7):
        plan = plan_for(replace(snapshot, prefix=CODE[:length]))
        assert plan.estimated_tokens > (512 - 64) * 0.6
