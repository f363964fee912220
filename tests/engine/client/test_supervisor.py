"""The engine's life as the language server sees it: started, lost, restarted, given up, stopped."""

import asyncio

import pytest

from lsp_server.base.errors import EngineError, ModelCannotInfillError, ModelError, ModelFileError, ModelNotFoundError
from lsp_server.engine.client import supervisor as process_module
from lsp_server.engine.client.interface import EngineState
from lsp_server.engine.client.supervisor import EngineSupervisor
from lsp_server.ipc.launch import EngineOptions
from lsp_server.ipc.requests import Chunk, Done, Event, Failed, Generate, Marker, Text
from tests.processes import engines_of
from tests.waiting import eventually

WRITE_TIMEOUT_S = 30  # nothing here takes that long unless it would take for ever


@pytest.fixture(autouse=True)
def short_delays(monkeypatch):
    """Four lives in all, in quick succession."""
    monkeypatch.setattr(process_module, "RESTART_DELAYS_S", (0.01, 0.01, 0.01))


class Engine(EngineSupervisor):
    """An engine process that remembers what it said of its state."""

    def __init__(self, options: EngineOptions) -> None:
        self.reports: list[tuple[EngineState, float, str]] = []
        super().__init__(options, lambda *report: self.reports.append(report))

    @property
    def num_lives(self) -> int:
        """How often it became ready."""
        return [state for state, *_ in self.reports].count(EngineState.READY)

    async def ask(self, max_tokens: int = 3, text: str = "abc9") -> list[Event]:
        request = Generate((Marker("begin"), Text(text)), max_tokens)
        async with asyncio.timeout(WRITE_TIMEOUT_S):
            return [event async for event in self.generate(request)]

    async def dumps(self, text: str) -> None:
        """Wait until the dump of its state has this text."""
        async with asyncio.timeout(WRITE_TIMEOUT_S):
            while text not in await self.dump():  # noqa: ASYNC110 (processes have no event to wait for)
                await asyncio.sleep(0.01)


@pytest.fixture
async def launch():
    engines = []

    def start(script: str = "", **options) -> Engine:
        engine = Engine(EngineOptions(**{"model_path": f"fake:{script}", "backend": "fake"} | options))
        engines.append(engine)
        engine.start()
        return engine

    yield start
    for engine in engines:
        async with asyncio.timeout(WRITE_TIMEOUT_S):
            await engine.stop()


def one_end(events: list[Event]) -> Done | Failed:
    *before, end = events
    assert isinstance(end, Done | Failed)
    assert not [event for event in before if isinstance(event, Done | Failed)]
    return end


def sentence(text: str) -> bool:
    return len(text) > 20 and text[0].isupper() and text.endswith((".", "`"))


# Loading


async def test_the_model_is_described_once_it_is_loaded(launch):
    engine = launch()
    assert engine.model is None
    assert (await engine.ready()).name == "fake"
    assert engine.model.name == "fake"
    assert engine.state is EngineState.READY


async def test_progress_is_reported(launch):
    engine = launch("load_ms=200")
    await engine.ready()
    states = [state for state, *_ in engine.reports]
    fractions = [fraction for _, fraction, _ in engine.reports]
    assert states == [EngineState.LOADING] * (len(states) - 1) + [EngineState.READY]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0


async def test_requests_submitted_while_loading_wait(launch):
    engine = launch("load_ms=300")
    answers = await asyncio.gather(*(engine.ask(text=text) for text in ("abc9", "xyz9", "some text")))
    assert all(isinstance(one_end(events), Done) for events in answers)


async def test_the_real_model_loads_and_writes(launch, model_path):
    engine = launch(model_path=str(model_path), backend="llama", threads=1)
    assert isinstance(one_end(await engine.ask(text="def f(")), Done)


@pytest.mark.parametrize(
    ("content", "error"),
    [(None, ModelNotFoundError), (b"", ModelFileError), (b"GGUF" + b"\x03" * 5000, ModelFileError)],
)
async def test_a_model_that_is_refused(launch, tmp_path, content, error):
    path = tmp_path / "model.gguf"
    if content is not None:
        path.write_bytes(content)
    engine = launch(model_path=str(path), backend="llama")
    with pytest.raises(ModelError, match=path.name) as caught:
        await engine.ready()
    assert type(caught.value) is error
    assert engine.state is EngineState.FAILED
    assert engine.reports[-1] == (EngineState.FAILED, 0.0, str(caught.value))
    assert await engine.ask() == [Failed(str(caught.value))]
    assert engines_of() == [], "nothing is left running, nothing is tried again"


async def test_a_model_without_markers_is_refused(launch, rewrite_model):
    path = rewrite_model({"<｜fim▁hole｜>": "<｜xyz▁hole｜>"})
    with pytest.raises(ModelCannotInfillError, match="suffix"):
        await launch(model_path=str(path), backend="llama").ready()


async def test_a_fault_while_loading_is_an_engine_error_at_last(launch):
    engine = launch("no_such_word=1")
    with pytest.raises(EngineError):
        await asyncio.wait_for(engine.ready(), WRITE_TIMEOUT_S)


async def test_it_starts_where_the_working_directory_has_modules_of_the_same_names(launch, tmp_path, monkeypatch):
    """A project that is being edited must not run code of its own in the engine."""
    for name in ("aiohttp", "msgspec", "lsp_server"):
        (tmp_path / f"{name}.py").write_text(f"open('executed-{name}', 'w').close()\n")
    monkeypatch.chdir(tmp_path)
    engine = launch()
    assert (await asyncio.wait_for(engine.ready(), WRITE_TIMEOUT_S)).name == "fake"
    assert list(tmp_path.glob("executed-*")) == []


# Requests


async def test_requests_at_once_get_what_they_get_alone(launch):
    engine = launch()
    texts = ["abc9", "xyz9", "some text", "é😀"]
    alone = [await engine.ask(8, text) for text in texts]
    together = await asyncio.gather(*(engine.ask(8, text) for text in texts))

    def written(events):
        return [event for event in events if isinstance(event, Chunk)]

    assert list(map(written, together)) == list(map(written, alone))


async def test_closing_the_iterator_cancels(launch):
    engine = launch("decode_ms=20")
    events = engine.generate(Generate((Text("abc9"),), 3000))
    await anext(events)
    await engine.dumps(", 1 open")
    await events.aclose()
    await engine.dumps(", 0 open")


async def test_cancelling_the_task_cancels(launch):
    engine = launch("decode_ms=20")
    await engine.ready()
    task = asyncio.ensure_future(engine.ask(3000))
    await engine.dumps(", 1 open")
    task.cancel()
    await engine.dumps(", 0 open")


# Death and restart


async def test_a_request_that_kills_the_process_ends_once_and_the_next_works(launch):
    engine = launch("die_after=5")
    end = one_end(await engine.ask(100))
    assert isinstance(end, Failed)
    assert sentence(end.message)
    await eventually(lambda: engine.num_lives == 2)
    assert isinstance(one_end(await engine.ask(3)), Done)


async def test_all_requests_of_a_process_that_dies_end_once(launch):
    engine = launch("decode_ms=20,die_after=10")
    answers = await asyncio.gather(*(engine.ask(100, text) for text in ("abc9", "xyz9", "some text", "é😀")))
    assert Failed in {type(one_end(events)) for events in answers}


async def test_a_process_that_dies_before_it_answers_anything_is_given_up(launch):
    engine = launch("die_after=1")
    for life in range(1, 5):
        await eventually(lambda life=life: engine.num_lives == life)
        end = one_end(await engine.ask())
        assert isinstance(end, Failed)
    await eventually(lambda: engine.state is EngineState.FAILED)
    message = engine.reports[-1][2]
    assert sentence(message)
    assert "3 times" in message
    assert await engine.ask() == [Failed(message)]
    with pytest.raises(EngineError):
        await engine.ready()


async def test_a_process_that_answers_between_its_deaths_is_restarted_for_ever(launch):
    engine = launch("die_after=5")
    for life in range(1, 7):
        await eventually(lambda life=life: engine.num_lives == life)
        assert isinstance(one_end(await engine.ask(3)), Done)
        assert isinstance(one_end(await engine.ask(3, "xyz9")), Failed)


async def test_an_idle_process_that_is_killed_is_restarted(launch):
    engine = launch()
    await engine.ready()
    engines_of()[0].kill()
    await eventually(lambda: engine.num_lives == 2)
    assert isinstance(one_end(await engine.ask()), Done)


async def test_a_process_that_is_killed_while_loading_is_given_up_at_last(launch):
    engine = launch("load_ms=600000")
    waiting = asyncio.ensure_future(engine.ask())
    killed = set()
    async with asyncio.timeout(WRITE_TIMEOUT_S):
        while engine.state is not EngineState.FAILED:
            for child in engines_of():
                child.kill()
                killed.add(child.pid)
            await asyncio.sleep(0.01)
    assert len(killed) == 4
    assert isinstance(one_end(await waiting), Failed)


async def test_between_two_lives_it_does_not_claim_to_be_ready(launch, monkeypatch):
    monkeypatch.setattr(process_module, "RESTART_DELAYS_S", (600,))
    engine = launch()
    await engine.ready()
    engines_of()[0].kill()
    await eventually(lambda: engine.state is not EngineState.READY)


# The end


@pytest.mark.parametrize("script", ["", "load_ms=600000", "decode_ms=600000"])
async def test_stop_leaves_no_process(launch, script):
    engine = launch(script)
    await eventually(lambda: len(engines_of()) == 1)
    if "load" not in script:
        await engine.ready()
    asking = asyncio.ensure_future(engine.ask())
    await asyncio.sleep(0)
    await engine.stop()
    assert engines_of() == []
    assert engine.state is EngineState.STOPPED
    assert engine.model is None
    one_end(await asking)


async def test_stop_twice_and_before_anything_was_started(launch):
    engine = Engine(EngineOptions(model_path="fake", backend="fake"))
    await engine.stop()
    await engine.stop()
    assert engine.state is EngineState.STOPPED


async def test_stop_ends_a_request_that_is_being_answered(launch):
    engine = launch("decode_ms=20")
    events = []
    async for event in engine.generate(Generate((Text("abc9"),), 3000)):
        events.append(event)
        if isinstance(event, Chunk) and engine.state is EngineState.READY:
            await engine.stop()
    assert isinstance(one_end(events), Failed)


async def test_a_request_after_stop_fails(launch):
    engine = launch()
    await engine.ready()
    await engine.stop()
    assert isinstance(one_end(await engine.ask()), Failed)


async def test_the_state_dump_counts_what_was_asked(launch):
    engine = launch()
    await engine.ready()
    assert " 0 submitted" in await engine.dump()
    await engine.ask()
    await engine.ask()
    assert " 2 submitted, 0 open" in await engine.dump()


async def test_the_state_dump_works_in_every_state(launch):
    engine = Engine(EngineOptions(model_path="fake", backend="fake"))
    assert "stopped" in await engine.dump()
    engine = launch("fail_load=1")
    with pytest.raises(ModelFileError) as caught:
        await engine.ready()
    dump = await engine.dump()
    assert "failed" in dump
    assert str(caught.value) in dump
