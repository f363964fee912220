"""Settings read from several layers. Problems are reported and never fatal.

The layers are the user's file, the project's file, and what the editor sends; later ones win. Editors differ, so a
layer may be nested (`{"completion": {"max_tokens": 64}}`) or flat (`{"completion.max_tokens": 64}`). It may have an
`infill` section around it. Its names may be in snake_case or camelCase.
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
from lsp_server.settings.access import SetBy, Setting
from lsp_server.settings.model import SETTINGS, Settings
from lsp_server.settings.old_names import renamed

SECTION = "infill"
PROJECT_FILE = ".infill.toml"


class Layer(msgspec.Struct, frozen=True):
    """One source of settings: its name in messages, its values, and the project whose file it is."""

    origin: str
    values: Any
    project: Path | None = None


def parse(layers: Iterable[Layer]) -> tuple[Settings, list[str]]:
    """Settings from layers, and a sentence for each problem: a value that is not used, or a name that is old."""
    values: dict[str, Any] = {}
    problems: list[str] = []
    for layer in layers:
        if not isinstance(layer.values, Mapping | None) and layer.values != []:
            problems.append(f"{layer.origin}: settings must be a table, not {_show(layer.values)}; ignored.")
            continue
        given, notes = renamed(_flatten(layer.values or {}))
        problems += [f"{layer.origin}: {note}" for note in notes]
        for key, value in given:
            setting = SETTINGS.get(key)
            if setting is None:
                problems.append(f"{layer.origin}: {_unknown(key)}")
            elif problem := _check(setting, value, layer.project, otherwise=values.get(key, setting.default)):
                problems.append(f"{layer.origin}: {problem}")
            else:
                values[key] = msgspec.convert(value, setting.type)
                if setting.access.set_by is SetBy.PROJECT_INSIDE and value and layer.project is not None:
                    values[key] = str(layer.project / value)
    return _build(Settings, values), problems


def _flatten(values: Mapping[Any, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    """Dotted snake_case keys and their values; null means not set."""
    for name, value in values.items():
        key = prefix + re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", str(name)).lower()
        key = key.removeprefix(SECTION + ".")
        is_section = key == SECTION or any(known.startswith(key + ".") for known in SETTINGS)
        if is_section and value == []:
            continue  # what Neovim makes of an empty table
        if isinstance(value, Mapping):
            yield from _flatten(value, "" if key == SECTION else key + ".")
        elif value is not None:
            yield key, value


def _unknown(key: str) -> str:
    close = difflib.get_close_matches(key, SETTINGS, n=1)
    hint = f"did you mean `{close[0]}`?" if close else "see the README for the settings there are."
    return f"there is no setting `{key}`; {hint}"


def _check(setting: Setting, value: Any, project: Path | None, *, otherwise: Any) -> str | None:
    """What is wrong with a value, as a sentence that says what is used instead, or None.

    `project` is the folder of the project whose file says it.
    """
    key = setting.key
    try:
        converted = msgspec.convert(value, setting.type)
    except (msgspec.ValidationError, ValueError) as error:  # ValueError: a lone surrogate
        return f"`{key}` is {_show(value)}: {_lower_first(str(error))}; using {_show(otherwise)} instead."
    if project is None or setting.access.set_by is SetBy.ANYONE:
        return None
    if setting.access.set_by is SetBy.USER:
        return f"a project may not send your code elsewhere; set `{key}` in your own settings."
    try:
        target = (project / converted).resolve()
    except (OSError, RuntimeError, ValueError) as error:  # a circle of links, a NUL, a lone surrogate
        return f"`{key}` is {_show(value)}, which names no file ({error}); using {_show(otherwise)} instead."
    if not target.is_relative_to(project.resolve()):
        return f"a project may not choose a model outside of itself ({converted}); set `{key}` in your own settings."
    return None


def _build(kind: type[Any], values: Mapping[str, Any], prefix: str = "") -> Any:
    arguments = {}
    for field in msgspec.structs.fields(kind):
        key = prefix + field.name
        if key in values:
            arguments[field.name] = values[key]
        elif key not in SETTINGS:
            arguments[field.name] = _build(field.type, values, key + ".")
    return kind(**arguments)


def _show(value: Any) -> str:
    shown = json.dumps(value, default=str, ensure_ascii=False)
    return shown.encode("utf-8", "backslashreplace").decode()  # a lone surrogate has no encoding


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]


def user_file() -> Path:
    """The user's own settings file, whether it exists or not."""
    return platformdirs.user_config_path(SECTION) / "config.toml"


def read_layer(path: Path, project: Path | None = None) -> Layer | None:
    """A settings file as a layer, or None if there is no file. Raises `SettingsError` if it cannot be read."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: {error}. The file is ignored until it is mended.") from None
    return Layer(str(path), values, project)


def load(project: Path | None, client: Sequence[Any] = ()) -> tuple[Settings, list[str]]:
    """Settings for a project, or for none, and a sentence for each problem.

    `client` is what the editor sent, the latest last.
    """
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
