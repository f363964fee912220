"""The documents that are made from the settings: two READMEs, VS Code's manifest and a JSON schema.

`python -m lsp_server.settings --write-docs` writes them. A test compares them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from lsp_server.settings.access import Setting
from lsp_server.settings.model import SETTINGS, Settings, json_schema

# What most users set: the main README shows these.
COMMON_SETTINGS = (
    "model",
    "chat.model",
    "completion.disabled_languages",
    "completion.menu",
    "completion.confidence",
    "context.max_tokens",
    "engine.gpu_layers",
    "engine.unload_after_minutes",
)
_SECTION = re.compile(r"(<!-- settings: .*? -->\n).*?(<!-- end of settings -->)", re.DOTALL)
_SCHEMA_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_VSCODE_PREFIX = "infill."
_VSCODE_OWN = "infill.server."  # settings of the extension itself


def documents(root: Path) -> dict[Path, str]:
    """Each document of a checkout as it should be. Raises `OSError` where there is no checkout."""
    readme, page = root / "README.md", root / "lsp_server" / "settings" / "README.md"
    manifest = root / "editors" / "vscode" / "package.json"
    return {
        readme: _with_tables(readme, _table(SETTINGS[key] for key in COMMON_SETTINGS)),
        page: _with_tables(page, all_settings()),
        manifest: _json(with_settings(json.loads(manifest.read_text(encoding="utf-8")))),
        root / "editors" / "settings.schema.json": _json(
            {"$schema": _SCHEMA_DRAFT, "title": "infill's settings", **json_schema()}
        ),
    }


def all_settings() -> str:
    """A table for each section."""
    sections: dict[str, list[Setting]] = {}
    for key, setting in SETTINGS.items():
        sections.setdefault(key.rpartition(".")[0], []).append(setting)
    types = {field.name: field.type for field in msgspec.structs.fields(Settings)}
    heads = {name: f"\n### {name}\n\n{types[name].__doc__}\n\n" for name in sections if name}
    return "".join(heads.get(name, "") + _table(settings) for name, settings in sections.items())


def with_settings(manifest: dict[str, Any]) -> dict[str, Any]:
    """VS Code's manifest with the settings, those under old names among them: VS Code guards only what is declared."""
    configuration = manifest["contributes"]["configuration"]
    properties = {key: value for key, value in configuration["properties"].items() if key.startswith(_VSCODE_OWN)}
    settings = [setting for setting in SETTINGS.values() if setting.access.scope]
    properties |= {_VSCODE_PREFIX + setting.key: _vscode_setting(setting) for setting in settings}
    properties |= {
        _VSCODE_PREFIX + setting.old_key: _vscode_old_setting(setting) for setting in settings if setting.old_key
    }
    configuration["properties"] = properties
    return manifest


def _vscode_setting(setting: Setting) -> dict[str, Any]:
    schema = msgspec.json.schema(setting.type)
    del schema["description"]
    default = msgspec.to_builtins(setting.default)
    return {"scope": setting.access.scope, **schema, "default": default, "markdownDescription": _meaning(setting)}


def _vscode_old_setting(setting: Setting) -> dict[str, Any]:
    schema = msgspec.json.schema(setting.type)
    del schema["description"]
    message = f"Renamed: use `#{_VSCODE_PREFIX}{setting.key}#`."
    return {"scope": setting.access.scope, **schema, "markdownDeprecationMessage": message}


def _table(settings: Iterable[Setting]) -> str:
    rows = [
        f"| `{setting.key}` | `{_default(setting)}` | {_values(setting)} | {_meaning(setting)} |"
        for setting in settings
    ]
    return "\n".join(["| setting | default | values | meaning |", "|---|---|---|---|", *rows]) + "\n"


def _default(setting: Setting) -> str:
    return msgspec.json.encode(setting.default).decode()


def _values(setting: Setting) -> str:
    schema = msgspec.json.schema(setting.type)
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "minimum" in schema:
        return f"{schema['minimum']:,} to {schema['maximum']:,}"
    return {"boolean": "`true`, `false`", "array": "a list", "string": "text"}[schema["type"]]


def _meaning(setting: Setting) -> str:
    return f"{setting.description} {setting.access.set_by.value}".rstrip()


def _with_tables(path: Path, tables: str) -> str:
    return _SECTION.sub(lambda match: match[1] + tables + match[2], path.read_text(encoding="utf-8"))


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
