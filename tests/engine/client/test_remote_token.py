"""The token of an engine elsewhere, from a keyring of the real package and from the environment."""

import subprocess
import sys

import keyring
import keyring.backend
import keyring.errors
import pytest

from lsp_server.base.errors import ModelError
from lsp_server.catalog.resolve import engine_options
from lsp_server.engine.client.remote.token import read_token
from lsp_server.ipc.launch import EngineOptions, Remote
from lsp_server.ipc.requests import Generate
from lsp_server.settings.layers import Layer, parse
from lsp_server.settings.model import RemoteSettings, Settings
from tests.engine.client.remote_servers import OpenAIServer
from tests.engine.client.test_remote import ANCHOR, ask, connected

URL = "https://models.example.com"


class Keyring(keyring.backend.KeyringBackend):
    """A keyring in memory; `is_locked` refuses to be read."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()
        self.passwords: dict[tuple[str, str], str] = {}
        self.is_locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.is_locked:
            raise keyring.errors.KeyringLocked("it is locked")
        return self.passwords.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.passwords[service, username] = password


@pytest.fixture
def ring():
    before = keyring.get_keyring()
    ring = Keyring()
    keyring.set_keyring(ring)
    yield ring
    keyring.set_keyring(before)


def remote(url: str = URL, credentials: str = "keyring") -> Remote:
    options: EngineOptions = engine_options(Settings(remote=RemoteSettings(url=url, credentials=credentials)), None)
    assert options.remote is not None
    return options.remote


def test_a_keyring_s_token(ring):
    keyring.set_password("infill", URL, "secret")
    assert read_token(remote()) == "secret"


def test_the_environment_s_token(ring, monkeypatch):
    keyring.set_password("infill", URL, "another")
    monkeypatch.setenv("INFILL_REMOTE_TOKEN", "secret")
    assert read_token(remote(credentials="environment")) == "secret"
    monkeypatch.delenv("INFILL_REMOTE_TOKEN")
    assert read_token(remote(credentials="environment")) == ""


def test_a_keyring_without_one_is_said(ring):
    keyring.set_password("infill", "https://other.example.com", "secret")
    with pytest.raises(ModelError, match=f"keyring set infill {URL}"):
        read_token(remote())


def test_a_locked_keyring_is_said(ring):
    ring.is_locked = True
    with pytest.raises(ModelError, match="it is locked"):
        read_token(remote())


def test_no_keyring_at_all_is_said():
    """As on a machine without a desktop."""
    before = keyring.get_keyring()
    keyring.set_keyring(keyring.backends.fail.Keyring())
    try:
        with pytest.raises(ModelError, match="INFILL_REMOTE_TOKEN"):
            read_token(remote())
    finally:
        keyring.set_keyring(before)


def test_the_package_is_an_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(ModelError, match=r"infill-lsp\[keyring\]"):
        read_token(remote())


def test_it_is_imported_only_when_it_is_asked_for():
    program = (
        "import sys\n"
        "from lsp_server.engine.client.remote import client, token\n"
        "from lsp_server.ipc.launch import Remote\n"
        "token.read_token(Remote('http://x', 'auto', '', 'deepseek', {}))\n"
        "print('keyring' in sys.modules)\n"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, timeout=60)
    assert found.stdout.split() == [b"False"]


async def test_it_is_sent(ring):
    server = OpenAIServer("x")
    server.token = "secret"
    async with server.running():
        async with connected(server.url, credentials="keyring") as engine:
            with pytest.raises(ModelError, match="keyring set infill"):
                await engine.ready()
        keyring.set_password("infill", server.url, "wrong")
        async with connected(server.url, credentials="keyring") as engine:
            with pytest.raises(ModelError, match="wants a token: put it into the keyring"):
                await engine.ready()
        keyring.set_password("infill", server.url, "secret")
        async with connected(server.url, credentials="keyring") as engine:
            assert (await ask(engine, Generate(ANCHOR, 5)))[0] == "x"


def test_a_project_cannot_say_where_it_is(tmp_path):
    settings, [problem] = parse([Layer("project", {"remote": {"credentials": "keyring"}}, tmp_path)])
    assert settings.remote.credentials == "environment"
    assert "may not" in problem
