"""What a line of Python needs from other files of its project, by Python's own parser.

Retrieval is measured by this ground truth, so it shares no code with the index.
"""

from __future__ import annotations

import ast
import builtins
import collections
import datetime
import io
import logging
import pathlib
import re
import threading
import types
from collections.abc import Iterator
from dataclasses import dataclass, field

_IDENTIFIER = re.compile(r"[^\W\d]\w*")


def _attributes_of_all() -> frozenset[str]:
    """Attributes of Python's own objects. Such a name does not tell where it is defined."""
    kinds: list[object] = [
        *(value for value in vars(builtins).values() if isinstance(value, type)),
        *(io.TextIOWrapper, io.BytesIO, re.Match, re.Pattern, pathlib.Path, logging.Logger, datetime.datetime),
        *(threading.Thread, threading.Event, collections.OrderedDict, collections.deque, collections.Counter, ast.AST),
        *(types.FunctionType, types.GeneratorType, types.ModuleType, types.CoroutineType),
    ]
    names = {name for kind in kinds for name in dir(kind)}
    return frozenset(names | {"args", "errno", "filename", "lineno", "stdout", "stderr", "returncode", "pid"})


BUILTIN_ATTRIBUTES = _attributes_of_all()


@dataclass(slots=True)
class ModuleFacts:
    """What one file defines: names at its top level, members of its classes, and the names that its imports bind."""

    path: str
    tree: ast.Module
    text: str
    top: set[str] = field(default_factory=set)
    members: set[str] = field(default_factory=set)
    modules: dict[str, str] = field(default_factory=dict)  # paths of the project's modules by the name bound here
    stars: list[str] = field(default_factory=list)  # paths
    foreign: set[str] = field(default_factory=set)  # names from outside of the project


@dataclass(frozen=True, slots=True)
class Need:
    """A line, counted from 0, and the names that it needs and that stand nowhere else in its file."""

    path: str
    line: int
    imported: frozenset[str]
    members: frozenset[str]


class Project:
    """The parsed files of a package. `files` has their texts by path relative to the package's folder."""

    def __init__(self, name: str, files: dict[str, str]) -> None:
        self._name = name
        self.facts: dict[str, ModuleFacts] = {}
        for path, text in files.items():
            try:
                self.facts[path] = ModuleFacts(path, ast.parse(text), text)
            except (SyntaxError, ValueError):
                continue
        for facts in self.facts.values():
            _define(facts)
        for facts in self.facts.values():
            self._bind_imports(facts)

    def needs(self) -> Iterator[Need]:
        """Every line that needs a name."""
        for facts in self.facts.values():
            elsewhere = set().union(*(each.members for each in self.facts.values() if each is not facts))
            elsewhere -= facts.members | BUILTIN_ATTRIBUTES
            words = [set(_IDENTIFIER.findall(line)) for line in facts.text.split("\n")]
            counts = collections.Counter(name for line in words for name in line)
            for line, imported, members in self._by_line(facts, elsewhere):
                # On no other line of the file.
                needs = [frozenset(name for name in names if counts[name] == 1) for names in (imported, members)]
                if any(needs):
                    yield Need(facts.path, line, *needs)

    def _by_line(self, facts: ModuleFacts, elsewhere: set[str]) -> Iterator[tuple[int, set[str], set[str]]]:
        found: dict[int, tuple[set[str], set[str]]] = {}
        starred = set().union(*(self.facts[path].top for path in facts.stars)) - facts.top
        for node in ast.walk(facts.tree):
            if isinstance(node, ast.Attribute):
                root = _root(node.value)
                imported, members = found.setdefault((node.end_lineno or node.lineno) - 1, (set(), set()))
                path = facts.modules.get(_dotted(node.value))
                if path is not None:
                    if node.attr in self.facts[path].top:
                        imported.add(node.attr)
                elif root not in facts.foreign and node.attr in elsewhere:
                    members.add(node.attr)
            elif isinstance(node, ast.Name) and node.id in starred:
                found.setdefault(node.lineno - 1, (set(), set()))[0].add(node.id)
        for line, (imported, members) in sorted(found.items()):
            yield line, imported, members

    def _bind_imports(self, facts: ModuleFacts) -> None:
        for node in ast.walk(facts.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    path = self._module(facts.path, alias.name, 0)
                    called = alias.asname or alias.name
                    if path:
                        facts.modules[called] = path
                    else:
                        facts.foreign.add(called.partition(".")[0])
            elif isinstance(node, ast.ImportFrom):
                self._bind_from(facts, node)

    def _bind_from(self, facts: ModuleFacts, node: ast.ImportFrom) -> None:
        path = self._module(facts.path, node.module or "", node.level)
        for alias in node.names:
            called = alias.asname or alias.name
            inner = self._module(facts.path, f"{node.module}.{alias.name}" if node.module else alias.name, node.level)
            if alias.name == "*" and path:
                facts.stars.append(path)
            elif inner and not (path and alias.name in self.facts[path].top):
                facts.modules[called] = inner
            elif not path and not inner:
                facts.foreign.add(called)

    def _module(self, importer: str, name: str, level: int) -> str | None:
        parts = [part for part in name.split(".") if part]
        if level:
            folders = importer.split("/")[:-1]
            parts = folders[: len(folders) - level + 1] + parts
        elif parts[:1] == [self._name]:
            parts = parts[1:]
        else:
            return None
        for path in ("/".join([*parts, "__init__.py"]), "/".join(parts) + ".py"):
            if path in self.facts:
                return path
        return None


def _define(facts: ModuleFacts) -> None:
    for node in facts.tree.body:
        facts.top.update(_bound(node))
    for inner in ast.walk(facts.tree):
        if isinstance(inner, ast.ClassDef):
            for node in inner.body:
                facts.members.update(_bound(node))
        elif (
            isinstance(inner, ast.Attribute)
            and isinstance(inner.ctx, ast.Store)
            and isinstance(inner.value, ast.Name)
            and inner.value.id == "self"
        ):
            facts.members.add(inner.attr)


def _bound(node: ast.stmt) -> Iterator[str]:
    """The names that a statement defines, also inside of `if` and `try`."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            yield from (each.id for each in ast.walk(target) if isinstance(each, ast.Name) and _is_bound(each))
    elif isinstance(node, ast.If | ast.Try):
        for inner in [*node.body, *node.orelse]:
            yield from _bound(inner)


def _is_bound(name: ast.Name) -> bool:
    """Whether a name in an assignment's target is bound. `name.attribute = 1` only reads `name`."""
    return isinstance(name.ctx, ast.Store)


def _root(node: ast.expr) -> str:
    """The name at the beginning of an expression."""
    while isinstance(node, ast.Attribute | ast.Call | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""
