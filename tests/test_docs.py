"""What documents say of the code is true: the settings, the commands, the test command."""

from __future__ import annotations

from pathlib import Path

import pytest

from lsp_server import cli
from lsp_server.settings.docs import COMMON_SETTINGS, documents
from lsp_server.settings.model import SETTINGS

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
DOCUMENTS = documents(ROOT)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_documents_say_what_settings_there_are(path: Path) -> None:
    """`python -m lsp_server.settings --write-docs` writes them."""
    assert path.read_text(encoding="utf-8") == DOCUMENTS[path]


def test_the_settings_page_has_every_setting_and_the_readme_those_used_most() -> None:
    page = (ROOT / "lsp_server" / "settings" / "README.md").read_text(encoding="utf-8")
    assert [key for key in SETTINGS if f"| `{key}` |" not in page] == []
    readme = README.read_text(encoding="utf-8")
    assert [key for key in COMMON_SETTINGS if f"| `{key}` |" not in readme] == []


def test_the_readme_names_every_command() -> None:
    text = README.read_text(encoding="utf-8")
    assert [name for name in cli.COMMANDS if f"`infill {name}" not in text] == []


def test_the_ci_runs_the_readme_s_test_command() -> None:
    command = next(line for line in README.read_text(encoding="utf-8").splitlines() if "tests/check.py" in line)
    steps = [step.strip() for step in command.split("&&")]
    script = (README.parent / ".ci" / "run").read_text(encoding="utf-8")
    assert [step for step in steps if step not in script] == []
