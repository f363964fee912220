"""From an import to the definition it means, through relative paths, packages, aliases and re-exports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from lsp_server.index.database import tail_of
from lsp_server.index.reader import MAX_REMEMBERED, IndexedFile, Reader
from lsp_server.index.symbols import Outline, Symbol
from lsp_server.index.words import terms
from lsp_server.languages.imports import ALL, Import
from lsp_server.languages.modules import ImportQuery, Places
from lsp_server.languages.script_modules import ScriptProject
from lsp_server.languages.syntax import import_family, language

MAX_RE_EXPORTS = 4  # files that a name is handed on through
MAX_RE_EXPORTED = 120  # names of one file
FEW_NAMES = 3  # a module that defines fewer hands on those of others
MAX_SHARED_FILES = 40
MAX_DEFINING = 3  # files; a name defined in more of them says nothing


class Definition(msgspec.Struct, frozen=True, gc=False):
    """A symbol and the file it stands in; without a symbol, the file as a module."""

    file: IndexedFile
    symbol: Symbol | None = None


class Resolver:
    """Finds definitions in one index, on behalf of files of one workspace folder, whose name is `project`."""

    def __init__(self, reader: Reader, project: str) -> None:
        self._reader = reader
        self._project = project
        self._unsaved: Mapping[str, Outline] = {}
        self._modules: dict[tuple[str, str, str], list[IndexedFile]] = {}
        self._named: dict[tuple[str, str, tuple[str, ...]], list[Definition]] = {}
        self._tops: dict[int, dict[str, Symbol]] = {}
        self._members: dict[int, dict[str, list[Symbol]]] = {}
        self._publics: dict[int, dict[str, Definition]] = {}
        self._needed: dict[int, frozenset[str]] = {}
        self._scripts: ScriptProject | None = None

    def refresh(self, unsaved: Mapping[str, Outline] | None = None) -> None:
        """Forget what was remembered if the index has changed since. `unsaved` files are not as the index has them."""
        self._unsaved = unsaved or {}
        if self._reader.refresh():
            self._modules.clear()
            self._named.clear()
            self._publics.clear()
            self._needed.clear()
            for remembered in (self._tops, self._members):
                if len(remembered) > MAX_REMEMBERED:
                    remembered.clear()
            self._scripts = None

    def files(self, paths: list[str]) -> list[IndexedFile]:
        """Files by their paths."""
        return self._reader.files("path", paths)

    def symbols(self, file: IndexedFile) -> list[Symbol]:
        """What a file defines, in order."""
        unsaved = self._unsaved.get(file.path)
        return self._reader.symbols(file.number) if unsaved is None else unsaved.symbols

    def imports(self, file: IndexedFile) -> list[Import]:
        """What a file imports."""
        unsaved = self._unsaved.get(file.path)
        return self._reader.imports(file.number) if unsaved is None else unsaved.imports

    def top(self, file: IndexedFile) -> dict[str, Symbol]:
        """What a file defines for others, by name."""
        if file.path in self._unsaved:
            return _top(self.symbols(file))
        if file.number not in self._tops:
            self._tops[file.number] = _top(self.symbols(file))
        return self._tops[file.number]

    def members(self, file: IndexedFile, container: str) -> list[Symbol]:
        """The members of a class or module that stand in one file."""
        if file.path in self._unsaved:
            return [symbol for symbol in self.symbols(file) if symbol.container == container]
        if file.number not in self._members:
            members = self._members[file.number] = {}
            for symbol in self.symbols(file):
                members.setdefault(symbol.container, []).append(symbol)
        return self._members[file.number].get(container, [])

    def public(self, file: IndexedFile) -> dict[str, Definition]:
        """What a module gives: what it defines, and in a package's file also what it imports from its own modules."""
        if self._unsaved:
            return self._find_public(file)
        if file.number not in self._publics:
            self._publics[file.number] = self._find_public(file)
        return self._publics[file.number]

    def _find_public(self, file: IndexedFile) -> dict[str, Definition]:
        public = {name: Definition(file, symbol) for name, symbol in self.top(file).items() if name != "__all__"}
        rules = language(file.language_id).modules
        is_package = rules is not None and file.path.endswith(rules.package_files)
        if is_package or len(public) < FEW_NAMES:
            for each in self.imports(file)[:MAX_RE_EXPORTED]:
                if each.alias not in public and each.name not in ("", ALL):
                    definition = self.exported(file, each.alias)
                    if definition and definition.symbol:
                        public[each.alias] = definition
        return public

    def module(self, language_id: str, importer: str, module: str) -> list[IndexedFile]:
        """The files of a module, none if it is not of this project. A folder that is a module has several."""
        rules = language(language_id).modules
        if rules is None or not module:
            return []
        key = (language_id, importer if rules.depends_on_file else importer.rpartition("/")[0], module)
        if key not in self._modules:
            if self._scripts is None:
                self._scripts = ScriptProject(self._reader.script_configs())
            places = rules.places(ImportQuery(importer, module, self._project, self._scripts))
            family = import_family(language_id)
            found = [file for file in self._look(places) if file.language_id in family and file.path != importer]
            self._modules[key] = found
        return self._modules[key]

    def needed(self, file: IndexedFile) -> frozenset[str]:
        """The paths of the modules that a file imports."""
        if file.path in self._unsaved:
            return self._find_needed(file)
        if file.number not in self._needed:
            self._needed[file.number] = self._find_needed(file)
        return self._needed[file.number]

    def _find_needed(self, file: IndexedFile) -> frozenset[str]:
        modules = dict.fromkeys(each.module for each in self.imports(file))
        return frozenset(found.path for name in modules for found in self.module(file.language_id, file.path, name))

    def imported(self, language_id: str, importer: str, what: Import) -> list[Definition]:
        """What an import means: a definition, a module, or all that a module defines for a star."""
        files = self.module(language_id, importer, what.module)
        if what.name in ("", ALL):
            return [Definition(file) for file in files]
        for file in files:
            if found := self.exported(file, what.name):
                return [found]
        rules = language(language_id).modules
        if rules is None:
            return []
        joint = "" if what.module.endswith((".", "/")) else rules.separator
        inner = self.module(language_id, importer, f"{what.module}{joint}{what.name}" if what.module else what.name)
        named = [Definition(file, self.top(file)[what.name]) for file in inner if what.name in self.top(file)]
        return named[:1] if rules.has_class_files and named else [Definition(file) for file in inner]

    def exported(self, file: IndexedFile, name: str, depth: int = 0) -> Definition | None:
        """What a file gives to those who import a name from it."""
        if symbol := self.top(file).get(name):
            return Definition(file, symbol)
        if name == "default":
            return self._default(file)
        if depth >= MAX_RE_EXPORTS:
            return None
        imports = self.imports(file)
        direct = [each for each in imports if each.alias == name and each.name not in ("", ALL)]
        for each in direct or [each for each in imports if each.name == ALL]:
            for source in self.module(file.language_id, file.path, each.module):
                if found := self.exported(source, each.name if direct else name, depth + 1):
                    return found
        for each in direct:
            joint = "" if each.module.endswith(".") else "."
            if modules := self.module(file.language_id, file.path, f"{each.module}{joint}{each.name}"):
                return Definition(modules[0])
        return None

    def popularity(self, names: Iterable[str]) -> dict[str, int]:
        """At how many places of the project each name stands, about: spelt in another case it is the same name."""
        found = {name: terms(name)[:1] for name in names}
        frequencies = self._reader.frequencies({term for each in found.values() for term in each})
        return {name: frequencies.get(each[0], 0) if each else 0 for name, each in found.items()}

    def beside(self, language_id: str, path: str) -> list[IndexedFile]:
        """The files whose definitions a file sees without importing them."""
        rules = language(language_id).modules
        if rules is None or not rules.is_folder_shared:
            return []
        files = self._reader.files("folder", [path.rpartition("/")[0]])
        family = import_family(language_id)
        return [file for file in files if file.language_id in family and file.path != path][:MAX_SHARED_FILES]

    def named(self, language_id: str, name: str, kinds: tuple[str, ...], importer: str) -> list[Definition]:
        """What has a name anywhere in the project, if few files define it."""
        key = (language_id, name, kinds)
        if key not in self._named:
            self._named[key] = self._defining(language_id, name, kinds)
        return [found for found in self._named[key] if found.file.path != importer]

    def _defining(self, language_id: str, name: str, kinds: tuple[str, ...]) -> list[Definition]:
        rules = language(language_id).modules
        numbers = self._reader.defining(name, kinds, MAX_DEFINING + 1)
        if rules is None or len(numbers) > MAX_DEFINING:
            return []
        files = [file for number in numbers if (file := self._reader.file(number))]
        return [
            Definition(file, self.top(file)[name])
            for file in files
            if file.language_id in import_family(language_id) and name in self.top(file)
        ]

    def _default(self, file: IndexedFile) -> Definition | None:
        for symbol in self.top(file).values():
            if "export default" in symbol.text:
                return Definition(file, symbol)
        return Definition(file)

    def _look(self, places: Places) -> list[IndexedFile]:
        if places.paths:
            order = {path: index for index, path in reversed(list(enumerate(places.paths)))}
            if found := self._reader.files("path", list(order)):
                return [min(found, key=lambda file: order[file.path])]
        for ending in places.endings:
            found = self._reader.files("tail", [tail_of(ending)])
            if found := [file for file in found if f"/{file.path}".endswith(f"/{ending}")]:
                return [min(found, key=lambda file: len(file.path))]
        for folder in places.folders:
            if found := self._reader.files_below(folder):
                return found
        return []


def _top(symbols: list[Symbol]) -> dict[str, Symbol]:
    """The symbols that are members of no class, the first of each name."""
    found: dict[str, Symbol] = {}
    modules = {""} | {symbol.name for symbol in symbols if symbol.kind == "module"}
    for symbol in symbols:
        if symbol.container in modules:
            found.setdefault(symbol.name, symbol)
    return found
