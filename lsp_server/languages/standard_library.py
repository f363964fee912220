"""What the modules of Python's standard library define, read off their source without running them."""

from __future__ import annotations

import ast
import importlib
import importlib.util
from collections.abc import Iterator
from functools import lru_cache
from importlib.abc import InspectLoader
from importlib.machinery import PathFinder


def has_attribute(module: str, name: str) -> bool:
    """Whether a top-level module of the standard library has a name, or a module of that name in it."""
    return name in _names_of(module) or _is_submodule(module, name)


@lru_cache(maxsize=64)
def _names_of(module: str) -> frozenset[str]:
    """The names that a module binds."""
    try:
        spec = importlib.util.find_spec(module)
    except ImportError:  # of the package that it is in
        return frozenset()
    if spec is None or spec.loader is None:
        return frozenset()
    source = spec.loader.get_source(module) if isinstance(spec.loader, InspectLoader) else None
    if source is None:  # written in C: importing it runs nothing else
        return frozenset(dir(importlib.import_module(module)))
    return frozenset(_bound(ast.parse(source).body, module))


def _bound(statements: list[ast.stmt], module: str) -> Iterator[str]:
    """The names that statements of a module bind, also within `if` and `try`."""
    for statement in statements:
        match statement:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.ImportFrom(module=str(other), level=level, names=[ast.alias(name="*")]):
                yield from _names_of(f"{module}.{other}" if level else other)
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                yield from ((each.asname or each.name).partition(".")[0] for each in names)
            case ast.Assign(targets=targets, value=value):
                yield from (each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name))
                if isinstance(value, ast.Tuple | ast.List):  # `__all__`, and lists of what is bound by name
                    yield from (str(each.value) for each in value.elts if isinstance(each, ast.Constant))
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name
            case ast.If() | ast.Try() | ast.With():
                for field in ("body", "orelse", "finalbody"):
                    yield from _bound(getattr(statement, field, []), module)
                for handler in getattr(statement, "handlers", []):
                    yield from _bound(handler.body, module)


def _is_submodule(module: str, name: str) -> bool:
    spec = importlib.util.find_spec(module)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    return PathFinder.find_spec(name, folders) is not None if folders else False
