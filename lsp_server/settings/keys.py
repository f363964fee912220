"""The keys of a layer: dotted names in snake_case, whatever the shape they came in."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lsp_server.settings.files import SECTION
from lsp_server.settings.model import OLD_KEYS, SETTINGS

# Settings that are gone, and what to do about it.
_GONE = {"engine.draft_model": "delete it: drafts are looked up in earlier text, without a second model."}
_MAX_DEPTH = 8  # of tables in tables: `infill`, a section and a setting are three
_MAX_NAMED = 5  # unknown keys in a message
_MAX_KEY = 80  # characters of a key in a message
_TOP_NAMES = {key.partition(".")[0] for key in SETTINGS}
_ADVICE = "`lsp_server/settings/README.md` lists the settings there are."
_ALIKE = 0.75  # a name this much like one of ours is a misspelling of it, as difflib measures it


def own_part(values: Mapping[Any, Any]) -> Mapping[Any, Any]:
    """What an editor's layer has for infill. Some editors send the settings of all servers to each.

    Where `infill` is named, everything else is another server's. Where it is not, the tables are that have no name of
    ours, and none that looks like a misspelling of one.
    """
    own = {name: value for name, value in values.items() if _top_name(name) == SECTION}
    return own or {name: value for name, value in values.items() if not _is_foreign(name, value)}


def _is_foreign(name: Any, value: Any) -> bool:
    top = _top_name(name)
    is_table = isinstance(value, Mapping) or value == [] or top != _snake(name)
    return is_table and not difflib.get_close_matches(top[:_MAX_KEY], [SECTION, *_TOP_NAMES], n=1, cutoff=_ALIKE)


def flatten(values: Mapping[Any, Any], prefix: str = "", depth: int = 1) -> Iterator[tuple[str, Any]]:
    """Dotted snake_case keys and their values; null means not set."""
    for name, value in values.items():
        key = (prefix + _snake(name)).removeprefix(SECTION + ".")
        is_section = key == SECTION or any(known.startswith(key + ".") for known in SETTINGS)
        if is_section and value == []:
            continue  # what Neovim makes of an empty table
        if isinstance(value, Mapping) and depth < _MAX_DEPTH:
            yield from flatten(value, "" if key == SECTION else key + ".", depth + 1)
        elif value is not None:
            yield key, value


def unknown(keys: Sequence[str]) -> str:
    """One sentence for all keys that no setting has."""
    if len(keys) == 1:
        return f"there is no setting {_named(keys[0])}; {_hint(keys[0]) or _ADVICE}"
    named = [_named(key) + (f" ({hint})" if (hint := _hint(key)) else "") for key in keys[:_MAX_NAMED]]
    more = f" and {len(keys) - _MAX_NAMED} more" if len(keys) > _MAX_NAMED else ""
    return f"there are no settings {', '.join(named)}{more}; {_ADVICE}"


def _hint(key: str) -> str:
    if key in _GONE:
        return _GONE[key]
    names = [*SETTINGS, *OLD_KEYS]
    without_section = [name for name in names if name.endswith(f".{key}")]
    close = without_section or difflib.get_close_matches(key[:_MAX_KEY], names, n=1)
    return f"did you mean `{OLD_KEYS.get(close[0], close[0])}`?" if close else ""


def _named(key: str) -> str:
    return f"`{key if len(key) <= _MAX_KEY else key[:_MAX_KEY] + '…'}`"


def _top_name(name: Any) -> str:
    return _snake(name).partition(".")[0]


def _snake(name: Any) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", str(name)).lower()
