"""What the pipeline does while the user pauses: bring the next anchor into the engine's cache."""

import asyncio
from collections.abc import Sequence

import pytest

from lsp_server.completion import warm_up
from lsp_server.completion.pipeline import Pipeline
from lsp_server.completion.request import CompletionRequest
from lsp_server.ipc.requests import Chunk, Done, Failed, Generate, Prefilled, Priority, Timings
from lsp_server.text.excerpts import Neighbour
from lsp_server.text.snapshot import Snapshot
from tests.builders import END, QWEN, WRITES, make_model, none, pipeline_of, snapshot_at, texts
from tests.completion.cases import AUTOMATIC, EXPLICIT, background_tasks, finish_background, typed

HERE = snapshot_at("import os\n\n‸\nprint(os)\n", path="src/main.py")
LONG = "value = 2  # of a line or two\n" * 10  # worth a new anchor in this window
LONG_FILE = snapshot_at("import os\n" * 200 + "\n‸\n" + "print(os)\n" * 200)
FOR_EVER = 3600


@pytest.fixture(autouse=True)
def _pause(monkeypatch) -> None:
    """The user pauses at once."""
    monkeypatch.setattr(warm_up, "PAUSE_S", 0)


def for_ever(monkeypatch) -> None:
    """The user never pauses."""
    monkeypatch.setattr(warm_up, "PAUSE_S", FOR_EVER)


async def burst(pipeline: Pipeline, ask: CompletionRequest = AUTOMATIC, last: str = LONG) -> None:
    """Some typing, long enough for a new anchor."""
    await pipeline.complete(HERE, none, ask)
    await pipeline.complete(typed(last, HERE), none, ask)


def warm_ups(pipeline: Pipeline) -> list[Generate]:
    return [request for request in pipeline.engine.requests if request.max_tokens == 0]


async def asked(pipeline: Pipeline, snapshot: Snapshot) -> Generate:
    """The request that comes of asking here."""
    await pipeline.complete(snapshot, none, EXPLICIT)
    return pipeline.engine.requests[-1]


async def test_a_pause_brings_the_next_anchor_into_the_cache():
    pipeline = pipeline_of(*WRITES, END, max_tokens=33)
    await burst(pipeline)
    assert warm_ups(pipeline) == [], "no pause yet"
    await finish_background()
    [request] = warm_ups(pipeline)
    assert (request.priority, request.kind, request.document) == (Priority.WARM_UP, "warm-up", HERE.uri)
    assert texts(request.prompt) == [HERE.prefix + LONG, HERE.suffix]
    assert request.typed == ""
    assert pipeline.engine.ends == ["read to the end"] * 3


async def test_the_next_request_finds_what_was_warmed_up():
    """The same anchor, and cut to the same number of tokens: the engine leaves room for the answer and for typing."""
    pipeline = pipeline_of(*WRITES, END, max_tokens=33)
    await burst(pipeline)
    await finish_background()
    request = await asked(pipeline, typed(LONG + "x", HERE))
    [warm_up] = warm_ups(pipeline)
    assert request.prompt == warm_up.prompt
    assert request.reserve_tokens + request.max_tokens == warm_up.reserve_tokens
    assert request.typed == "x"


async def test_an_anchor_that_was_warmed_up_is_not_warmed_up_again():
    pipeline = pipeline_of(*WRITES, END)
    await burst(pipeline)
    await finish_background()
    await pipeline.complete(typed(LONG + "x", HERE), none, AUTOMATIC)
    await finish_background()
    assert len(warm_ups(pipeline)) == 1


async def test_blocks_are_chosen_at_the_pause():
    pipeline = pipeline_of(*WRITES, END)
    open_files = []

    def neighbours() -> Sequence[Neighbour]:
        return open_files

    for snapshot in (HERE, typed(LONG, HERE)):
        await pipeline.complete(snapshot, neighbours, AUTOMATIC)
    open_files.append(Neighbour("src/lib.py", "python", "width = 3\n", 1))
    await finish_background()
    assert texts(warm_ups(pipeline)[0].prompt)[0] == "# src/lib.py\nwidth = 3\n\n"


async def test_a_pause_makes_a_short_prompt_whole():
    pipeline = pipeline_of(*WRITES, END, prefill_budget_ms=1)
    pipeline.engine.model = make_model(prefill_tokens_per_s=50)
    await pipeline.complete(LONG_FILE, none, AUTOMATIC)
    [short] = pipeline.engine.requests
    await finish_background()
    [whole] = warm_ups(pipeline)
    assert len(texts(whole.prompt)[0]) > 5 * len(texts(short.prompt)[0])
    assert (await asked(pipeline, typed("x", LONG_FILE))).prompt == whole.prompt


async def test_so_does_the_pause_after_a_line_that_needed_nothing_more():
    pipeline = pipeline_of(Prefilled(Timings()), END, prefill_budget_ms=1)
    pipeline.engine.model = make_model(prefill_tokens_per_s=50)
    await pipeline.complete(LONG_FILE, none, AUTOMATIC)
    await finish_background()
    assert len(warm_ups(pipeline)) == 1


async def test_who_asks_again_by_hand_gets_the_answer_to_the_whole():
    pipeline = pipeline_of(*WRITES, END, prefill_budget_ms=1)
    pipeline.engine.model = make_model(prefill_tokens_per_s=50)
    first = await pipeline.complete(LONG_FILE, none, AUTOMATIC)
    assert (await pipeline.complete(LONG_FILE, none, AUTOMATIC)).reason == "known"
    asked_by_hand = await pipeline.complete(LONG_FILE, none, EXPLICIT)
    assert asked_by_hand.text == first.text
    assert asked_by_hand.reason != "known"
    short, whole = (len(texts(request.prompt)[0]) for request in pipeline.engine.requests)
    assert whole > 5 * short
    assert (await pipeline.complete(LONG_FILE, none, EXPLICIT)).reason == "known"
    await finish_background()


@pytest.mark.parametrize(
    ("ask", "options"),
    [
        pytest.param(CompletionRequest("command"), {}, id="a command, which nobody repeats"),
        pytest.param(EXPLICIT, {}, id="who asked for it waits for it"),
        pytest.param(AUTOMATIC, {"warm_up": False}, id="pauses are not to be used"),
        pytest.param(AUTOMATIC, {"prefill_budget_ms": 0}, id="switched off"),
    ],
)
async def test_prompts_are_whole_at_once_where_no_pause_would_make_them_so(ask, options):
    pipeline = pipeline_of(*WRITES, END, **{"prefill_budget_ms": 1} | options)
    pipeline.engine.model = make_model(prefill_tokens_per_s=50)
    await pipeline.complete(LONG_FILE, none, ask)
    await finish_background()
    [request] = pipeline.engine.requests
    assert len(texts(request.prompt)[0]) > 1000


async def test_answers_tell_how_fast_the_engine_is():
    """What it measured when it loaded the model may have been on a busy machine."""
    fast = Timings(prompt_tokens=1000, prefill_ms=10)
    gave_up = pipeline_of(Prefilled(fast), Done("superseded", fast), prefill_budget_ms=1000)
    gave_up.engine.model = make_model(prefill_tokens_per_s=50)
    for path in ("a.py", "b.py"):  # what was not finished tells nothing
        await gave_up.complete(snapshot_at("import os\n" * 200 + "‸", path=path), none, AUTOMATIC)
        assert len(texts(gave_up.engine.requests[-1].prompt)[0]) < 1000
    pipeline = pipeline_of(Prefilled(fast), Chunk("x"), Done("end", fast), prefill_budget_ms=1000)
    pipeline.engine.model = make_model(prefill_tokens_per_s=50)
    lines = "import os\n" * 200
    for path, least, most in (("a.py", 0, 1000), ("b.py", 1000, 10_000)):
        await pipeline.complete(snapshot_at(lines + "‸" + lines, path=path), none, AUTOMATIC)
        assert least < len(texts(pipeline.engine.requests[-1].prompt)[0]) < most
    for path in ("a.py", "b.py"):
        pipeline.forget(snapshot_at("‸", path=path).uri)
    await finish_background()


# When there is none


async def test_none_where_it_is_switched_off():
    pipeline = pipeline_of(*WRITES, END, warm_up=False)
    await burst(pipeline)
    assert background_tasks() == set()
    assert warm_ups(pipeline) == []


async def test_none_for_who_does_not_type():
    pipeline = pipeline_of(*WRITES, END)
    await burst(pipeline, EXPLICIT)
    await burst(pipeline, CompletionRequest("command"))
    assert background_tasks() == set()


async def test_none_where_the_anchor_will_do():
    pipeline = pipeline_of(*WRITES, END)
    await burst(pipeline, last="x = 1\n")
    await finish_background()
    assert warm_ups(pipeline) == []


@pytest.mark.parametrize(
    "script",
    [
        pytest.param([Prefilled(Timings()), END], id="nothing to add"),
        pytest.param([Chunk("x"), Failed("It died.")], id="failed"),
        pytest.param([Chunk("x"), Done("superseded", Timings())], id="superseded"),
    ],
)
async def test_none_where_there_was_no_answer(script):
    pipeline = pipeline_of(*script)
    await burst(pipeline)
    await finish_background()
    assert warm_ups(pipeline) == []


async def test_none_for_a_family_that_is_not_anchored():
    pipeline = pipeline_of(*WRITES, END)
    pipeline.engine.model = make_model(markers=QWEN)
    await burst(pipeline)
    await finish_background()
    assert warm_ups(pipeline) == []


async def test_none_without_a_model():
    """The engine died during the pause; what starts it again is a request."""
    pipeline = pipeline_of(*WRITES, END)
    await burst(pipeline)
    pipeline.engine.model = None
    await finish_background()
    assert warm_ups(pipeline) == []


# What ends one


@pytest.mark.parametrize("ask", [AUTOMATIC, EXPLICIT, CompletionRequest("menu"), CompletionRequest("command")])
async def test_the_next_request_ends_the_pause(monkeypatch, ask):
    for_ever(monkeypatch)
    pipeline = pipeline_of(*WRITES, END)
    await burst(pipeline)
    earlier = background_tasks()
    await pipeline.complete(typed("y", HERE), none, ask)
    await asyncio.wait(earlier)
    assert all(task.cancelled() for task in earlier)
    assert warm_ups(pipeline) == []
    pipeline.forget(HERE.uri)


async def test_the_next_request_ends_a_warm_up():
    pipeline = pipeline_of(*WRITES, END)
    hang = asyncio.Event()
    pipeline.engine.warm_up_script = [Prefilled(Timings()), hang, Done("length", Timings())]
    await burst(pipeline)
    await pipeline.engine.waiting.wait()
    request = await asked(pipeline, typed(LONG + "x", HERE))
    hang.set()
    await finish_background()
    assert "cancelled" in pipeline.engine.ends
    assert request.typed == LONG + "x", "an anchor that is not in the cache is not used"
    assert (await asked(pipeline, typed(LONG + "y", HERE))).typed == LONG + "y", "nor later"


async def test_a_request_for_another_document_does_not():
    pipeline = pipeline_of(*WRITES, END)
    hang = asyncio.Event()
    pipeline.engine.warm_up_script = [hang, Done("length", Timings())]
    await burst(pipeline)
    await pipeline.engine.waiting.wait()
    await pipeline.complete(snapshot_at("x = ‸\n", path="src/other.py"), none, EXPLICIT)
    hang.set()
    await finish_background()
    assert "cancelled" not in pipeline.engine.ends
    assert (await asked(pipeline, typed(LONG + "x", HERE))).typed == "x"


async def test_two_kinds_at_once_have_one_pause(monkeypatch):
    """A client that asks for ghost text and for the menu with each letter."""
    for_ever(monkeypatch)
    pipeline = pipeline_of(*WRITES, END, debounce_ms=1)
    asks = [CompletionRequest(kind, automatic=True) for kind in ("inline", "menu")]
    await asyncio.gather(*(pipeline.complete(HERE, none, ask) for ask in asks))
    earlier = background_tasks()
    pipeline.forget(HERE.uri)
    await asyncio.wait(earlier)
    assert all(task.cancelled() for task in earlier)


async def test_closing_the_document_ends_it(monkeypatch):
    for_ever(monkeypatch)
    pipeline = pipeline_of(*WRITES, END)
    await burst(pipeline)
    pipeline.forget(HERE.uri)
    await finish_background()
    assert warm_ups(pipeline) == []


# What comes of one


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(Done("cancelled", Timings()), id="cancelled"),
        pytest.param(Done("superseded", Timings()), id="superseded"),
        pytest.param(Done("deadline", Timings()), id="deadline"),
        pytest.param(Failed("It died."), id="failed"),
    ],
)
async def test_an_anchor_that_did_not_get_into_the_cache_is_not_used(end):
    pipeline = pipeline_of(*WRITES, END)
    pipeline.engine.warm_up_script = [end]
    await burst(pipeline)
    await finish_background()
    assert len(warm_ups(pipeline)) == 1
    assert (await asked(pipeline, typed(LONG + "x", HERE))).typed == LONG + "x"


async def test_an_anchor_is_not_used_before_the_warm_up_ends():
    pipeline = pipeline_of(*WRITES, END)
    pipeline.engine.warm_up_script = [Prefilled(Timings())]
    await burst(pipeline)
    await finish_background()
    assert (await asked(pipeline, typed(LONG + "x", HERE))).typed == LONG + "x"


async def test_none_once_other_settings_are_in_force(monkeypatch):
    for_ever(monkeypatch)
    pipeline = pipeline_of(*WRITES, *WRITES, END, max_tokens=33)
    await burst(pipeline)
    assert background_tasks()
    pipeline.close()
    await finish_background_of_cancelled()
    await burst(pipeline, last=LONG * 2)
    assert not background_tasks()
    assert warm_ups(pipeline) == []


async def finish_background_of_cancelled() -> None:
    await asyncio.gather(*background_tasks(), return_exceptions=True)
