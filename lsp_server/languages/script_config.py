"""Where JavaScript's and TypeScript's modules are, as tsconfig.json, jsconfig.json and package.json say. Pure.

The index keeps of these files only what resolving a module needs, as JSON of its own.
"""

from __future__ import annotations

import posixpath
import re
from typing import Any

import msgspec

from lsp_server.base import jsonc

_COMPILER_FILE = re.compile(r"[tj]sconfig(\.[\w-]+)*\.json")
_PACKAGE_FILE = "package.json"
MAX_PATTERNS = 500

# The conditions of `exports`. Conditions that lead to sources come before those that lead to built files.
_CONDITIONS = ("source", "development", "types", "import", "module", "browser", "node", "default", "require")
MAX_DEPTH = 6


class CompilerConfig(msgspec.Struct, frozen=True, tag="compiler"):
    """A tsconfig.json or jsconfig.json. `base_url` and `paths` are as the file has them, None if it does not."""

    extends: list[str] = []
    references: list[str] = []
    base_url: str | None = None
    paths: dict[str, list[str]] | None = None


class PackageConfig(msgspec.Struct, frozen=True, tag="package"):
    """A package.json: `exports` by subpath (`.` for the package itself), and its own `imports`, which begin with `#`.

    Both map to paths relative to the package's folder. The best path comes first. A path has at most one `*`.
    """

    name: str = ""
    exports: dict[str, list[str]] = {}
    imports: dict[str, list[str]] = {}


ScriptConfig = CompilerConfig | PackageConfig


def is_script_config(path: str) -> bool:
    """Whether a path is that of a file that says where modules are."""
    name = posixpath.basename(path)
    return name == _PACKAGE_FILE or _COMPILER_FILE.fullmatch(name) is not None


def read_script_config(path: str, text: str) -> str:
    """What a file says of where modules are, as JSON. Empty if it says nothing readable."""
    try:
        found = jsonc.parse(text)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(found, dict):
        return ""
    config = _package(found) if posixpath.basename(path) == _PACKAGE_FILE else _compiler(found)
    return msgspec.json.encode(config).decode()


def decode_script_config(text: str) -> ScriptConfig:
    """Decode what `read_script_config` returned. Raises `msgspec.MsgspecError` for any other text."""
    config: ScriptConfig = msgspec.json.decode(text, type=ScriptConfig)
    return config


def _compiler(found: dict[str, Any]) -> CompilerConfig:
    options = found.get("compilerOptions")
    options = options if isinstance(options, dict) else {}
    base_url, paths = options.get("baseUrl"), options.get("paths")
    references = found.get("references")
    return CompilerConfig(
        extends=_strings(found.get("extends")),
        references=[
            each["path"]
            for each in (references if isinstance(references, list) else [])
            if isinstance(each, dict) and isinstance(each.get("path"), str)
        ],
        base_url=base_url if isinstance(base_url, str) else None,
        paths=_patterns(paths) if isinstance(paths, dict) else None,
    )


def _package(found: dict[str, Any]) -> PackageConfig:
    name, imports = found.get("name"), found.get("imports")
    exports = _exports(found.get("exports"))
    main = [found[key] for key in ("source", "types", "typings", "module", "main") if isinstance(found.get(key), str)]
    if main:
        exports.setdefault(".", []).extend(main)
    return PackageConfig(
        name=name if isinstance(name, str) else "",
        exports=exports,
        imports=_patterns(imports) if isinstance(imports, dict) else {},
    )


def _exports(found: Any) -> dict[str, list[str]]:
    """The exports by subpath. Without subpaths, `exports` is about the package itself."""
    if isinstance(found, dict) and any(str(key).startswith(".") for key in found):
        return _patterns(found)
    targets = list(_targets(found))
    return {".": targets} if targets else {}


def _patterns(found: dict[str, Any]) -> dict[str, list[str]]:
    patterns = {key: list(dict.fromkeys(_targets(value))) for key, value in list(found.items())[:MAX_PATTERNS]}
    return {key: targets for key, targets in patterns.items() if targets}


def _targets(found: Any, depth: int = 0) -> list[str]:
    """Every path that a target may mean. A target is a path, a list, or targets by condition, which may be nested."""
    if isinstance(found, str):
        return [found]
    if depth > MAX_DEPTH:
        return []
    if isinstance(found, list):
        return [target for each in found for target in _targets(each, depth + 1)]
    if isinstance(found, dict):
        keys = sorted(found, key=lambda key: _CONDITIONS.index(key) if key in _CONDITIONS else len(_CONDITIONS))
        return [target for key in keys for target in _targets(found[key], depth + 1)]
    return []


def _strings(found: Any) -> list[str]:
    listed = found if isinstance(found, list) else [found]
    return [each for each in listed if isinstance(each, str)]
