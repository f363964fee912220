from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsp_server.base.token_estimate import CHARACTERS_PER_TOKEN, estimate_tokens
from lsp_server.ipc.requests import Marker, Text
from lsp_server.prompt.anchor import Anchor, follow
from lsp_server.prompt.families import family_for
from lsp_server.prompt.plan import MAX_RESERVE_TOKENS, STEP_SHARE, plan_anchor
from lsp_server.text.excerpts import Block
from lsp_server.text.snapshot import Snapshot
from tests.builders import DEEPSEEK, QWEN, make_model, make_snapshot, snapshot_at, texts

CODE = "".join(f"line_{number} = {'x' * (number % 37)}\n" for number in range(400))
DATA = "0, " * 3000
# Stretches of code, with a line of some length somewhere that is far longer than the others.
STRETCHES = st.builds(
    lambda first, data, last: CODE[:first] + DATA[:data] + CODE[len(CODE) - last :],
    *[st.integers(0, 4000), st.just(0) | st.integers(0, 4000), st.just(0) | st.integers(0, 4000)],
)
TYPED = st.text(alphabet="ab \n", max_size=150)
MARKERS = st.sampled_from([DEEPSEEK, QWEN])


def plan_for(
    snapshot: Snapshot,
    *blocks: Block,
    context_tokens: int = 512,
    max_tokens: int = 64,
    suffix_share: float = 0.25,
    markers: dict[str, str] = DEEPSEEK,
    max_prompt_tokens: int | None = None,
) -> Anchor:
    model = make_model(context_tokens, markers)
    family = family_for("any", markers)
    return plan_anchor(snapshot, blocks, model, family, max_tokens, suffix_share, max_prompt_tokens)


def block(path: str, size: int = 30) -> Block:
    return Block(path, "python", "y" * size, "open")


def text_before(anchor: Anchor) -> str:
    """What of the text before the anchor is in the prompt."""
    [text] = texts(anchor.parts, "keep_tail")
    return text


def text_after(anchor: Anchor) -> str:
    """What of the text after the cursor is in the prompt."""
    [text] = texts(anchor.parts, "keep_head")
    return text


def start_of(anchor: Anchor) -> int:
    """Where in the document the prompt's text begins."""
    return len(anchor.prefix) - len(text_before(anchor))


def estimated_tokens(anchor: Anchor) -> int:
    texts = [part for part in anchor.parts if isinstance(part, Text)]
    return sum(estimate_tokens(text.text) + bool(text.marker) for text in texts) + len(anchor.parts) - len(texts)


def room_for_text(context_tokens: int, max_tokens: int = 64) -> int:
    """Tokens of a DeepSeek window that are neither for the answer, nor for typing, nor markers."""
    return context_tokens - max_tokens - min(context_tokens // 8, MAX_RESERVE_TOKENS) - len(DEEPSEEK)


def test_what_fits_is_taken_whole():
    snapshot = snapshot_at("import os\n\n‸\n\nprint(os)\n")
    anchor = plan_for(snapshot)
    assert anchor.parts == (
        Marker("begin"),
        Marker("prefix"),
        Text("import os\n\n", "keep_tail"),
        Marker("suffix"),
        Text("\n\nprint(os)\n", "keep_head"),
        Marker("middle"),
    )
    assert (anchor.prefix, anchor.suffix, anchor.blocks) == (snapshot.prefix, snapshot.suffix, ())


def test_a_prompt_is_anchored_at_the_line_start():
    anchor = plan_for(snapshot_at("import os\n\nx = os.‸path\ny = 1\n"))
    assert (text_before(anchor), text_after(anchor)) == ("import os\n\n", "path\ny = 1\n")
    assert anchor.prefix == "import os\n\n"


def test_the_anchor_of_the_first_line_has_nothing_before_it():
    anchor = plan_for(snapshot_at("import ‸\nx = 1\n"))
    assert (anchor.prefix, text_before(anchor), text_after(anchor)) == ("", "", "\nx = 1\n")


def test_a_family_that_is_not_anchored_has_everything_before_the_suffix():
    snapshot = snapshot_at("import os\n\nx = os.‸path\ny = 1\n")
    anchor = plan_for(snapshot, markers=QWEN)
    assert (anchor.prefix, text_before(anchor)) == (snapshot.prefix, snapshot.prefix)
    assert (anchor.reserve_tokens, anchor.max_typed_characters) == (0, 0)


def test_an_anchor_continues_to_where_it_was_planned():
    snapshot = snapshot_at("import os\n\nx = os.‸path\n")
    for markers, typed in ((DEEPSEEK, "x = os."), (QWEN, "")):
        continuation = follow(plan_for(snapshot, markers=markers), snapshot)
        assert continuation is not None
        assert (continuation.typed, continuation.auto_closed) == (typed, "")


@pytest.mark.parametrize(("context_tokens", "reserve"), [(64, 8), (512, 64), (2048, 256), (16384, 256)])
def test_room_for_typing_is_a_share_of_the_window_and_at_most_a_screenful(context_tokens, reserve):
    anchor = plan_for(snapshot_at("a‸b"), context_tokens=context_tokens)
    assert anchor.reserve_tokens == reserve
    assert anchor.max_typed_characters == reserve * CHARACTERS_PER_TOKEN


def test_a_marker_the_model_lacks_is_left_out():
    anchor = plan_for(snapshot_at("a‸b"), markers=QWEN)
    assert [part.role for part in anchor.parts if isinstance(part, Marker)] == ["prefix", "suffix", "middle"]


def test_only_among_other_files_does_a_file_need_a_name():
    snapshot = snapshot_at("a\n‸b", path="src/main.py")
    assert Text("# src/main.py\n") not in plan_for(snapshot).parts
    named = plan_for(snapshot, block("lib.py"))
    assert named.parts[1:4] == (
        Text("# lib.py\n" + "y" * 30 + "\n\n", "drop"),
        Marker("prefix"),
        Text("# src/main.py\n"),
    )
    assert text_before(named) == "a\n"


def test_blocks_that_do_not_fit_are_left_out():
    small, large, other = block("a.py", 240), block("b.py", 900), block("c.py", 90)
    anchor = plan_for(snapshot_at("a‸b"), small, large, other)
    assert anchor.blocks == (small, other)
    assert len(texts(anchor.parts, "drop")) == 2


def test_in_a_small_window_the_text_around_the_cursor_goes_first():
    snapshot = make_snapshot(CODE, CODE)
    anchor = plan_for(snapshot, *[block(f"{number}.py", 100) for number in range(9)], context_tokens=256)
    assert len(anchor.blocks) == 1
    assert len(text_before(anchor)) > 150
    assert len(text_after(anchor)) > 100


@pytest.mark.parametrize("max_prompt_tokens", [128, 200])
def test_a_short_anchor_has_the_text_nearest_to_the_cursor_and_as_much_room_for_typing(max_prompt_tokens):
    snapshot = make_snapshot(CODE, CODE)
    short, whole = (
        plan_for(snapshot, context_tokens=2048, max_prompt_tokens=most) for most in (max_prompt_tokens, None)
    )
    assert (short.is_short, whole.is_short) == (True, False)
    assert max_prompt_tokens * 0.6 < estimated_tokens(short) <= max_prompt_tokens + len(DEEPSEEK)
    assert text_before(whole).endswith(text_before(short))
    assert text_after(whole).startswith(text_after(short))
    assert (short.reserve_tokens, short.max_typed_characters) == (whole.reserve_tokens, whole.max_typed_characters)


@pytest.mark.parametrize("suffix_share", [0.0, 0.25, 0.5, 0.9])
@pytest.mark.parametrize("context_tokens", [256, 1024, 4096])
def test_there_is_always_room_for_the_text_before_the_cursor(suffix_share, context_tokens):
    blocks = [block(f"{number}.py", 300) for number in range(40)]
    anchor = plan_for(make_snapshot(CODE, CODE), *blocks, context_tokens=context_tokens, suffix_share=suffix_share)
    assert text_before(anchor)


def test_the_suffix_has_its_share():
    snapshot = make_snapshot(CODE, CODE)
    for share in (0.0, 0.25, 0.5):
        suffix = text_after(plan_for(snapshot, suffix_share=share))
        assert estimate_tokens(suffix) == int(room_for_text(512) * share)


def test_a_short_suffix_leaves_its_room_to_the_prefix():
    short, long = (plan_for(make_snapshot(CODE, suffix)) for suffix in (")\n", CODE))
    assert len(text_before(short)) > len(text_before(long))


def test_the_prefix_begins_at_a_line_start():
    start = start_of(plan_for(make_snapshot(CODE)))
    assert start > 0
    assert CODE[start - 1] == "\n"


@pytest.mark.parametrize("markers", [DEEPSEEK, QWEN], ids=["deepseek", "qwen"])
@pytest.mark.parametrize("typed", ["", "\n", "\nx = 1\n", "\nx = "])
def test_a_line_longer_than_the_window_is_cut_and_not_dropped(typed, markers):
    anchor = plan_for(make_snapshot("data = " + "0, " * 2000 + typed), markers=markers)
    assert len(text_before(anchor)) > room_for_text(512) * CHARACTERS_PER_TOKEN // 2


@pytest.mark.parametrize("length", [192, 193, 5000])
def test_a_line_longer_than_what_may_be_typed_is_anchored_at_the_cursor(length):
    snapshot = make_snapshot("x = 1\n" + "y" * length)
    anchor = plan_for(snapshot)
    assert anchor.prefix == ("x = 1\n" if length == anchor.max_typed_characters else snapshot.prefix)
    assert follow(anchor, snapshot) is not None


@given(
    STRETCHES,
    STRETCHES,
    st.lists(st.integers(1, 800), max_size=4),
    st.integers(128, 1024),
    st.integers(1, 64),
    st.floats(0, 0.9),
    MARKERS,
)
def test_an_anchor_keeps_what_it_promises(prefix, suffix, sizes, context_tokens, max_tokens, suffix_share, markers):
    snapshot = make_snapshot(prefix, suffix)
    blocks = [block(f"{number}.py", size) for number, size in enumerate(sizes)]
    limits = {"context_tokens": context_tokens, "max_tokens": max_tokens, "suffix_share": suffix_share}
    anchor = plan_for(snapshot, *blocks, **limits, markers=markers)
    assert estimated_tokens(anchor) + anchor.reserve_tokens + max_tokens <= context_tokens
    assert prefix.startswith(anchor.prefix)
    assert anchor.prefix.endswith(text_before(anchor))
    assert anchor.suffix == suffix
    assert suffix.startswith(text_after(anchor))
    assert estimate_tokens(text_after(anchor)) <= (context_tokens - max_tokens) * suffix_share
    assert follow(anchor, snapshot) is not None
    assert list(anchor.blocks) == [each for each in blocks if each in anchor.blocks]


@given(STRETCHES, STRETCHES, st.integers(0, 64), st.integers(0, 100))
def test_a_window_too_small_for_anything_is_no_fault(prefix, suffix, context_tokens, max_tokens):
    anchor = plan_for(
        make_snapshot(prefix, suffix), block("a.py"), context_tokens=context_tokens, max_tokens=max_tokens
    )
    assert anchor.prefix.endswith(text_before(anchor))


@settings(max_examples=40)
@given(STRETCHES, TYPED, st.integers(96, 400), MARKERS)
def test_the_start_of_the_prefix_moves_in_large_steps(prefix, typed, context_tokens, markers):
    """While text is typed, the prompt's head stays, but for one move in each step's worth of text."""
    snapshots = [make_snapshot(prefix + typed[:length], "\n") for length in range(len(typed) + 1)]
    starts = [start_of(plan_for(each, context_tokens=context_tokens, markers=markers)) for each in snapshots]
    assert starts == sorted(starts)
    # A quarter of the least room there is: half of what the suffix may leave.
    step = int(room_for_text(context_tokens) * 0.75 * 0.5 * CHARACTERS_PER_TOKEN * STEP_SHARE)
    # Anchors may begin a long line before what was typed.
    num_typed = len(plan_for(snapshots[-1], markers=markers).prefix) - len(
        plan_for(snapshots[0], markers=markers).prefix
    )
    assert len(set(starts)) <= 2 + num_typed // max(1, step - CHARACTERS_PER_TOKEN)


@pytest.mark.parametrize("closed", [")", '"', "'])", "}\n\n"])
def test_the_start_of_the_prefix_stays_when_the_editor_closes_a_bracket(closed):
    moved = 0
    for length in range(3000, len(CODE), 50):
        before = make_snapshot(CODE[:length] + "print(", "\n")
        after = replace(before, suffix=closed + before.suffix)
        moved += start_of(plan_for(before)) != start_of(plan_for(after))
    assert moved <= len(CODE) // 50 // 20, "it may where a step ends, and nowhere else"


def test_most_of_the_window_is_used():
    snapshot = make_snapshot(CODE, CODE)
    for length in range(len(CODE) - 1500, len(CODE), 7):
        anchor = plan_for(replace(snapshot, prefix=CODE[:length]))
        assert estimated_tokens(anchor) > room_for_text(512) * 0.6
