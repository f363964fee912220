import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from lsp_server.base.errors import EngineError, ModelNotFoundError
from lsp_server.completion.pipeline import Pipeline
from lsp_server.completion.request import Answer, CompletionRequest
from lsp_server.engine.client.interface import EngineState
from lsp_server.ipc.requests import Chunk, Done, Failed, Prefilled, Priority, Timings
from lsp_server.settings.model import ContextSettings, RemoteSettings, Settings
from lsp_server.text.excerpts import Neighbour
from lsp_server.text.snapshot import Snapshot
from tests.builders import (
    DEEPSEEK,
    END,
    QWEN,
    WRITES,
    ScriptedEngine,
    make_model,
    moved,
    none,
    pipeline_of,
    snapshot_at,
    texts,
)
from tests.completion.cases import AUTOMATIC, EXPLICIT, HERE, spin_event_loop


def never() -> Sequence[Neighbour]:
    pytest.fail("nobody needs neighbours here")


def stages(answer: Answer) -> list[str]:
    return [line.stage for line in answer.trace.lines]


def summary(answer: Answer, stage: str) -> str:
    [line] = [line.summary for line in answer.trace.lines if line.stage == stage]
    return line


async def test_stages_in_order():
    pipeline = pipeline_of(*WRITES, END)
    neighbours = [Neighbour(path, "python", "x = 1\n", 1) for path in ("src/b.py", "a.py")]
    answer = await pipeline.complete(HERE, lambda: neighbours, EXPLICIT)
    assert (answer.text, answer.reason, answer.error) == ("return w * h", "end", "")
    assert stages(answer) == [
        "trigger", "recall", "model", "block", "block", "prompt", "engine", "filters", "timings", "shown",
    ]  # fmt: skip
    assert summary(answer, "trigger") == "inline, explicit request, src/shapes.py:2:5, python"
    assert summary(answer, "recall") == "no earlier answer agrees"
    assert summary(answer, "engine") == "ended by: end"
    assert summary(answer, "filters") == "nothing to do"
    assert summary(answer, "shown") == "12 characters"


async def test_the_request():
    pipeline = pipeline_of(*WRITES, END, max_tokens=33, confidence=0.25)
    await pipeline.complete(HERE, none, CompletionRequest("menu", automatic=True))
    [request] = pipeline.engine.requests
    assert (request.document, request.kind, request.max_tokens) == (HERE.uri, "menu", 33)
    assert (request.priority, request.deadline_ms) == (Priority.INTERACTIVE, None)
    assert texts(request.prompt) == ["def area(w, h):\n", HERE.suffix]
    assert (request.typed, request.heal, request.logprobs) == ("    ", True, False)
    assert request.reserve_tokens > 0
    assert (request.sampling.confidence, request.sampling.temperature) == (0.25, 0.0)


async def test_who_asks_by_hand_has_the_whole_text_however_unsure_it_is():
    pipeline = pipeline_of(Prefilled(Timings()), Chunk("return"), Done("low_confidence", Timings()), confidence=0.25)
    assert (await pipeline.complete(HERE, none, AUTOMATIC)).text == "return"
    pipeline.engine.script = (*WRITES, END)
    assert (await pipeline.complete(HERE, none, EXPLICIT)).text == "return w * h"
    assert [request.sampling.confidence for request in pipeline.engine.requests] == [0.25, 0.0]
    typed = moved(HERE, HERE.prefix + "ret")
    assert (await pipeline.complete(typed, none, AUTOMATIC)).text == "urn w * h", "which is then what is known"


async def test_letters_typed_are_all_that_changes_in_a_request():
    pipeline = pipeline_of(*WRITES, END)
    for typed in ("x", "xy", "xyz\n    if "):
        await pipeline.complete(moved(HERE, HERE.prefix + typed), none, EXPLICIT)
    first, *others = pipeline.engine.requests
    assert [request.typed for request in (first, *others)] == ["    x", "    xy", "    xyz\n    if "]
    assert [(each.prompt, each.reserve_tokens) for each in others] == [(first.prompt, first.reserve_tokens)] * 2


async def test_a_family_that_is_not_anchored_has_it_all_before_the_cursor():
    pipeline = pipeline_of(*WRITES, END)
    pipeline.engine.model = make_model(markers=QWEN)
    await pipeline.complete(HERE, none, EXPLICIT)
    [request] = pipeline.engine.requests
    assert texts(request.prompt) == [HERE.prefix, HERE.suffix]
    assert (request.typed, request.reserve_tokens) == ("", 0)


async def test_who_asks_may_choose_the_number_of_tokens():
    pipeline = pipeline_of(*WRITES, END, max_tokens=33)
    await pipeline.complete(HERE, none, CompletionRequest("command", max_tokens=7))
    assert [request.max_tokens for request in pipeline.engine.requests] == [7]


async def test_the_users_share_of_context():
    pipeline = pipeline_of(*WRITES, END, context=ContextSettings(max_tokens=0, suffix_share=0.0))
    answer = await pipeline.complete(HERE, lambda: [Neighbour("a.py", "python", "x = 1", 1)], EXPLICIT)
    assert "block" not in stages(answer)
    assert texts(pipeline.engine.requests[0].prompt) == ["def area(w, h):\n", ""]


async def test_the_trace_has_the_whole_prompt():
    pipeline = pipeline_of(*WRITES, END)
    answer = await pipeline.complete(HERE, none, EXPLICIT)
    [prompt] = [line.text for line in answer.trace.lines if line.stage == "prompt"]
    begin, prefix, suffix, middle = DEEPSEEK.values()
    assert prompt == begin + prefix + "def area(w, h):\n" + suffix + HERE.suffix + middle + "    "
    assert summary(answer, "prompt") == "new anchor with 16 characters before and 21 after, 4 typed since, 0 blocks"
    typed = await pipeline.complete(moved(HERE, HERE.prefix + "x"), none, EXPLICIT)
    assert summary(typed, "prompt") == "anchor kept with 16 characters before and 21 after, 5 typed since, 0 blocks"


# What ends a request


@pytest.mark.parametrize("reason", ["end", "length"])
async def test_text_is_shown_whether_or_not_the_model_was_done(reason):
    pipeline = pipeline_of(*WRITES, Done(reason, Timings(decode_ms=7.0)))
    answer = await pipeline.complete(HERE, none, EXPLICIT)
    assert (answer.text, answer.reason) == ("return w * h", reason)
    assert answer.timings.decode_ms == 7.0
    assert pipeline.engine.ends == ["read to the end"]


@pytest.mark.parametrize("reason", ["cancelled", "superseded", "deadline"])
async def test_abandoned_requests_show_nothing_and_nothing_is_wrong(reason):
    pipeline = pipeline_of(*WRITES, Done(reason, Timings()))
    answer = await pipeline.complete(HERE, none, EXPLICIT)
    assert (answer.text, answer.reason, answer.error) == ("", reason, "")
    assert summary(answer, "shown") == f"nothing: {reason}"
    await pipeline.complete(HERE, none, EXPLICIT)
    assert len(pipeline.engine.requests) == 2, "what was abandoned is not remembered"


async def test_a_failure_is_an_error_in_the_answer():
    pipeline = pipeline_of(*WRITES, Failed("The engine died. Look at its log."))
    answer = await pipeline.complete(HERE, none, EXPLICIT)
    assert (answer.text, answer.reason, answer.error) == ("", "failed", "The engine died. Look at its log.")
    assert summary(answer, "shown") == "nothing: The engine died. Look at its log."
    await pipeline.complete(HERE, none, EXPLICIT)
    assert len(pipeline.engine.requests) == 2, "a failure is not remembered"


@pytest.mark.parametrize("fault", [ModelNotFoundError("There is no model."), EngineError("It died.")])
async def test_a_model_that_cannot_serve_is_an_error_in_the_answer(fault):
    pipeline = Pipeline(ScriptedEngine(fault=fault), Settings())
    answer = await pipeline.complete(HERE, never, EXPLICIT)
    assert (answer.text, answer.reason, answer.error) == ("", "failed", str(fault))
    assert stages(answer) == ["trigger", "recall", "timings", "shown"]


async def test_a_model_of_no_known_format_is_an_error_in_the_answer():
    pipeline = pipeline_of(*WRITES, END)
    pipeline.engine.model = make_model(markers={"prefix": "<P>", "suffix": "<S>", "middle": "<M>"})
    answer = await pipeline.complete(HERE, never, EXPLICIT)
    assert "<P> <S> <M>" in answer.error
    assert pipeline.engine.requests == []


async def test_a_model_with_nothing_to_add():
    answer = await pipeline_of(Prefilled(Timings()), END).complete(HERE, none, EXPLICIT)
    assert (answer.text, answer.error) == ("", "")
    assert summary(answer, "shown") == "nothing: the model had nothing to add"


async def test_a_rule_closes_the_stream():
    chunks = [Chunk(text) for text in ("return w", " * h\n", "\n\nprint(area", "(2, 3))\n", "print(", "1)\n")]
    pipeline = pipeline_of(Prefilled(Timings(prompt_tokens=20, reused_tokens=5)), *chunks, END)
    answer = await pipeline.complete(HERE, none, EXPLICIT)
    assert (answer.text, answer.reason) == ("return w * h", "suffix start")
    assert pipeline.engine.ends == ["closed early"]
    assert pipeline.engine.num_sent == 5, "nothing is read after the text is complete"
    assert (answer.timings.prompt_tokens, answer.timings.reused_tokens, answer.timings.decoded_tokens) == (20, 5, 4)


async def test_drafted_tokens_are_counted_though_the_stream_is_closed_early():
    texts = ("return w", " * h\n", "\n\nprint(area", "(2, 3))\n", "print(", "1)\n")
    chunks = [Chunk(text, None, 2 * number, number) for number, text in enumerate(texts)]
    answer = await pipeline_of(Prefilled(Timings()), *chunks, END).complete(HERE, none, EXPLICIT)
    assert answer.reason == "suffix start"
    assert (answer.timings.drafted_tokens, answer.timings.accepted_tokens) == (6, 3)
    assert "4 tokens decoded (3 of 6 drafted accepted)" in summary(answer, "timings")


async def test_filters_are_named():
    answer = await pipeline_of(Chunk("return w \n"), END).complete(HERE, none, EXPLICIT)
    assert answer.text == "return w"
    assert summary(answer, "filters") == "drop trailing space"


# Requests that need no engine


async def complete_after(text: str, snapshot: Snapshot = HERE) -> tuple[Answer, Pipeline]:
    """The answer after an answer, `text` typed in between."""
    pipeline = pipeline_of(*WRITES, END)
    await pipeline.complete(snapshot, none, AUTOMATIC)
    typed = replace(snapshot, prefix=snapshot.prefix + text, character=snapshot.character + len(text), version=2)
    return await pipeline.complete(typed, none, AUTOMATIC), pipeline


@pytest.mark.parametrize(("typed", "rest"), [("", "return w * h"), ("r", "eturn w * h"), ("return w * ", "h")])
async def test_typing_in_agreement_needs_no_engine(typed, rest):
    answer, pipeline = await complete_after(typed)
    assert (answer.text, answer.reason) == (rest, "known")
    assert len(pipeline.engine.requests) == 1
    assert stages(answer) == ["trigger", "recall", "timings", "shown"]
    assert summary(answer, "recall") == "known from an earlier answer"


async def test_typing_something_else_does():
    _, pipeline = await complete_after("x")
    assert len(pipeline.engine.requests) == 2


async def test_what_is_remembered_is_what_was_shown():
    """Not what the model wrote: the rest of a known answer is as clean as the answer."""
    pipeline = pipeline_of(Chunk("w)"), END)
    here = snapshot_at("print(‸)\n")
    await pipeline.complete(here, none, EXPLICIT)
    assert (await pipeline.complete(here, never, EXPLICIT)).text == "w"


async def test_a_closed_document_is_forgotten():
    pipeline = pipeline_of(*WRITES, END)
    await pipeline.complete(HERE, none, EXPLICIT)
    pipeline.forget(HERE.uri)
    answer = await pipeline.complete(HERE, none, EXPLICIT)
    assert len(pipeline.engine.requests) == 2
    assert summary(answer, "prompt").startswith("new anchor")


# Requests that are not answered at all


@pytest.mark.parametrize("kind", ["inline", "menu"])
@pytest.mark.parametrize(
    ("completion", "reason"),
    [
        ({"enabled": False}, "switched off"),
        ({"disabled_languages": ("c", "python")}, "switched off for python"),
    ],
)
async def test_switched_off(kind, completion, reason):
    pipeline = pipeline_of(*WRITES, END, **completion)
    for automatic in (True, False):
        answer = await pipeline.complete(HERE, never, CompletionRequest(kind, automatic=automatic))
        assert (answer.text, answer.reason, answer.error) == ("", reason, "")
        assert stages(answer) == ["trigger", "timings", "shown"]
    assert pipeline.engine.requests == []


@pytest.mark.parametrize("kind", ["inline", "menu", "action"])
@pytest.mark.parametrize("names", [("/home/me/.kube/config", "/data/x"), ("/data/x", "/home/me/.docker/config.json")])
async def test_nothing_of_a_file_with_secrets_by_any_of_its_names(kind, names):
    pipeline = pipeline_of(*WRITES, END)
    answer = await pipeline.complete(replace(HERE, path="config", names=names), never, CompletionRequest(kind))
    assert (answer.text, answer.reason) == ("", "a file that usually holds secrets")
    assert pipeline.engine.requests == []


ACTION = CompletionRequest("action", max_tokens=400, max_lines=40)


@pytest.mark.parametrize("num_texts", [1, 3])
@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(ACTION, EXPLICIT, id="an action, then ghost text"),
        pytest.param(EXPLICIT, ACTION, id="ghost text, then an action"),
        pytest.param(ACTION, ACTION, id="an action twice"),
        pytest.param(CompletionRequest("action"), EXPLICIT, id="an action without limits of its own"),
        pytest.param(EXPLICIT, CompletionRequest("action"), id="ghost text, then an action without limits"),
        pytest.param(CompletionRequest("command", max_tokens=5), CompletionRequest("command"), id="fewer tokens"),
        pytest.param(CompletionRequest("command"), CompletionRequest("command", max_lines=1), id="fewer lines"),
        pytest.param(CompletionRequest("command"), CompletionRequest("command", stops=("w",)), id="another end"),
    ],
)
async def test_answers_do_not_cross_between_requests_of_other_limits(first, second, num_texts):
    pipeline = pipeline_of(*WRITES, END)
    await pipeline.complete(HERE, none, replace(first, num_texts=num_texts))
    num_before = len(pipeline.engine.requests)
    answer = await pipeline.complete(HERE, none, second)
    assert answer.reason != "known"
    assert len(pipeline.engine.requests) == num_before + 1


@pytest.mark.parametrize("second", [ACTION, CompletionRequest("inline", max_lines=2)])
@pytest.mark.parametrize("first", [EXPLICIT, ACTION, replace(ACTION, stops=("x",))])
async def test_requests_of_other_limits_do_not_join(first, second):
    go_on = asyncio.Event()
    pipeline = pipeline_of(*WRITES, go_on, END)
    tasks = [asyncio.ensure_future(pipeline.complete(HERE, none, first))]
    await pipeline.engine.waiting.wait()
    tasks.append(asyncio.ensure_future(pipeline.complete(HERE, none, second)))
    await spin_event_loop()
    go_on.set()
    await asyncio.gather(*tasks)
    assert len(pipeline.engine.requests) == 2


async def test_requests_of_the_same_limits_share_an_answer():
    pipeline = pipeline_of(*WRITES, END)
    await pipeline.complete(HERE, none, CompletionRequest("menu"))
    assert (await pipeline.complete(HERE, none, EXPLICIT)).reason == "known"


async def test_a_command_works_where_completion_is_switched_off():
    pipeline = pipeline_of(*WRITES, END, enabled=False, disabled_languages=("python",))
    assert (await pipeline.complete(HERE, none, CompletionRequest("command"))).text == "return w * h"


async def test_another_language_is_not_switched_off():
    pipeline = pipeline_of(*WRITES, END, disabled_languages=("markdown",))
    assert (await pipeline.complete(HERE, none, AUTOMATIC)).text == "return w * h"


@pytest.mark.parametrize("state", [state for state in EngineState if state is not EngineState.READY])
async def test_typing_does_not_wait_for_the_model(state):
    pipeline = pipeline_of(*WRITES, END)
    pipeline.engine.state = state
    answer = await pipeline.complete(HERE, never, AUTOMATIC)
    assert (answer.text, answer.reason, answer.error) == ("", f"the engine is {state.value}", "")
    assert pipeline.engine.num_starts == 1, "which may have been released"
    assert pipeline.engine.requests == []


async def test_who_asks_waits_for_the_model():
    pipeline = pipeline_of(*WRITES, END)
    pipeline.engine.state = EngineState.LOADING
    assert (await pipeline.complete(HERE, none, EXPLICIT)).text == "return w * h"


@pytest.mark.parametrize(
    ("text", "inside"),
    [("pri‸nt(x)", True), ("x‸_y = 1", True), ("print(‸x)", False), ("pri‸ (x)", False), ("‸x", False)],
)
async def test_no_text_inside_of_a_word_but_for_who_asks(text, inside):
    pipeline = pipeline_of(*WRITES, END)
    here = snapshot_at(text)
    assert ((await pipeline.complete(here, none, AUTOMATIC)).reason == "inside a word") == inside
    assert (await pipeline.complete(here, none, EXPLICIT)).reason != "inside a word"


# Several texts


async def test_alternatives_are_drawn_from_the_same_prompt():
    pipeline = pipeline_of(*WRITES, END)
    answer = await pipeline.complete(HERE, none, replace(EXPLICIT, num_texts=3))
    first, *others = pipeline.engine.requests
    assert [request.prompt for request in others] == [first.prompt] * 2
    assert first.sampling.temperature == 0
    assert [request.sampling.temperature > 0 for request in others] == [True] * 2
    assert len({(request.sampling.seed, request.kind) for request in others}) == 2, "none supersedes another"
    assert {request.priority for request in others} == {Priority.ALTERNATIVES}
    assert (answer.text, answer.alternatives) == ("return w * h", []), "all were the same"


async def test_alternatives_differ_from_the_text_and_each_other():
    pipeline = pipeline_of(*WRITES, END)
    await pipeline.complete(HERE, none, AUTOMATIC)
    pipeline.engine.script = (Prefilled(Timings()), Chunk("return 2 * (w + h)  "), END)
    answer = await pipeline.complete(HERE, none, replace(EXPLICIT, num_texts=4))
    assert (answer.text, answer.alternatives) == ("return w * h", ["return 2 * (w + h)"])
    assert summary(answer, "alternatives") == "1 of 3 differ"
    typed = await pipeline.complete(moved(HERE, HERE.prefix + "return 2"), none, AUTOMATIC)
    assert (typed.text, typed.reason) == (" * (w + h)", "known")


async def test_the_first_text_stays_while_it_is_typed_and_not_an_alternative_that_agrees_too():
    pipeline = pipeline_of(*WRITES, END)
    await pipeline.complete(HERE, none, AUTOMATIC)
    pipeline.engine.script = (Prefilled(Timings()), Chunk("return 2"), END)
    await pipeline.complete(HERE, none, replace(EXPLICIT, num_texts=2))
    assert (await pipeline.complete(moved(HERE, HERE.prefix + "return "), none, AUTOMATIC)).text == "w * h"


async def test_no_alternatives_to_nothing():
    pipeline = pipeline_of(Prefilled(Timings()), END)
    answer = await pipeline.complete(HERE, none, replace(EXPLICIT, num_texts=3))
    assert (answer.text, len(pipeline.engine.requests)) == ("", 1)


# Bursts of keystrokes


async def both(
    pipeline: Pipeline,
    first: tuple[Snapshot, CompletionRequest],
    second: tuple[Snapshot, CompletionRequest],
    between: Callable[[], None] = bool,
) -> tuple[str, str]:
    """Why two requests ended, the second made while the first lets a burst of keystrokes pass."""
    tasks = [asyncio.create_task(pipeline.complete(first[0], none, first[1]))]
    await asyncio.sleep(0)
    between()
    tasks.append(asyncio.create_task(pipeline.complete(second[0], none, second[1])))
    earlier, later = await asyncio.gather(*tasks)
    return earlier.reason, later.reason


@pytest.fixture
def burst(monkeypatch) -> Pipeline:
    """A pipeline that debounces for as many turns of the event loop as it should sleep milliseconds."""
    real_sleep = asyncio.sleep

    async def sleep(seconds: float) -> None:
        for _ in range(max(1, round(seconds * 1000))):
            await real_sleep(0)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    return pipeline_of(*WRITES, END, debounce_ms=20)


async def test_a_keystroke_supersedes_the_one_before(burst):
    assert await both(burst, (HERE, AUTOMATIC), (HERE, AUTOMATIC)) == ("superseded", "end")
    assert len(burst.engine.requests) == 1


async def test_asking_supersedes_typing(burst):
    assert await both(burst, (HERE, AUTOMATIC), (HERE, EXPLICIT)) == ("superseded", "end")


async def test_other_kinds_do_not(burst):
    assert await both(burst, (HERE, AUTOMATIC), (HERE, CompletionRequest("menu", automatic=True))) == ("end", "end")


async def test_other_documents_do_not(burst):
    other = replace(HERE, uri="file:///project/other.py")
    assert await both(burst, (HERE, AUTOMATIC), (other, AUTOMATIC)) == ("end", "end")


async def test_a_keystroke_that_needs_no_engine_supersedes_too(burst):
    await burst.complete(HERE, none, EXPLICIT)
    changed = replace(HERE, prefix=HERE.prefix + "x")
    assert await both(burst, (changed, AUTOMATIC), (HERE, AUTOMATIC)) == ("superseded", "known")


async def test_closing_the_document_ends_what_waits(burst):
    reasons = await both(
        burst, (HERE, AUTOMATIC), (HERE, CompletionRequest("menu")), between=lambda: burst.forget(HERE.uri)
    )
    assert reasons == ("superseded", "end")


async def test_only_typing_waits(monkeypatch):
    slept = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    for debounce_ms in (50, 0):
        for ask in (EXPLICIT, AUTOMATIC):
            await pipeline_of(*WRITES, END, debounce_ms=debounce_ms, warm_up=False).complete(HERE, none, ask)
    assert slept == [0.05]


async def test_typing_waits_no_longer_than_an_answer_would_take(monkeypatch):
    slept = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    timings = Timings(prompt_tokens=20, first_token_ms=8.0)
    pipeline = pipeline_of(Prefilled(timings), Chunk("x"), Done("end", timings), debounce_ms=30, warm_up=False)
    for typed in ("a", "b", "c"):
        await pipeline.complete(moved(HERE, HERE.prefix + typed), none, AUTOMATIC)
    assert slept == [0.03, 0.008, 0.008]


# Privacy


@pytest.mark.parametrize(
    "script",
    [
        pytest.param((Chunk("SECRET_raw"), END), id="shown"),
        pytest.param((Chunk("SECRET_raw\nSECRET_suffix\nmore"), END), id="cut"),
        pytest.param((Chunk("SECRET_raw"), Failed("It died.")), id="failed"),
        pytest.param((Chunk("SECRET_raw"), Done("cancelled", Timings())), id="cancelled"),
    ],
)
async def test_no_source_text_in_a_trace_unless_asked_for(script):
    pipeline = pipeline_of(*script)
    here = snapshot_at("SECRET_prefix = ‸\nSECRET_suffix\n")
    neighbours = [Neighbour("b.py", "python", "SECRET_block\n", 1)]
    answers = [await pipeline.complete(here, lambda: neighbours, ask) for ask in (EXPLICIT, EXPLICIT)]
    for answer in answers:
        assert "SECRET" not in answer.trace.render(with_text=False)
    asked_for = answers[0].trace.render(with_text=True)
    assert all(f"SECRET_{part}" in asked_for for part in ("prefix", "suffix", "block", "raw"))


SECRET = "TOKEN = 'ghp_" + "a1B2" * 9 + "'\n"
REMOTE = Settings(remote=RemoteSettings(url="http://127.0.0.1:1"))


@pytest.mark.parametrize("kind", ["inline", "menu", "action"])
@pytest.mark.parametrize(
    "text", [SECRET + "‸", "‸\n" + SECRET, SECRET[:20] + "‸" + SECRET[20:], "x\n" * 70_000 + SECRET + "‸"]
)
async def test_a_text_with_a_secret_stays_on_this_machine(kind, text):
    engine = ScriptedEngine(*WRITES, END)
    answer = await Pipeline(engine, REMOTE).complete(snapshot_at(text), never, CompletionRequest(kind))
    assert engine.requests == []
    assert answer.text == ""
    assert "holds a secret" in answer.error
    assert "holds a secret" in summary(answer, "shown")


async def test_a_secret_stays_on_this_machine_while_it_is_typed():
    for settings, num_requests in ((REMOTE, 0), (Settings(), 1)):
        engine = ScriptedEngine(*WRITES, END)
        answer = await Pipeline(engine, settings).complete(snapshot_at("password = 'hunt‸"), none, EXPLICIT)
        assert (len(engine.requests), answer.error) == (num_requests, "")


@pytest.mark.parametrize("name", [".properties", ".sh"])
async def test_a_short_secret_in_data_stays_on_this_machine(name):
    engine = ScriptedEngine(*WRITES, END)
    snapshot = snapshot_at("DB_PASSWORD=hunter2\n‸", path=f"a{name}")
    assert "holds a secret" in (await Pipeline(engine, REMOTE).complete(snapshot, never, AUTOMATIC)).error
    assert engine.requests == []


async def test_an_engine_on_this_machine_and_whoever_names_the_file_get_it():
    for settings, request in ((Settings(), EXPLICIT), (REMOTE, CompletionRequest("command"))):
        engine = ScriptedEngine(*WRITES, END)
        answer = await Pipeline(engine, settings).complete(snapshot_at(SECRET + "‸"), none, request)
        assert (answer.text, answer.error) == ("return w * h", "")


async def test_a_remote_engine_gets_what_holds_no_secret():
    answer = await Pipeline(ScriptedEngine(*WRITES, END), REMOTE).complete(HERE, none, EXPLICIT)
    assert (answer.text, answer.error) == ("return w * h", "")
