"""Settings read from several layers. Problems are reported and never fatal.

The layers are the user's file, the project's file, and what the editor sends; later ones win. Editors differ, so a
layer may be nested (`{"completion": {"max_tokens": 64}}`) or flat (`{"completion.max_tokens": 64}`). It may have an
`infill` section around it. Its names may be in snake_case or camelCase.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from lsp_server.base.errors import SettingsError
from lsp_server.settings import trust
from lsp_server.settings.access import SetBy, Setting
from lsp_server.settings.files import PROJECT_FILE, read_file, user_file
from lsp_server.settings.keys import flatten, own_part, unknown
from lsp_server.settings.model import SETTINGS, Settings
from lsp_server.settings.old_names import renamed

_MAX_SHOWN = 100  # characters of a value in a message


class Layer(msgspec.Struct, frozen=True):
    """One source of settings: its name in messages, its values, and the project whose file it is.

    `is_editors` says that the editor sent it.
    """

    origin: str
    values: Any
    project: Path | None = None
    is_editors: bool = False


def parse(layers: Iterable[Layer]) -> tuple[Settings, list[str]]:
    """Settings from layers, and a sentence for each problem: a value that is not used, or a name that is old.

    The user's file comes first, because it says which projects are trusted.
    """
    values: dict[str, Any] = {}
    problems: list[str] = []
    for layer in layers:
        problems += [f"{layer.origin}: {problem}" for problem in _add(layer, values)]
    return _build(Settings, values), problems


def _add(layer: Layer, values: dict[str, Any]) -> list[str]:
    """Add a layer's values to those of the layers below; the problems."""
    if not isinstance(layer.values, Mapping | None) and layer.values != []:
        return [f"settings must be a table, not {_show(layer.values)}; ignored."]
    own = own_part(layer.values or {}) if layer.is_editors else layer.values or {}
    given, problems = renamed(flatten(own))
    if unknown_keys := [key for key, _ in given if key not in SETTINGS]:
        problems.append(unknown(unknown_keys))
    is_trusted = layer.project is not None and trust.is_trusted(layer.project, values.get("trusted_folders", ()))
    refused: dict[SetBy, list[str]] = {}
    for key, value in given:
        if (setting := SETTINGS.get(key)) is None:
            continue
        if why := _refused_because(setting.access.set_by, layer, is_trusted=is_trusted):
            refused.setdefault(why, []).append(key)
        elif problem := _check(setting, value, layer.project, otherwise=values.get(key, setting.default)):
            problems.append(problem)
        else:
            values[key] = msgspec.convert(value, setting.type)
            if setting.access.set_by is SetBy.TRUSTED_INSIDE and value and layer.project is not None:
                values[key] = str(layer.project / value)
    return problems + [_refusal(why, keys, layer) for why, keys in refused.items()]


def _refused_because(set_by: SetBy, layer: Layer, *, is_trusted: bool) -> SetBy | None:
    """The rule that keeps a layer from setting a setting, or None if it may."""
    if set_by is SetBy.USER_FILE:
        return set_by if layer.is_editors or layer.project else None
    if layer.project is None or set_by is SetBy.ANYONE:
        return None
    if set_by is SetBy.USER:
        return set_by
    return None if is_trusted else SetBy.TRUSTED


def _refusal(why: SetBy, keys: Sequence[str], layer: Layer) -> str:
    """One sentence for all keys of a layer that a rule refuses."""
    names = ", ".join(f"`{key}`" for key in dict.fromkeys(keys))
    if why is SetBy.USER_FILE:
        return f"{names} counts in your own file only, {user_file()}."
    if why is SetBy.USER:
        return f"a project may not send your code elsewhere; set {names} in your own settings."
    return (
        f"a project that you do not trust may not set {names}. If you trust it, add {_quoted(layer.project)} to "
        f"`trusted_folders` in your own file, {user_file()}."
    )


def _check(setting: Setting, value: Any, project: Path | None, *, otherwise: Any) -> str | None:
    """What is wrong with a value, as a sentence that says what is used instead, or None.

    `project` is the folder of the project whose file says it.
    """
    key = setting.key
    try:
        converted = msgspec.convert(value, setting.type)
    except (msgspec.ValidationError, ValueError) as error:  # ValueError: a lone surrogate
        return f"`{key}` is {_show(value)}: {_lower_first(str(error))}; using {_show(otherwise)} instead."
    if setting.access.set_by is SetBy.USER_FILE and (wrong := trust.not_folders(converted)):
        return f"`{key}` has {_show(wrong[0])}, which is no absolute folder; using {_show(otherwise)} instead."
    if project is None or setting.access.set_by is not SetBy.TRUSTED_INSIDE:
        return None
    target, root = trust.resolve(project / converted), trust.resolve(project)
    if target is None or root is None:
        return f"`{key}` is {_show(value)}, which names no file; using {_show(otherwise)} instead."
    if not target.is_relative_to(root):
        return f"a project may not choose a model outside of itself ({_show(value)}); set `{key}` in your own settings."
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
    try:
        shown = json.dumps(value, default=str, ensure_ascii=False)
    except (ValueError, RecursionError):  # a number of thousands of digits, lists in lists in lists
        return "a value that is too long to show"
    return _encodable(shown if len(shown) <= _MAX_SHOWN else shown[:_MAX_SHOWN] + "…")


def _quoted(path: Path | None) -> str:
    """A path as TOML has it."""
    return _encodable(json.dumps(str(path), ensure_ascii=False))


def _encodable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()  # a lone surrogate has no encoding


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]


def read_layer(path: Path, project: Path | None = None) -> Layer | None:
    """A settings file as a layer, or None if there is no file. Raises `SettingsError` if it cannot be read."""
    values = read_file(path)
    return None if values is None else Layer(str(path), values, project)


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
    layers += [Layer("editor settings", values, is_editors=True) for values in client]
    settings, problems = parse(layers)
    return settings, unreadable + problems
