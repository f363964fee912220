"""What JavaScript's and TypeScript's bare module names mean in one workspace: aliases, packages, subpaths. Pure.

It follows TypeScript's module resolution, as far as that leads to sources in the workspace: "Path mapping" and
"package.json exports" in TypeScript's reference, 5.x.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping

from lsp_server.languages.script_config import CompilerConfig, PackageConfig, ScriptConfig

MAX_EXTENDS = 8
# Folders of built files. Sources are looked for in their place.
_BUILT = frozenset({"build", "cjs", "dist", "es", "esm", "lib", "out", "output", "types"})
_SOURCES = ("src", "source", "lib", "")


class ScriptProject:
    """The configurations of a workspace by their paths. Paths are relative to the workspace folder."""

    def __init__(self, configs: Mapping[str, ScriptConfig]) -> None:
        self._compilers = {path: each for path, each in configs.items() if isinstance(each, CompilerConfig)}
        self._packages = {path: each for path, each in configs.items() if isinstance(each, PackageConfig)}
        self._folders: dict[str, str] = {}  # of packages, by name. Of two packages, the one nearer to the root counts
        for path in sorted(self._packages, key=lambda path: (path.count("/"), path), reverse=True):
            if name := self._packages[path].name:
                self._folders[name] = posixpath.dirname(path)

    def stems(self, importer: str, module: str) -> Iterator[str]:
        """Paths that a module's name may mean in a file, with or without a suffix. The best comes first."""
        if module.startswith("#"):
            yield from self._own_imports(importer, module)
            return
        for path in self._compiler_files(importer):
            yield from self._mapped(path, module)
        yield from self._of_package(module)

    # tsconfig.json and jsconfig.json

    def _compiler_files(self, importer: str) -> Iterator[str]:
        """The nearest configuration above a file, and the configurations that it refers to."""
        for folder in _folders_up(importer):
            for name in ("tsconfig.json", "jsconfig.json"):
                path = _join(folder, name)
                if found := self._compilers.get(path):
                    yield path
                    for reference in found.references:
                        yield from self._at(_join(folder, reference))
                    return

    def _mapped(self, path: str, module: str) -> Iterator[str]:
        base_url, paths, paths_folder = self._effective(path)
        for target in _substituted(module, paths):
            yield _join(paths_folder if base_url is None else base_url, target)
        if base_url is not None:
            yield _join(base_url, module)

    def _effective(self, path: str, depth: int = 0) -> tuple[str | None, Mapping[str, list[str]], str]:
        """What a configuration says with its bases: base folder, patterns, and the folder of the patterns' file."""
        config = self._compilers[path]
        base_url: str | None = None
        paths: Mapping[str, list[str]] = {}
        paths_folder = ""
        for extended in config.extends if depth < MAX_EXTENDS else ():  # the last one counts most
            for parent in self._extended(path, extended):
                parent_url, parent_paths, parent_folder = self._effective(parent, depth + 1)
                base_url = parent_url if parent_url is not None else base_url
                if parent_paths:
                    paths, paths_folder = parent_paths, parent_folder
        folder = posixpath.dirname(path)
        if config.base_url is not None:
            base_url = _join(folder, config.base_url)
        if config.paths is not None:
            paths, paths_folder = config.paths, folder
        return base_url, paths, paths_folder

    def _extended(self, path: str, extended: str) -> Iterator[str]:
        if extended.startswith("."):
            yield from self._at(_join(posixpath.dirname(path), extended))
            return
        name, rest = _split_name(extended)
        if name in self._folders:
            yield from self._at(_join(self._folders[name], rest))

    def _at(self, stem: str) -> Iterator[str]:
        for path in (stem, f"{stem}.json", _join(stem, "tsconfig.json")):
            if path in self._compilers:
                yield path
                return

    # package.json

    def _own_imports(self, importer: str, module: str) -> Iterator[str]:
        for folder in _folders_up(importer):
            if package := self._packages.get(_join(folder, "package.json")):
                for target in _substituted(module, package.imports):
                    yield from _sources(folder, target)
                return

    def _of_package(self, module: str) -> Iterator[str]:
        name, rest = _split_name(module)
        folder = self._folders.get(name)
        if folder is None:
            return
        package = self._packages[_join(folder, "package.json")]
        for target in _substituted(f"./{rest}" if rest else ".", package.exports):
            yield from _sources(folder, target)
        yield from (_join(folder, root, rest) for root in _SOURCES)


def _sources(folder: str, target: str) -> Iterator[str]:
    """A path in a package. If the file is built, also where its source would be: `dist/a.js` is made of `src/a.ts`."""
    yield _join(folder, target)
    parts = [part for part in target.split("/") if part != "."]
    inner = list(parts)
    while len(inner) > 1 and inner[0] in _BUILT:
        inner.pop(0)
    if inner != parts:
        stem = "/".join(inner).removesuffix(".d.ts")
        yield from (_join(folder, root, stem) for root in _SOURCES)


def _substituted(module: str, patterns: Mapping[str, list[str]]) -> Iterable[str]:
    best = _best_match(module, patterns)
    return [target.replace("*", best[1]) for target in patterns[best[0]]] if best else []


def _best_match(module: str, patterns: Mapping[str, list[str]]) -> tuple[str, str] | None:
    """The best pattern that a name matches, and what its `*` stands for.

    The best is the exact name, else the pattern with the longest text before its `*`.
    """
    if module in patterns:
        return module, ""
    found: list[tuple[int, str, str]] = []
    for pattern in patterns:
        head, star, tail = pattern.partition("*")
        is_long_enough = len(module) >= len(head) + len(tail)
        if star and is_long_enough and module.startswith(head) and module.endswith(tail):
            found.append((len(head), pattern, module[len(head) : len(module) - len(tail)]))
    return max(found)[1:] if found else None


def _split_name(module: str) -> tuple[str, str]:
    """A package's name, and the path in the package. A name that begins with `@` has two parts."""
    parts = module.split("/")
    length = 2 if module.startswith("@") else 1
    return "/".join(parts[:length]), "/".join(parts[length:])


def _folders_up(path: str) -> Iterator[str]:
    """The folders that a file is in, the innermost first, the workspace folder (empty) last."""
    while path:
        path = posixpath.dirname(path)
        yield path


def _join(*parts: str) -> str:
    joined = posixpath.normpath("/".join(part for part in parts if part) or ".")
    return "" if joined == "." else joined
