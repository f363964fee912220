"""What a client sends as the one argument of a command, as data of ours."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from pygls.exceptions import JsonRpcInvalidParams

_Argument = TypeVar("_Argument", bound=msgspec.Struct)


def read_argument(argument: Any, kind: type[_Argument], complaint: str) -> _Argument:
    """An argument; left out, it is that with nothing in it. What is wrong with one is said behind the complaint."""
    try:
        return msgspec.convert({} if argument is None else argument, kind, from_attributes=True)
    except msgspec.ValidationError as error:
        raise JsonRpcInvalidParams(f"{complaint}: {error}.") from None


def first_of(arguments: tuple[Any, ...]) -> Any:
    """The one argument of a command, None if there is none."""
    return arguments[0] if arguments else None
