"""`infill setup helix`, and what the Helix that was fetched says of it."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib

import pytest

from lsp_server.commands import setup_helix
from tests.editors.fetch import SID
from tests.editors.helix import LANGUAGES, make_environment
from tests.editors.server import ROOT, write_infill


@pytest.fixture
def environment(tmp_path):
    write_infill(tmp_path / "bin", tmp_path / "tap.log")
    return {**os.environ, **make_environment(tmp_path)}


@pytest.fixture
def infill(environment):
    """The command, in the environment of a Helix that nobody has configured."""

    def call(*arguments):
        command = [sys.executable, "-X", "utf8", "-m", "lsp_server", *arguments]
        return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, check=False, encoding="utf-8")

    return call


def test_the_file_we_ship_is_made_from_helix_s_own_servers(environment, monkeypatch, update_golden):
    for name in ("PATH", "HELIX_RUNTIME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, environment[name])
    made = setup_helix.block_for(["infill", "serve"], list(setup_helix.LANGUAGES))
    if update_golden:
        LANGUAGES.write_text(made, encoding="utf-8")
    assert LANGUAGES.read_text(encoding="utf-8") == made


def test_written_it_is_found_and_the_other_servers_stay(infill, tmp_path):
    file = tmp_path / "config" / "helix" / "languages.toml"
    file.parent.mkdir(parents=True)
    own = '# mine\n[[language]]\nname = "rust"\nlanguage-servers = ["mine"]\n'
    file.write_text(own, encoding="utf-8")
    done = infill("setup", "helix", "--write")
    assert done.returncode == 0, done.stderr
    assert "Helix finds infill's server" in done.stdout
    assert 'add "infill" to `language-servers` of rust' in done.stdout
    assert file.read_text(encoding="utf-8").startswith(own)
    written = tomllib.loads(file.read_text(encoding="utf-8"))
    servers = {entry["name"]: entry["language-servers"] for entry in written["language"]}
    assert servers["python"][-1] == "infill"
    assert len(servers["python"]) > 1
    assert servers["rust"] == ["mine"]
    assert "All is written already." in infill("setup", "helix", "--write").stdout


def test_what_the_user_removes_stays_removed_but_for_ours(infill, tmp_path):
    infill("setup", "helix", "--write")
    file = tmp_path / "config" / "helix" / "languages.toml"
    file.write_text(file.read_text(encoding="utf-8") + '\n[[language]]\nname = "go"\nlanguage-servers = []\n')
    infill("setup", "helix", "--write")
    entries = tomllib.loads(file.read_text(encoding="utf-8"))["language"]
    assert [entry["language-servers"] for entry in entries if entry["name"] == "go"] == [[]]


def test_the_helix_that_was_fetched_is_the_one_asked(environment):
    said = subprocess.run([SID.program("hx"), "--version"], env=environment, capture_output=True, check=True)
    assert said.stdout.startswith(b"helix 25")
