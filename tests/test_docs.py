"""What documents say of the code is made from the code: `pytest tests/test_docs.py --update-golden` rewrites it."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from lsp_server import cli
from lsp_server.settings import KEYS, Settings

README = Path(__file__).parents[1] / "README.md"
SECTION = re.compile(r"(<!-- settings: .*? -->\n).*?(<!-- end of settings -->)", re.DOTALL)


def default_of(key: str) -> str:
    value = Settings()
    for name in key.split("."):
        value = getattr(value, name)
    return msgspec.json.encode(value).decode()


def settings_table() -> str:
    rows = [f"| `{key}` | `{default_of(key)}` | {kind.__metadata__[0].description} |" for key, kind in KEYS.items()]
    return "\n".join(["| setting | default | meaning |", "|---|---|---|", *rows]) + "\n"


def test_the_readme_lists_the_settings(pytestconfig: pytest.Config) -> None:
    text = README.read_text(encoding="utf-8")
    current = SECTION.sub(lambda match: match[1] + settings_table() + match[2], text)
    if pytestconfig.getoption("--update-golden"):
        README.write_text(current, encoding="utf-8")
    assert README.read_text(encoding="utf-8") == current


def test_the_readme_names_every_command() -> None:
    text = README.read_text(encoding="utf-8")
    assert [name for name in cli.COMMANDS if f"`infill {name}" not in text] == []


def test_the_ci_runs_the_readme_s_test_command() -> None:
    command = next(line for line in README.read_text(encoding="utf-8").splitlines() if "tests/check.py" in line)
    steps = [step.strip() for step in command.split("&&")]
    script = (README.parent / ".ci" / "run").read_text(encoding="utf-8")
    assert [step for step in steps if step not in script] == []
