"""What documents say of the code is made from the code: `pytest tests/test_docs.py --update-golden` rewrites it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lsp_server import cli
from lsp_server.settings.model import KEYS, Settings, json_schema

README = Path(__file__).parents[1] / "README.md"
EDITORS = README.parent / "editors"
VSCODE = EDITORS / "vscode" / "package.json"
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


def vscode_setting(key: str) -> dict[str, Any]:
    """A setting as VS Code wants it described.

    What runs is the machine's: a project's settings choose neither a model nor the memory it takes.
    """
    schema = msgspec.json.schema(KEYS[key])
    scope = "machine" if key in ("model", "chat.model") or key.startswith("engine.") else "window"
    description = schema.pop("description")
    return {"scope": scope, **schema, "default": json.loads(default_of(key)), "markdownDescription": description}


def test_vs_code_knows_the_settings(pytestconfig: pytest.Config) -> None:
    text = VSCODE.read_text(encoding="utf-8")
    manifest = json.loads(text)
    configuration = manifest["contributes"]["configuration"]
    own = {key: value for key, value in configuration["properties"].items() if key.startswith("infill.server.")}
    configuration["properties"] = own | {f"infill.{key}": vscode_setting(key) for key in KEYS}
    current = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    if pytestconfig.getoption("--update-golden"):
        VSCODE.write_text(current, encoding="utf-8")
    assert VSCODE.read_text(encoding="utf-8") == current


def test_other_editors_have_a_schema_of_the_settings(pytestconfig: pytest.Config) -> None:
    path = EDITORS / "settings.schema.json"
    draft = "https://json-schema.org/draft/2020-12/schema"
    schema = {"$schema": draft, "title": "infill's settings", **json_schema()}
    current = json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
    if pytestconfig.getoption("--update-golden"):
        path.write_text(current, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == current
