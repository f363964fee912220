"""Who fills and who chats: one engine for one model, two for two, and each only where it is wanted."""

import asyncio

import pytest

from lsp_server.base.errors import ModelNotPulledError
from lsp_server.engine.client.interface import EngineState
from lsp_server.engine.client.manager import EngineConfig, EnginesByRole
from lsp_server.ipc.launch import EngineOptions
from tests.waiting import eventually

WRITE_TIMEOUT_S = 30


def model(name: str) -> EngineOptions:
    return EngineOptions(model_path=f"fake:tokens_per_s={name}", backend="fake")


def config(fill: EngineOptions, chat: EngineOptions | None = None, **idle_s: float) -> EngineConfig:
    """Without a chat model, it is not here."""

    def cast_chat() -> EngineOptions:
        if chat is None:
            raise ModelNotPulledError("It is not here. Get it.")
        return chat

    return EngineConfig(fill, cast_chat, **idle_s)


class Cast(EnginesByRole):
    """Engines that remember of whom they said that it is ready."""

    def __init__(self, first: EngineConfig) -> None:
        self.ready: list[str] = []
        super().__init__(first, self._note)

    def _note(self, role: str, state: EngineState, *_: object) -> None:
        if state is EngineState.READY:
            self.ready.append(role)


@pytest.fixture
async def cast():
    made = []

    def cast(*args, **idle_s) -> Cast:
        made.append(Cast(config(*args, **idle_s)))
        return made[-1]

    yield cast
    for engines in made:
        async with asyncio.timeout(WRITE_TIMEOUT_S):
            await engines.stop()


async def test_the_filling_model_is_loaded_at_once_and_the_other_when_it_is_asked(cast):
    engines = cast(model("1"), model("2"))
    await eventually(lambda: engines.ready == ["fill"])
    chat = engines.chat()
    assert chat is not engines.fill
    assert chat.state is EngineState.STOPPED
    assert (await chat.ready()).prefill_tokens_per_s == 2
    assert (await engines.fill.ready()).prefill_tokens_per_s == 1
    assert engines.ready == ["fill", "chat"]
    assert engines.chat() is chat
    dump = await engines.dump()
    assert "fill: engine ready" in dump
    assert "chat: engine ready" in dump


async def test_one_model_for_both_is_one_engine(cast):
    engines = cast(model("1"), model("1"))
    assert engines.chat() is engines.fill
    await engines.chat().ready()
    assert engines.ready == ["fill"]


async def test_a_chat_model_that_is_not_here_matters_only_to_who_asks_it(cast):
    engines = cast(model("1"))
    assert (await engines.fill.ready()).name == "fake"
    with pytest.raises(ModelNotPulledError):
        engines.chat()
    engines.reconfigure(config(model("1"), model("2")))
    assert (await engines.chat().ready()).prefill_tokens_per_s == 2


async def test_settings_that_leave_the_models_leave_the_engines(cast):
    engines = cast(model("1"), model("2"))
    fill, chat = engines.fill, engines.chat()
    await chat.ready()
    engines.reconfigure(config(model("1"), model("2"), fill_idle_s=5, chat_idle_s=6))
    assert (engines.fill, engines.chat()) == (fill, chat)
    assert chat.state is EngineState.READY


@pytest.mark.parametrize("chat", [model("3"), model("1"), None], ids=["another", "the one that fills", "not here"])
async def test_another_chat_model_ends_the_old_one_and_leaves_the_other_role_alone(cast, chat):
    engines = cast(model("1"), model("2"))
    fill, old = engines.fill, engines.chat()
    await asyncio.gather(fill.ready(), old.ready())
    engines.reconfigure(config(model("1"), chat))
    await eventually(lambda: old.state is EngineState.STOPPED)
    assert engines.fill is fill
    assert fill.state is EngineState.READY


async def test_another_filling_model_replaces_the_old_one(cast):
    engines = cast(model("1"), model("2"))
    old, chat = engines.fill, engines.chat()
    await asyncio.gather(old.ready(), chat.ready())
    engines.reconfigure(config(model("3"), model("2")))
    await eventually(lambda: old.state is EngineState.STOPPED)
    assert (await engines.fill.ready()).prefill_tokens_per_s == 3
    assert engines.chat() is chat


async def test_each_is_released_after_its_own_time(cast):
    engines = cast(model("1"), model("2"), chat_idle_s=0.01)
    await asyncio.gather(engines.fill.ready(), engines.chat().ready())
    await eventually(lambda: engines.chat().state is EngineState.STOPPED)
    assert engines.fill.state is EngineState.READY


async def test_stop_ends_both(cast):
    engines = cast(model("1"), model("2"))
    await asyncio.gather(engines.fill.ready(), engines.chat().ready())
    chat = engines.chat()
    await engines.stop()
    await engines.stop()
    assert {engines.fill.state, chat.state} == {EngineState.STOPPED}
