"""The argument of a command, as one of our structs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
from pygls.exceptions import JsonRpcInvalidParams

_Argument = TypeVar("_Argument", bound=msgspec.Struct)


def read_argument(argument: Any, kind: type[_Argument], complaint: str) -> _Argument:
    """Convert an argument; None counts as an empty object.

    Raises `JsonRpcInvalidParams`, whose message is the complaint and what is wrong.
    """
    try:
        return msgspec.convert({} if argument is None else argument, kind, from_attributes=True)
    except msgspec.ValidationError as error:
        raise JsonRpcInvalidParams(f"{complaint}: {error}.") from None


def first_of(arguments: Sequence[Any]) -> Any:
    """The first argument of a command, None if there is none."""
    return arguments[0] if arguments else None
