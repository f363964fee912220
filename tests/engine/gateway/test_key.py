"""The key of `infill engine serve`: made once, and only its user's."""

import stat

import pytest

from lsp_server.base.errors import EngineError
from lsp_server.engine.gateway import key


@pytest.fixture(autouse=True)
def state_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def test_it_is_made_once():
    first = key.read_or_make()
    assert len(first) >= 32
    assert key.read_or_make() == first


def test_only_the_user_can_read_it():
    key.read_or_make()
    assert stat.S_IMODE(key.key_file().stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o602])
def test_one_that_others_could_read_is_refused(mode):
    key.read_or_make()
    key.key_file().chmod(mode)
    with pytest.raises(EngineError, match="Delete the file"):
        key.read_or_make()


def test_one_that_is_empty_is_refused():
    key.read_or_make()
    key.key_file().write_text("\n")
    with pytest.raises(EngineError, match="Delete the file"):
        key.read_or_make()


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "state").write_text("")
    with pytest.raises(EngineError, match="cannot be kept"):
        key.read_or_make()
