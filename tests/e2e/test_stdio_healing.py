"""What failed once heals without a restart: a model on a drive that comes back, one that was pulled elsewhere."""

import os
import shutil
import signal

import pytest

from tests.catalog.conftest import FILE, REPO
from tests.e2e.conftest import QUICK
from tests.gguf.embedded import EMBEDDED
from tests.hub import Hub
from tests.processes import engine_of
from tests.raw_client import INLINE
from tests.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

FUNCTION = "def add(a, b):\n    ret"
NO_RUNTIME = {"XDG_RUNTIME_DIR": "/proc/sys/x", "XDG_CACHE_HOME": "/proc/sys/y"}
AUTOMATIC = 2


@pytest.fixture
def drive(tmp_path):
    """A folder that is not mounted yet; `mount` brings it back with a model in it."""

    class Drive:
        model = tmp_path / "drive" / "model.gguf"

        def mount(self):
            self.model.parent.mkdir(exist_ok=True)
            shutil.copy(EMBEDDED, self.model)

        def unmount(self):
            self.model.unlink()

    return Drive()


async def failed(client, since=0):
    await client.wait_for(lambda message: message.get("method") == "window/showMessage", since)


async def texts(client, trigger_kind=1):
    client.open("file:///a.py", FUNCTION)
    response = await client.response(client.ask("file:///a.py", 1, 7, trigger_kind))
    client.notify("textDocument/didClose", {"textDocument": {"uri": "file:///a.py"}})
    return bool(response["result"] and response["result"]["items"])


async def test_asking_by_hand_loads_a_model_that_came_back(serve, drive):
    client = await serve(INLINE, {**QUICK, "model": str(drive.model)})
    await failed(client)
    assert not await texts(client)
    drive.mount()
    assert await texts(client)


async def test_a_change_of_settings_loads_a_model_that_came_back(serve, drive):
    client = await serve(INLINE, {**QUICK, "model": str(drive.model)})
    await failed(client)
    drive.mount()
    client.notify("workspace/didChangeConfiguration", {"settings": {}})
    await client.ready()

    async def is_shown():
        return await texts(client, AUTOMATIC)

    await eventually(is_shown)


async def test_a_model_that_went_and_came_back_while_the_server_ran(serve, drive):
    drive.mount()
    client = await serve(INLINE, {**QUICK, "model": str(drive.model)})
    await client.ready()
    drive.unmount()
    mark = client.mark
    os.kill(await engine_of(client), signal.SIGKILL)
    await failed(client, mark)
    drive.mount()
    assert await texts(client)


async def test_without_a_runtime_folder_there_are_completions(serve, tmp_path):
    (tmp_path / "infill").mkdir()
    (tmp_path / "infill" / "config.toml").write_text('[engine]\nmode = "shared"\n')
    client = await serve(INLINE, QUICK, env={**NO_RUNTIME, "XDG_CONFIG_HOME": str(tmp_path)})
    await client.ready()
    assert await texts(client)
    assert not client.shown()


async def test_a_model_that_was_pulled_in_a_terminal_serves(serve, tmp_path):
    """The user says "not now", and pulls it with `infill models pull`."""
    with (hub := Hub({f"{REPO}/{FILE}": EMBEDDED.read_bytes()})).running():
        env = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path)}
        settings = {**QUICK, "model": "deepseek-coder-1.3b-base"}
        client = await serve(INLINE, settings, answers={"window/showMessageRequest": {"title": "Not now"}}, env=env)
        await client.ready()
        folder = tmp_path / "hub" / f"models--{REPO.replace('/', '--')}"
        (folder / "refs").mkdir(parents=True)
        (folder / "refs" / "main").write_text("0" * 40)
        (folder / "snapshots" / ("0" * 40)).mkdir(parents=True)
        shutil.copy(EMBEDDED, folder / "snapshots" / ("0" * 40) / FILE)
        mark = client.mark
        assert await texts(client)
        await client.ready(since=mark)
        assert "context length 2048" in (await client.notification("window/logMessage", mark))["params"]["message"]
