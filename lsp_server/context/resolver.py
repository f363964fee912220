"""From an import to its definition, through relative paths, packages, aliases and re-exports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from lsp_server.index.database import path_tail
from lsp_server.index.reader import MAX_REMEMBERED, IndexedFile, Reader
from lsp_server.index.symbols import Outline, Symbol
from lsp_server.index.words import terms
from lsp_server.languages.imports import ALL, Import
from lsp_server.languages.modules import ImportQuery, Places
from lsp_server.languages.script_modules import ScriptProject
from lsp_server.languages.syntax import import_family, language

MAX_RE_EXPORTS = 4  # files in a chain of re-exports
MAX_RE_EXPORTED = 120  # names of one file
FEW_NAMES = 3  # a module with fewer definitions re-exports those of others
MAX_SHARED_FILES = 40
MAX_DEFINING = 3  # files; a name defined in more files is ambiguous


class Definition(msgspec.Struct, frozen=True, gc=False):
    """A symbol and its file. Without a symbol, the file itself as a module."""

    file: IndexedFile
    symbol: Symbol | None = None


class Resolver:
    """Finds definitions in the index of one workspace folder, whose name is `project`."""

    def __init__(self, reader: Reader, project: str) -> None:
        self._reader = reader
        self._project = project
        self._unsaved: Mapping[str, Outline] = {}
        self._modules: dict[tuple[str, str, str], list[IndexedFile]] = {}
        self._by_name: dict[tuple[str, str, tuple[str, ...]], list[Definition]] = {}
        self._top_levels: dict[int, dict[str, Symbol]] = {}
        self._members: dict[int, dict[str, list[Symbol]]] = {}
        self._publics: dict[int, dict[str, Definition]] = {}
        self._imported_paths: dict[int, frozenset[str]] = {}
        self._scripts: ScriptProject | None = None

    def refresh(self, unsaved: Mapping[str, Outline] | None = None) -> None:
        """Drop remembered results if the index has changed. The outlines in `unsaved`, by path, replace the index's."""
        self._unsaved = unsaved or {}
        if self._reader.refresh():
            self._modules.clear()
            self._by_name.clear()
            self._publics.clear()
            self._imported_paths.clear()
            for remembered in (self._top_levels, self._members):
                if len(remembered) > MAX_REMEMBERED:
                    remembered.clear()
            self._scripts = None

    def files(self, paths: list[str]) -> list[IndexedFile]:
        """The indexed files of some paths."""
        return self._reader.files("path", paths)

    def symbols(self, file: IndexedFile) -> list[Symbol]:
        """A file's definitions, in order."""
        unsaved = self._unsaved.get(file.path)
        return self._reader.symbols(file.number) if unsaved is None else unsaved.symbols

    def imports(self, file: IndexedFile) -> list[Import]:
        """A file's imports."""
        unsaved = self._unsaved.get(file.path)
        return self._reader.imports(file.number) if unsaved is None else unsaved.imports

    def top_level(self, file: IndexedFile) -> dict[str, Symbol]:
        """A file's top-level definitions, by name."""
        if file.path in self._unsaved:
            return _top_level(self.symbols(file))
        if file.number not in self._top_levels:
            self._top_levels[file.number] = _top_level(self.symbols(file))
        return self._top_levels[file.number]

    def members(self, file: IndexedFile, container: str) -> list[Symbol]:
        """The members of a class or module, as far as they are in one file."""
        if file.path in self._unsaved:
            return [symbol for symbol in self.symbols(file) if symbol.container == container]
        if file.number not in self._members:
            members = self._members[file.number] = {}
            for symbol in self.symbols(file):
                members.setdefault(symbol.container, []).append(symbol)
        return self._members[file.number].get(container, [])

    def public(self, file: IndexedFile) -> dict[str, Definition]:
        """A module's exports: its definitions, and in a package's file also its imports from the package's modules."""
        if self._unsaved:
            return self._find_public(file)
        if file.number not in self._publics:
            self._publics[file.number] = self._find_public(file)
        return self._publics[file.number]

    def _find_public(self, file: IndexedFile) -> dict[str, Definition]:
        public = {name: Definition(file, symbol) for name, symbol in self.top_level(file).items() if name != "__all__"}
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
        """A module's files; none if the project lacks the module. A folder that is a module has several."""
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

    def imported_paths(self, file: IndexedFile) -> frozenset[str]:
        """The paths of the modules that a file imports."""
        if file.path in self._unsaved:
            return self._find_imported_paths(file)
        if file.number not in self._imported_paths:
            self._imported_paths[file.number] = self._find_imported_paths(file)
        return self._imported_paths[file.number]

    def _find_imported_paths(self, file: IndexedFile) -> frozenset[str]:
        modules = dict.fromkeys(each.module for each in self.imports(file))
        return frozenset(found.path for name in modules for found in self.module(file.language_id, file.path, name))

    def imported(self, language_id: str, importer: str, what: Import) -> list[Definition]:
        """The target of an import: a definition, or a module. A star stands for the module."""
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
        named = [
            Definition(file, self.top_level(file)[what.name]) for file in inner if what.name in self.top_level(file)
        ]
        return named[:1] if rules.has_class_files and named else [Definition(file) for file in inner]

    def exported(self, file: IndexedFile, name: str, depth: int = 0) -> Definition | None:
        """The definition that an importer of a name gets from a file."""
        if symbol := self.top_level(file).get(name):
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
        """About how many places of the project have each name. Spellings in another case count as the same name."""
        found = {name: terms(name)[:1] for name in names}
        frequencies = self._reader.frequencies({term for each in found.values() for term in each})
        return {name: frequencies.get(each[0], 0) if each else 0 for name, each in found.items()}

    def files_in_same_package(self, language_id: str, path: str) -> list[IndexedFile]:
        """The files whose definitions a file sees without an import."""
        rules = language(language_id).modules
        if rules is None or not rules.is_folder_shared:
            return []
        files = self._reader.files("folder", [path.rpartition("/")[0]])
        family = import_family(language_id)
        return [file for file in files if file.language_id in family and file.path != path][:MAX_SHARED_FILES]

    def find_by_name(self, language_id: str, name: str, kinds: tuple[str, ...], importer: str) -> list[Definition]:
        """The definitions of a name anywhere in the project, if few files define it."""
        key = (language_id, name, kinds)
        if key not in self._by_name:
            self._by_name[key] = self._defining(language_id, name, kinds)
        return [found for found in self._by_name[key] if found.file.path != importer]

    def _defining(self, language_id: str, name: str, kinds: tuple[str, ...]) -> list[Definition]:
        rules = language(language_id).modules
        numbers = self._reader.files_defining(name, kinds, MAX_DEFINING + 1)
        if rules is None or len(numbers) > MAX_DEFINING:
            return []
        files = [file for number in numbers if (file := self._reader.file(number))]
        return [
            Definition(file, self.top_level(file)[name])
            for file in files
            if file.language_id in import_family(language_id) and name in self.top_level(file)
        ]

    def _default(self, file: IndexedFile) -> Definition | None:
        for symbol in self.top_level(file).values():
            if "export default" in symbol.text:
                return Definition(file, symbol)
        return Definition(file)

    def _look(self, places: Places) -> list[IndexedFile]:
        if places.paths:
            order = {path: index for index, path in reversed(list(enumerate(places.paths)))}
            if found := self._reader.files("path", list(order)):
                return [min(found, key=lambda file: order[file.path])]
        for ending in places.endings:
            found = self._reader.files("tail", [path_tail(ending)])
            if found := [file for file in found if f"/{file.path}".endswith(f"/{ending}")]:
                return [min(found, key=lambda file: len(file.path))]
        for folder in places.folders:
            if found := self._reader.files_in_folder(folder):
                return found
        return []


def _top_level(symbols: list[Symbol]) -> dict[str, Symbol]:
    """The symbols outside of classes, the first of each name."""
    found: dict[str, Symbol] = {}
    modules = {""} | {symbol.name for symbol in symbols if symbol.kind == "module"}
    for symbol in symbols:
        if symbol.container in modules:
            found.setdefault(symbol.name, symbol)
    return found
