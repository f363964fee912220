"""Settings and values that were renamed are read under their old names for one version, with a message."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lsp_server.settings.access import Setting
from lsp_server.settings.model import OLD_KEYS, SETTINGS

# The version of infill that reads old names no longer: delete `was` and `renamed_values` then.
READ_UNTIL = "0.2"

_ADVICE = f"rename it: the old name is read until {READ_UNTIL}."
_ADVICE_FOR_ALL = f"rename them: the old names are read until {READ_UNTIL}."


def renamed(values: Iterable[tuple[str, Any]]) -> tuple[list[tuple[str, Any]], list[str]]:
    """One layer's keys and values under today's names, and one message for all old names, if there are any.

    Where a layer has a setting under both names, the value of the new name counts.
    """
    values = list(values)
    given = {key for key, _ in values}
    current: list[tuple[str, Any]] = []
    notes: list[str] = []
    doubles: list[str] = []
    for name, value in values:
        key = OLD_KEYS.get(name, name)
        if key != name and key in given:
            doubles.append(f"`{name}` is now `{key}`, which is set too; delete the old name.")
            continue
        if key != name:
            notes.append(f"`{name}` is now `{key}`")
        if setting := SETTINGS.get(key):
            notes += [
                f"`{old}` in `{key}` is now `{new}`"
                for old, new in setting.renamed_values.items()
                if isinstance(value, (list, tuple)) and old in value
            ]
            value = _with_new_values(setting, value)
        current.append((key, value))
    if notes:
        doubles.insert(0, f"{', '.join(notes)}; {_ADVICE if len(notes) == 1 else _ADVICE_FOR_ALL}")
    return current, [" ".join(doubles)] if doubles else []


def _with_new_values(setting: Setting, value: Any) -> Any:
    """A list with the new names of its items. Any other value stays as it is."""
    if not setting.renamed_values or not isinstance(value, (list, tuple)):
        return value
    return [setting.renamed_values.get(item, item) if isinstance(item, str) else item for item in value]
