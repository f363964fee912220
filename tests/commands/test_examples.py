"""The commands of `models/EXAMPLES.md`, as they stand there, with the embedded model."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.gguf.embedded import EMBEDDED
from tests.gguf.patcher import with_metadata

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "models" / "EXAMPLES.md").read_text(encoding="utf-8")
INSERTION, REPOSITORY, CHAT = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="the page's commands are for a shell")


@pytest.fixture
def run(tmp_path):
    """Run a command of the page where it is to be run, with settings of nobody but a chat model."""
    settings = tmp_path / "infill" / "config.toml"
    settings.parent.mkdir()
    model = with_metadata(EMBEDDED, tmp_path / "chat.gguf", "--chat-template", "{{ messages[0]['content'] }}")
    settings.write_text(f"chat.model = '{model}'\n", encoding="utf-8")

    def run(command: str) -> str:
        command = command.replace(".venv/bin/infill", f"{shlex.quote(sys.executable)} -X utf8 -m lsp_server")
        environment = os.environ | {"XDG_CONFIG_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
        found = subprocess.run(
            ["bash", "-c", command], cwd=ROOT, env=environment, capture_output=True, check=False, encoding="utf-8"
        )
        assert found.returncode == 0, found.stderr
        return found.stdout

    return run


def test_code_insertion(run):
    code = INSERTION.split("<<'EOF'\n")[1].split("EOF\n")[0]
    shown = run(INSERTION)
    answer = re.search(r"⟦(.*)⟧", shown, re.DOTALL)
    assert answer, shown
    assert answer[1].strip()
    assert shown.replace(answer[0], "").rstrip("\n") == code.rstrip("\n")
    assert shown.index("pivot, smaller") < answer.start() < shown.index("if item < pivot"), "it fills the hole"


def test_repository_level_completion(run):
    prompt = run(REPOSITORY.replace("--with", "--explain --with")).split("\nprompt ")[1].split("\nengine ")[0]
    places = [prompt.index(f"# lsp_server/data/repository/{name}.py") for name in ("model", "utils", "main")]
    assert places == sorted(places), "the file to complete is the last"
    assert "class NearestNeighbour" in prompt
    assert "def accuracy" in prompt


def test_chat(run):
    assert "quick sort" in CHAT
    assert run(CHAT.replace("512", "8")).strip()
