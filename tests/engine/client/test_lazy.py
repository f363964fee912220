"""An engine that comes when it is asked and goes when nobody does; what is under way is never ended."""

import asyncio

import pytest

from lsp_server.base.errors import EngineError, ModelFileError, ModelNotFoundError
from lsp_server.engine.client import lazy
from lsp_server.engine.client.interface import EngineState
from lsp_server.engine.client.lazy import RETRY_S, LazyEngine
from lsp_server.ipc.launch import EngineOptions
from lsp_server.ipc.requests import Chunk, Done, Event, Failed, Generate, Marker, Text
from tests.processes import engines_of
from tests.waiting import eventually

WRITE_TIMEOUT_S = 30
IDLE_S = 600.0  # by the test's clock
STOPPED, LOADING, READY = EngineState.STOPPED, EngineState.LOADING, EngineState.READY


class Clock:
    """Time that passes when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Engine(LazyEngine):
    """One that remembers what it said of its state."""

    def __init__(self, clock, options: EngineOptions, idle_s: float, **how) -> None:
        self.states: list[EngineState] = []
        super().__init__(options, idle_s, lambda state, *_: self.states.append(state), clock, **how)

    def request(self, max_tokens: int = 3) -> Generate:
        return Generate((Marker("begin"), Text("abc9")), max_tokens)

    async def ask(self) -> list[Event]:
        async with asyncio.timeout(WRITE_TIMEOUT_S):
            return [event async for event in self.generate(self.request())]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def make(clock):
    engines = []

    def make(script: str = "", idle_s: float = IDLE_S, *, retries_alone: bool = False, **options) -> Engine:
        options = EngineOptions(**{"model_path": f"fake:{script}", "backend": "fake"} | options)
        engines.append(Engine(clock, options, idle_s, retries_alone=retries_alone))
        return engines[-1]

    yield make
    for engine in engines:
        async with asyncio.timeout(WRITE_TIMEOUT_S):
            await engine.stop()
    assert engines_of() == [], "none outlives its engine"


async def test_nothing_is_launched_before_it_is_asked(make):
    engine = make()
    assert (engine.state, engine.model, engines_of()) == (STOPPED, None, [])
    assert isinstance((await engine.ask())[-1], Done)
    assert (engine.state, engine.model.name, len(engines_of())) == (READY, "fake", 1)


async def test_the_first_request_waits_for_the_model_and_loading_is_reported(make):
    engine = make("load_ms=200")
    assert isinstance((await engine.ask())[-1], Done)
    assert engine.states == [LOADING] * (len(engine.states) - 1) + [READY]


async def test_what_was_idle_for_long_is_released_and_comes_back_by_itself(make, clock):
    engine = make()
    before = await engine.ask()
    clock.now += IDLE_S - 1
    assert engine.unload_if_idle() == 1
    assert engine.state is READY
    clock.now += 1
    assert engine.unload_if_idle() == 0
    assert (engine.state, engine.model) == (STOPPED, None)
    await eventually(lambda: engines_of() == [])
    await eventually(lambda: engine.states[-1] is STOPPED)
    after = await engine.ask()
    assert texts(after) == texts(before)
    assert engine.states[-1] is READY
    assert "ready" in await engine.dump()


async def test_every_use_puts_off_the_end(make, clock):
    engine = make()
    await engine.ask()
    clock.now += IDLE_S - 1
    await engine.ready()
    clock.now += IDLE_S - 1
    assert engine.unload_if_idle() == 1


async def test_a_request_under_way_is_not_ended_however_long_it_takes(make, clock):
    engine = make("decode_ms=1")
    events = engine.generate(engine.request(max_tokens=100))
    received = [await anext(events)]
    clock.now += 10 * IDLE_S
    assert engine.unload_if_idle() == IDLE_S
    received += [event async for event in events]
    assert isinstance(received[-1], Done)
    assert engine.unload_if_idle() == IDLE_S, "and idleness is counted from its end"


async def test_a_request_that_is_given_up_is_under_way_no_longer(make, clock):
    engine = make("decode_ms=20")
    events = engine.generate(engine.request(max_tokens=3000))
    await anext(events)
    await events.aclose()
    clock.now += IDLE_S
    assert engine.unload_if_idle() == 0
    assert engine.state is STOPPED


async def test_a_model_that_is_being_loaded_is_not_given_up(make, clock):
    engine = make("load_ms=600000")
    engine.start()
    await eventually(lambda: engine.state is LOADING)
    clock.now += 10 * IDLE_S
    assert engine.unload_if_idle() == IDLE_S
    assert engine.state is LOADING


async def test_zero_is_never(make, clock):
    engine = make(idle_s=0)
    await engine.ask()
    clock.now += 1e9
    assert engine.unload_if_idle() == 0
    assert engine.state is READY


async def test_the_time_can_be_changed_while_it_runs(make, clock):
    engine = make(idle_s=0)
    await engine.ask()
    clock.now += IDLE_S
    engine.unload_after(IDLE_S / 2)
    assert engine.state is STOPPED
    await eventually(lambda: engines_of() == [])


async def test_time_alone_releases_it(make, clock):
    """Nobody calls `unload_if_idle` here."""
    engine = make(idle_s=0.01)
    await engine.ask()
    clock.now += 1
    await eventually(lambda: engine.state is STOPPED)


async def test_starting_twice_is_starting_once(make):
    engine = make()
    engine.start()
    engine.start()
    await engine.ready()
    assert len(engines_of()) == 1


async def test_what_was_stopped_stays_stopped(make):
    engine = make()
    await engine.ask()
    await engine.stop()
    engine.start()
    assert engines_of() == []
    assert await engine.ask() == [Failed("The engine is stopped.")]
    with pytest.raises(EngineError, match="is stopped"):
        await engine.ready()


async def test_a_model_that_is_refused_is_tried_again_after_the_idle_time(make, clock):
    engine = make("fail_load=1")
    for _ in range(2):
        with pytest.raises(ModelFileError):
            await engine.ready()
    assert engine.states.count(EngineState.FAILED) == 1, "not at every request"
    clock.now += IDLE_S
    engine.unload_if_idle()
    with pytest.raises(ModelFileError):
        await engine.ready()
    assert engine.states.count(EngineState.FAILED) == 2


async def test_a_model_that_comes_back_is_loaded_once_the_wait_is_over(make, clock, model_path, tmp_path):
    path = tmp_path / "drive" / "model.gguf"
    engine = make(model_path=str(path), backend="llama", threads=1)
    with pytest.raises(ModelNotFoundError):
        await engine.ready()
    path.parent.mkdir()
    path.symlink_to(model_path)
    clock.now += RETRY_S - 1
    with pytest.raises(ModelNotFoundError):
        await engine.ready()
    clock.now += 1
    assert await engine.ready()


async def test_the_waits_grow_while_it_fails(make, clock):
    engine = make("fail_load=1")
    waits = []
    for _ in range(6):
        failed_at = clock.now
        with pytest.raises(ModelFileError):
            await engine.ready()
        num_failures = engine.states.count(EngineState.FAILED)
        while engine.states.count(EngineState.FAILED) == num_failures:
            clock.now += RETRY_S
            with pytest.raises(ModelFileError):
                await engine.ready()
        waits.append((clock.now - failed_at) / RETRY_S)
    assert waits == [1, 2, 4, 8, 16, 16]


async def test_who_asks_for_it_need_not_wait(make, model_path, tmp_path):
    path = tmp_path / "model.gguf"
    engine = make(model_path=str(path), backend="llama", threads=1)
    with pytest.raises(ModelNotFoundError):
        await engine.ready()
    path.symlink_to(model_path)
    engine.retry()
    model = await engine.ready()
    engine.retry()
    assert engine.model is model, "an engine that is ready goes on"


async def test_time_alone_brings_it_back(make, model_path, tmp_path, monkeypatch):
    monkeypatch.setattr(lazy, "RETRY_S", 0.01)
    path = tmp_path / "model.gguf"
    engine = make(model_path=str(path), backend="llama", threads=1, retries_alone=True)
    engine.start()
    await eventually(lambda: engine.states.count(EngineState.FAILED) >= 2)
    path.symlink_to(model_path)
    await eventually(lambda: engine.state is READY)


async def test_a_stopped_one_is_not_tried_again(make, monkeypatch):
    monkeypatch.setattr(lazy, "RETRY_S", 0.01)
    engine = make("fail_load=1", retries_alone=True)
    engine.start()
    await eventually(lambda: EngineState.FAILED in engine.states)
    await engine.stop()
    engine.retry()
    assert engine.state is STOPPED
    assert engines_of() == []


async def test_the_real_model_writes_the_same_after_it_was_released(make, clock, model_path):
    engine = make(model_path=str(model_path), backend="llama", threads=1)
    before = texts(await engine.ask())
    clock.now += IDLE_S
    engine.unload_if_idle()
    await eventually(lambda: engines_of() == [])
    assert texts(await engine.ask()) == before


def texts(events: list[Event]) -> list[str]:
    assert isinstance(events[-1], Done), events[-1]
    return [event.text for event in events if isinstance(event, Chunk)]
