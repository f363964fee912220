"""The sources that look definitions up in an index. Each yields candidates as it finds them."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

from lsp_server.context.candidates import Candidate
from lsp_server.context.first_lines import line_of
from lsp_server.context.name_weights import NameWeights, popularity_share
from lsp_server.context.resolver import Definition, Resolver
from lsp_server.context.scope import Scope, type_names
from lsp_server.index.symbols import Symbol
from lsp_server.languages.imports import Import

# The score of each kind of find at nearness 1.
CALLED, IMPORTED, LISTED, MEMBER, BASE_MEMBER, NAMED, BESIDE = 1.0, 0.9, 0.95, 0.48, 0.48, 0.5, 0.35
FREQUENT = 0.5  # the nearness of a name that is used often, at any distance
UNUSED_IMPORT = 0.9  # the nearness of an import without a use: its first use is about to come
MIN_NEARNESS, MIN_OF_MODULE = 0.15, 0.5
# The share for an imported name, which the text has anyway. Only a function's line adds much: its parameters.
SHARE_OF_KIND = {"class": 0.3, "variable": 0.3}
MAX_CLASSES, MAX_BASES, MAX_NAMED = 24, 4, 24
CLASS_KINDS = ("class",)
DEFINING_KINDS = ("class", "function", "variable", "method")

_RETURN_TYPE = re.compile(r"->\s*([^:{]+)|\)\s*:\s*([^{=]+)")


class Definitions:
    """The definitions of names that the code near the cursor imports, calls or mentions."""

    def __init__(self, scope: Scope, resolver: Resolver, weights: NameWeights) -> None:
        self._scope = scope
        self._weights = weights
        self._resolver = resolver
        self._language_id = scope.snapshot.language_id
        self._path = scope.snapshot.path

    def imported(self) -> Iterator[Candidate]:
        """The signatures of imported names, and the lists of what imported modules define."""
        imports = sorted(self._scope.imports, key=self._import_weight, reverse=True)
        for what in imports:
            weight = self._import_weight(what)
            for found in self._resolver.imported(self._language_id, self._path, what):
                if found.symbol is None:
                    yield from self._module(found, what, weight)
                else:
                    score = weight * IMPORTED * SHARE_OF_KIND.get(found.symbol.kind, 1.0)
                    yield self._whole(found, found.symbol, score, f"imported as {what.alias}")

    def called(self) -> Iterator[Candidate]:
        """The definitions of names near the cursor that the text neither defines nor imports.

        Such a name is defined in the same package, or in few files of the project.
        """
        scope = self._scope
        here = {symbol.name for symbol in scope.outline.symbols} | {each.alias for each in scope.imports}
        here |= scope.own_names
        near = sorted((name for name in scope.distances if name not in here), key=scope.nearness, reverse=True)
        beside = {
            name: Definition(file, symbol)
            for file in self._resolver.files_in_same_package(self._language_id, self._path)
            for name, symbol in self._resolver.top_level(file).items()
        }
        for name in near[: 4 * MAX_NAMED]:
            if found := beside.get(name):
                assert found.symbol
                yield self._whole(found, found.symbol, scope.nearness(name) * IMPORTED, "in the same package")
        for name in [name for name in near if name not in beside and len(name) > 3][:MAX_NAMED]:
            for found in self._resolver.find_by_name(self._language_id, name, DEFINING_KINDS, self._path):
                assert found.symbol
                yield self._whole(found, found.symbol, scope.nearness(name) * NAMED, "named near the cursor")
        for name, found in beside.items():
            assert found.symbol
            if name not in scope.identifiers_present and not name.startswith("_"):
                yield _line(found, found.symbol, BESIDE * (1 + scope.similarity(name)) / 2, "in the same package")

    def _import_weight(self, what: Import) -> float:
        if what.alias in ("*", ""):
            return 0.5
        if self._scope.is_unused(what):
            return UNUSED_IMPORT
        name = what.alias.rpartition(".")[2]
        return max(self._scope.nearness(name), FREQUENT * self._scope.frequency(name), MIN_NEARNESS)

    def _module(self, found: Definition, what: Import, weight: float) -> Iterator[Candidate]:
        """A module's definitions: the signatures of those used nearby, and the first lines of the rest."""
        scope = self._scope
        weight = max(weight, MIN_OF_MODULE)
        used = {chain[1] for chain in scope.chains if len(chain) > 1 and chain[0] == what.alias}
        public = self._resolver.public(found.file)
        popularity = self._resolver.popularity(name for name in public if name not in used)
        for name, definition in public.items():
            assert definition.symbol
            if definition.file.path == self._path:
                continue
            if name in used:
                score = CALLED * max(scope.nearness(name), MIN_NEARNESS)
                yield self._whole(definition, definition.symbol, score, f"used of {what.alias}")
            else:
                score = weight * LISTED * self._weights.listing(name) * popularity_share(popularity[name])
                yield _line(definition, definition.symbol, score, f"in {what.module}")

    def _whole(self, found: Definition, symbol: Symbol, score: float, reason: str) -> Candidate:
        """The whole signature of a definition whose name is used."""
        return Candidate(
            found.file.path, found.file.language_id, symbol.line, symbol.text, score, "definitions", reason,
            _heads(self._resolver, found),
        )  # fmt: skip


class Members:
    """The members of relevant classes: the enclosing class's bases, and the types of names in the text."""

    def __init__(self, scope: Scope, resolver: Resolver, weights: NameWeights) -> None:
        self._scope = scope
        self._weights = weights
        self._resolver = resolver
        self._language_id = scope.snapshot.language_id
        self._path = scope.snapshot.path
        self._imports = {each.alias: each for each in scope.imports}
        self._seen: set[tuple[int, str]] = set()
        self._names_tried: set[str] = set()

    def bases(self) -> Iterator[Candidate]:
        """The members of the enclosing class's bases, and of their bases."""
        enclosing = self._scope.enclosing_class
        if enclosing is not None:
            for name in type_names(enclosing.text):
                if name != enclosing.name:
                    for found in self._resolve_here(name):
                        yield from self._class(found, BASE_MEMBER, f"base of {enclosing.name}", MAX_BASES)

    def types(self) -> Iterator[Candidate]:
        """The members of classes that the text mentions by annotation, construction or a returned value."""
        ranked: dict[tuple[int, str], tuple[float, Definition, str]] = {}
        for weight, found, why in self._relevant_classes():
            assert found.symbol
            key = (found.file.number, found.symbol.name)
            if key not in ranked or ranked[key][0] < weight:
                ranked[key] = (weight, found, why)
        most = sorted(ranked.values(), key=lambda each: each[0], reverse=True)[:MAX_CLASSES]
        for weight, found, why in most:
            yield from self._class(found, weight * MEMBER, why, depth=2)

    def _relevant_classes(self) -> Iterator[tuple[float, Definition, str]]:
        """Relevant classes, each with a weight and a reason."""
        scope = self._scope
        for name in type_names(scope.function_text):
            for found in self._resolve_here(name):
                yield from self._classes_of(found, max(scope.nearness(name), 0.3), f"{name} is near")
        for chain in scope.chains:
            yield from self._follow_chain(chain)
        for alias, what in self._imports.items():
            nearness = UNUSED_IMPORT if scope.is_unused(what) else scope.nearness(alias)
            for found in self._resolve_here(alias):
                yield from self._classes_of(found, max(nearness, MIN_NEARNESS) * 0.8, f"{alias} is imported")

    def _classes_of(self, found: Definition, weight: float, why: str) -> Iterator[tuple[float, Definition, str]]:
        """A class itself, or the classes that a function returns or a variable holds."""
        symbol = found.symbol
        if symbol is None:
            return
        if symbol.kind == "class":
            yield weight, found, why
            return
        for name in type_names(_result_of(symbol)):
            for result in self._resolve_in(found, name):
                if result.symbol and result.symbol.kind == "class":
                    yield weight * 0.8, result, f"{symbol.name} gives it"

    def _follow_chain(self, chain: tuple[str, ...]) -> Iterator[tuple[float, Definition, str]]:
        """Follow `self.client.get`: each name is looked up in the class before it, for its field's or result's type."""
        scope = self._scope
        holders: list[Definition] = []
        for depth, name in enumerate(chain[:4]):
            weight = max(scope.nearness(name), 0.2)
            if depth == 0:
                if name in ("self", "this", "cls") or name not in self._imports:
                    own = scope.own_member(chain[1]) if name in ("self", "this", "cls") and len(chain) > 1 else None
                    if own is not None:
                        typed = list(self._typed_here(own.text, scope.nearness(chain[1]), chain[1]))
                        holders = [found for _, found, _ in typed]
                        yield from typed
                        continue
                yield from self._named_like(name, weight)
                continue
            if depth == 1 and chain[0] in ("self", "this", "cls"):
                yield from self._named_like(name, weight)
                continue
            following: list[Definition] = []
            for holder in holders:
                assert holder.symbol
                for member in self._resolver.members(holder.file, holder.symbol.name):
                    if member.name == name:
                        for each in self._classes_of(Definition(holder.file, member), weight, name):
                            following.append(each[1])
                            yield each
            holders = following
            yield from self._named_like(name, weight * 0.8)

    def _typed_here(self, text: str, weight: float, why: str) -> Iterator[tuple[float, Definition, str]]:
        for name in type_names(text):
            if name != why:
                for found in self._resolve_here(name):
                    yield from self._classes_of(found, weight, f"{why} is one")

    def _named_like(self, name: str, weight: float) -> Iterator[tuple[float, Definition, str]]:
        """Classes with the name of a variable: `client_session` is a `ClientSession`."""
        if len(name) < 4 or name[0].isupper() or name in self._names_tried:
            return
        self._names_tried.add(name)
        for start, camel in enumerate(_class_names(name)):
            for found in self._resolver.find_by_name(self._language_id, camel, CLASS_KINDS, self._path):
                yield weight * (0.7 if start == 0 else 0.45), found, f"{name} is called so"

    def _resolve_here(self, name: str) -> list[Definition]:
        """The definitions in other files that a name of this text means."""
        if what := self._imports.get(name):
            return self._resolver.imported(self._language_id, self._path, what)
        if name in self._scope.own_names or len(name) < 3:
            return []
        if not name[0].isupper():
            return []
        return self._resolver.find_by_name(self._language_id, name, CLASS_KINDS, self._path)

    def _resolve_in(self, found: Definition, name: str) -> list[Definition]:
        """The definitions that a name means in the file of another definition."""
        if symbol := self._resolver.top_level(found.file).get(name):
            return [Definition(found.file, symbol)]
        if found.file.language_id != self._language_id and name[:1].islower():
            return []
        exported = self._resolver.exported(found.file, name)
        return [exported] if exported and exported.symbol else []

    def _class(self, found: Definition, score: float, why: str, depth: int) -> Iterator[Candidate]:
        """A class's first line and members, and those of its bases with a lower score."""
        symbol = found.symbol
        if symbol is None or symbol.kind != "class" or (found.file.number, symbol.name) in self._seen:
            return
        self._seen.add((found.file.number, symbol.name))
        if found.file.path != self._path:
            yield _line(found, symbol, score, why, source="members")
        for member in self._resolver.members(found.file, symbol.name):
            share = self._weights.member(member.name)
            head = (symbol.line, line_of(symbol).whole)
            yield _line(Definition(found.file, member), member, score * share, f"of {symbol.name}: {why}", (head,),
                        source="members")  # fmt: skip
        if depth > 1:
            for name in type_names(symbol.text):
                if name != symbol.name:
                    for base in self._resolve_in(found, name):
                        yield from self._class(base, score * 0.8, f"base of {symbol.name}", depth - 1)


@functools.lru_cache(maxsize=1 << 14)
def _class_names(name: str) -> tuple[str, ...]:
    """Possible names of a variable's class: all of the variable's words, or the last ones."""
    words = [word[:1].upper() + word[1:] for word in re.split(r"_+|(?<=[a-z])(?=[A-Z])", name) if word]
    return tuple("".join(words[start:]) for start in range(len(words)))


def _result_of(symbol: Symbol) -> str:
    """The part of a signature that names a type: a function's result type, or a field's whole line."""
    if symbol.kind in ("function", "method"):
        match = _RETURN_TYPE.search(symbol.text)
        return (match[1] or match[2]) if match else symbol.text.partition("(")[0]
    return symbol.text


def _heads(resolver: Resolver, found: Definition) -> tuple[tuple[int, str], ...]:
    """The first line of the class that a member belongs to."""
    symbol = found.symbol
    if symbol is None or not symbol.container:
        return ()
    holder = resolver.top_level(found.file).get(symbol.container)
    return ((holder.line, line_of(holder).whole),) if holder and holder.line < symbol.line else ()


def _line(
    found: Definition,
    symbol: Symbol,
    score: float,
    reason: str,
    heads: tuple[tuple[int, str], ...] = (),
    source: str = "definitions",
) -> Candidate:
    """A definition's first line, as one of a list."""
    file, line = found.file, line_of(symbol)
    if heads:
        heads = tuple(head for head in heads if head[0] < symbol.line)
    return Candidate(file.path, file.language_id, symbol.line, line.short, score, source, reason, heads, line.brief)
