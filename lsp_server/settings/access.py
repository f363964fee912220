"""The facts of a setting besides its type and default: its meaning, its bounds, who may set it, its old name.

Each field of `lsp_server.settings.model` has them in its annotation, by `setting(…)`. `records` collects them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal, get_args

import msgspec
from msgspec import Meta

# Where VS Code takes a setting from, in VS Code's words. `machine`: only from the user's settings for this machine.
# `window`: from a workspace's settings too. None: VS Code does not have the setting.
Scope = Literal["machine", "window"] | None


class SetBy(Enum):
    """Who may set a setting besides the user's own file, in a sentence for users.

    `ANYONE` to `USER` are about a project's `.infill.toml`; the editor may set those too.
    """

    ANYONE = ""
    TRUSTED = "A project's `.infill.toml` can set it only in one of your `trusted_folders`."
    TRUSTED_INSIDE = (
        "A project's `.infill.toml` can set it only in one of your `trusted_folders`, to a file inside the project."
    )
    USER = "A project's `.infill.toml` cannot set it."
    USER_FILE = "Only your own settings file can set it: neither your editor nor a project's `.infill.toml`."


@dataclass(frozen=True, slots=True)
class Access:
    """Who may set a setting: `scope` is for VS Code, `set_by` is for all layers."""

    scope: Scope
    set_by: SetBy


PREFERENCE = Access("window", SetBy.ANYONE)
# Settings that cost memory or time: a VS Code workspace may not set them.
MACHINE = Access("machine", SetBy.TRUSTED)
# llama.cpp parses the file. The author of a project may have made a malicious one.
MODEL_FILE = Access("machine", SetBy.TRUSTED_INSIDE)
# Where the user's code is sent.
REMOTE = Access("machine", SetBy.USER)
# What protects the others. An editor may read its settings from the project.
TRUST = Access(None, SetBy.USER_FILE)


@dataclass(frozen=True, slots=True)
class _Facts:
    access: Access
    was: str
    renamed_values: Mapping[str, str]


def setting(
    access: Access,
    description: str,
    *,
    ge: float | None = None,
    le: float | None = None,
    was: str = "",
    renamed_values: Mapping[str, str] | None = None,
) -> Meta:
    """The facts of one field. `ge` and `le` bound its value.

    `was` is the field's old name in the same section. `renamed_values` has the new name of each old item of a list.
    """
    return Meta(description=description, ge=ge, le=le, extra={"facts": _Facts(access, was, renamed_values or {})})


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting by its dotted key.

    `type` is its annotated type, which msgspec converts to and makes a schema of. `old_key` is empty if the setting
    always had this name.
    """

    key: str
    type: Any
    default: Any
    description: str
    access: Access
    old_key: str = ""
    renamed_values: Mapping[str, str] = field(default_factory=dict)


def records(defaults: msgspec.Struct, prefix: str = "") -> dict[str, Setting]:
    """Every setting of a struct and of the structs in it, by dotted key.

    Raises `TypeError` for a field that does not say who may set it.
    """
    found: dict[str, Setting] = {}
    for each in msgspec.structs.fields(type(defaults)):
        key, default = prefix + each.name, getattr(defaults, each.name)
        if isinstance(default, msgspec.Struct):
            found |= records(default, key + ".")
            continue
        meta = next((meta for meta in get_args(each.type)[1:] if isinstance(meta, Meta)), None)
        facts = (meta.extra or {}).get("facts") if meta else None
        if meta is None or not isinstance(facts, _Facts):
            raise TypeError(f"{key} does not say who may set it: annotate it with setting(…).")
        old_key = prefix + facts.was if facts.was else ""
        found[key] = Setting(
            key, each.type, default, meta.description or "", facts.access, old_key, facts.renamed_values
        )
    return found
