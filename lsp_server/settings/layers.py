"""Settings read from several layers, problems reported and never fatal.

Layers, later ones win: the user's file, the project's file, what the editor sends. Each may be nested
(`{"completion": {"max_tokens": 64}}`) or flat (`{"completion.max_tokens": 64}`), with or without an `infill`
section around it, in snake_case or camelCase: editors differ.
"""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import platformdirs

from lsp_server.base.errors import SettingsError
from lsp_server.settings.model import KEYS, Settings

SECTION = "infill"
PROJECT_FILE = ".infill.toml"
# A project's file may set these to files inside of the project only.
_MODELS = ("model", "chat.model", "engine.draft_model")


class Layer(msgspec.Struct, frozen=True):
    """One source of settings: what it is called in messages, its values, and the project it is bound to."""

    origin: str
    values: Any
    project: Path | None = None


def parse(layers: Iterable[Layer]) -> tuple[Settings, list[str]]:
    """Settings from layers, and a sentence for each value that was not usable and fell back."""
    values: dict[str, Any] = {}
    problems: list[str] = []
    for layer in layers:
        if not isinstance(layer.values, Mapping | None) and layer.values != []:
            problems.append(f"{layer.origin}: settings must be a table, not {_show(layer.values)}; ignored.")
            continue
        for key, value in _flatten(layer.values or {}):
            problem = _check(key, value, layer, values.get(key, _default(key)) if key in KEYS else None)
            if problem is None:
                values[key] = msgspec.convert(value, KEYS[key])
                if key in _MODELS and value and layer.project is not None:
                    values[key] = str(layer.project / value)
            else:
                problems.append(f"{layer.origin}: {problem}")
    return _build(Settings, values), problems


def _flatten(values: Mapping[Any, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    """Dotted snake_case keys and their values; null means not set."""
    for name, value in values.items():
        key = prefix + re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", str(name)).lower()
        key = key.removeprefix(SECTION + ".")
        is_section = key == SECTION or any(known.startswith(key + ".") for known in KEYS)
        if is_section and value == []:
            continue  # what Neovim makes of an empty table
        if isinstance(value, Mapping):
            yield from _flatten(value, "" if key == SECTION else key + ".")
        elif value is not None:
            yield key, value


def _check(key: str, value: Any, layer: Layer, otherwise: Any) -> str | None:
    """What is wrong with a value, as a sentence that says what is used otherwise, or None."""
    if key not in KEYS:
        close = difflib.get_close_matches(key, KEYS, n=1)
        hint = f"did you mean `{close[0]}`?" if close else "see the README for the settings there are."
        return f"there is no setting `{key}`; {hint}"
    try:
        converted = msgspec.convert(value, KEYS[key])
    except (msgspec.ValidationError, ValueError) as error:  # ValueError: a lone surrogate
        return f"`{key}` is {_show(value)}: {_lower_first(str(error))}; using {_show(otherwise)} instead."
    if key.startswith("remote.") and layer.project is not None:
        return f"a project may not send your code elsewhere; set `{key}` in your own settings."
    if key in _MODELS and layer.project is not None:
        try:
            target = (layer.project / converted).resolve()
        except (OSError, RuntimeError, ValueError) as error:  # a circle of links, a NUL, a lone surrogate
            return f"`{key}` is {_show(value)}, which names no file ({error}); using {_show(otherwise)} instead."
        if not target.is_relative_to(layer.project.resolve()):
            return (
                f"a project may not choose a model outside of itself ({converted}); set `{key}` in your own settings."
            )
    return None


def _default(key: str) -> Any:
    value: Any = Settings()
    for name in key.split("."):
        value = getattr(value, name)
    return value


def _build(kind: type[Any], values: Mapping[str, Any], prefix: str = "") -> Any:
    arguments = {}
    for field in msgspec.structs.fields(kind):
        key = prefix + field.name
        if key in values:
            arguments[field.name] = values[key]
        elif key not in KEYS:
            arguments[field.name] = _build(field.type, values, key + ".")
    return kind(**arguments)


def _show(value: Any) -> str:
    shown = json.dumps(value, default=str, ensure_ascii=False)
    return shown.encode("utf-8", "backslashreplace").decode()  # a lone surrogate has no encoding


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]


def user_file() -> Path:
    """Where the user's own settings are."""
    return platformdirs.user_config_path(SECTION) / "config.toml"


def read_layer(path: Path, project: Path | None = None) -> Layer | None:
    """A settings file as a layer, or None where there is none. Raises `SettingsError` if it cannot be read."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: {error}. The file is ignored until it is mended.") from None
    return Layer(str(path), values, project)


def load(project: Path | None, client: Sequence[Any] = ()) -> tuple[Settings, list[str]]:
    """Settings for a project (or none) and what a client has sent, the latest last."""
    layers: list[Layer] = []
    unreadable: list[str] = []
    files = [(user_file(), None)] + ([(project / PROJECT_FILE, project)] if project else [])
    for path, bound_to in files:
        try:
            if layer := read_layer(path, bound_to):
                layers.append(layer)
        except SettingsError as error:
            unreadable.append(str(error))
    layers += [Layer("editor settings", values) for values in client]
    settings, problems = parse(layers)
    return settings, unreadable + problems
