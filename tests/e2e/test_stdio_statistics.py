"""What a server counts, and that it does not where the user does not want it."""

import pytest

from lsp_server import statistics
from tests.e2e.conftest import QUICK
from tests.raw_client import INLINE

pytestmark = pytest.mark.asyncio(loop_scope="module")

URI = "file:///p/src/a.py"
FUNCTION = "def add(a, b):\n    ret"
AUTOMATIC = 2


@pytest.mark.parametrize("wanted", [True, False])
async def test_what_is_shown_and_accepted_is_counted(serve, tmp_path, monkeypatch, wanted):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    path = statistics.file()
    client = await serve(INLINE, {**QUICK, "statistics": wanted}, env={"XDG_DATA_HOME": str(tmp_path)})
    await client.ready()
    client.open(URI, FUNCTION)
    text = (await client.response(client.ask(URI, 1, 7, AUTOMATIC)))["result"]["items"][0]["insertText"]
    client.insert(URI, 1, 7, text)
    await client.response(client.ask(URI, 1, 7 + len(text.partition("\n")[0]), AUTOMATIC))
    client.send("shutdown")
    client.notify("exit")
    await client.exit_status()
    counted = statistics.total(statistics.read(path))
    if wanted:
        assert counted.shown >= 1
        assert (counted.accepted, counted.accepted_characters) == (1, len(text))
        assert sum(counted.times) == counted.shown
    else:
        assert not path.exists()
