"""Where the file of an imported module may be, by each language's rules. Pure: paths in, paths out.

Paths are relative to the workspace folder and have forward slashes.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from lsp_server.languages.script_modules import ScriptProject


@dataclass(frozen=True, slots=True)
class ImportQuery:
    """An import of `module` in the file `importer`, of a workspace folder whose name is `project`.

    `scripts` is what the folder's configurations of JavaScript and TypeScript say.
    """

    importer: str
    module: str
    project: str = ""
    scripts: ScriptProject = field(default_factory=lambda: ScriptProject({}))


@dataclass(frozen=True, slots=True)
class Places:
    """Where to look: `paths` of files, the best first; `endings` of such paths; `folders`, by how their path ends."""

    paths: tuple[str, ...] = ()
    endings: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()


def _folders_up(path: str) -> list[str]:
    """The folders that a file is in, the workspace folder (empty) first."""
    parts = path.split("/")[:-1]
    return ["/".join(parts[:depth]) for depth in range(len(parts) + 1)]


def _join(*parts: str) -> str:
    joined = posixpath.normpath("/".join(part for part in parts if part))
    return "" if joined == "." else joined


def _python(asked: ImportQuery) -> Places:
    name = asked.module.lstrip(".")
    steps = len(asked.module) - len(name)
    rest = name.replace(".", "/")
    if steps:
        folder = asked.importer
        for _ in range(steps):
            folder = posixpath.dirname(folder)
        return Places(tuple(_python_files(_join(folder, rest))))
    stems = [_join(above, root, rest) for root in ("", "src", "lib") for above in _folders_up(asked.importer)]
    if asked.project and name.partition(".")[0] == asked.project:
        stems.insert(0, rest.partition("/")[2])
    endings = (f"{rest}.py", f"{rest}/__init__.py") if "/" in rest else ()
    return Places(tuple(path for stem in stems for path in _python_files(stem)), endings)


def _python_files(stem: str) -> Iterator[str]:
    if stem:
        yield f"{stem}.py"
        yield f"{stem}.pyi"
    yield _join(stem, "__init__.py")


_SCRIPT_SUFFIXES = (".ts", ".tsx", ".d.ts", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs")


def _script(asked: ImportQuery) -> Places:
    if asked.module.startswith("."):
        stems = [_join(posixpath.dirname(asked.importer), asked.module)]
    else:
        inner = asked.module[2:] if asked.module.startswith(("@/", "~/")) else asked.module
        stems = list(asked.scripts.stems(asked.importer, asked.module))
        stems += [
            _join(above, root, inner) for above in reversed(_folders_up(asked.importer)) for root in ("", "src", "app")
        ]
    return Places(tuple(path for stem in stems for path in script_files(stem)))


def script_files(stem: str) -> Iterator[str]:
    """The files that JavaScript's import of a path may mean."""
    bare, dot, ending = stem.rpartition(".")
    if dot and f".{ending}" in _SCRIPT_SUFFIXES:
        yield stem
        stem = bare  # in TypeScript's sources, `./a.js` names `a.ts`
    yield from (stem + suffix for suffix in _SCRIPT_SUFFIXES)
    yield from (f"{stem}/index{suffix}" for suffix in _SCRIPT_SUFFIXES)


def _java(asked: ImportQuery) -> Places:
    path = asked.module.replace(".", "/")
    return Places(endings=(f"{path}.java", f"{path}.kt"), folders=(path,))


def _go(asked: ImportQuery) -> Places:
    parts = asked.module.split("/")
    # A module's path begins with the name of its repository, which is no folder in it.
    return Places(folders=tuple("/".join(parts[start:]) for start in range(len(parts))))


def _rust(asked: ImportQuery) -> Places:
    parts = asked.module.split("::")
    folder = posixpath.dirname(asked.importer)
    if posixpath.basename(asked.importer) not in ("mod.rs", "lib.rs", "main.rs"):
        folder = _join(folder, posixpath.basename(asked.importer).removesuffix(".rs"))
    if parts[0] in ("self", "super"):
        while parts and parts[0] in ("self", "super"):
            folder = posixpath.dirname(folder) if parts.pop(0) == "super" else folder
        stems = [_join(folder, *parts)]
    else:
        parts = parts[1:] if parts[0] == "crate" else parts
        stems = [_join(above, *parts) for above in reversed(_folders_up(asked.importer))]
        stems += [_join(above, "src", *parts[1:]) for above in _folders_up(asked.importer)]
    return Places(tuple(path for stem in stems for path in _rust_files(stem)))


def _rust_files(stem: str) -> Iterator[str]:
    if stem and not stem.endswith("/src") and stem != "src":
        yield f"{stem}.rs"
    yield from (_join(stem, name) for name in ("mod.rs", "lib.rs", "main.rs"))


def _include(asked: ImportQuery) -> Places:
    folders = [posixpath.dirname(asked.importer), *reversed(_folders_up(asked.importer))]
    paths = [_join(folder, root, asked.module) for folder in folders for root in ("", "include", "src")]
    return Places(tuple(dict.fromkeys(paths)), (asked.module,) if "/" in asked.module else ())


def _c_sharp(asked: ImportQuery) -> Places:
    parts = asked.module.split(".")
    return Places(folders=tuple("/".join(parts[start:]) for start in range(len(parts))))


def _ruby(asked: ImportQuery) -> Places:
    name = asked.module if asked.module.endswith(".rb") else f"{asked.module}.rb"
    if asked.module.startswith("./"):
        return Places((_join(posixpath.dirname(asked.importer), name),))
    paths = [_join(above, root, name) for above in _folders_up(asked.importer) for root in ("lib", "app/models", "")]
    return Places(tuple(paths), (name,) if "/" in name else ())


def _php(asked: ImportQuery) -> Places:
    if asked.module.startswith("./"):
        return Places(tuple(_join(above, asked.module[2:]) for above in reversed(_folders_up(asked.importer))))
    parts = asked.module.split("\\")
    return Places(endings=tuple("/".join(parts[start:]) + ".php" for start in range(max(1, len(parts) - 1))))


@dataclass(frozen=True, slots=True)
class ModuleRules:
    """How a language finds modules. Languages that share these rules can import each other's files.

    - `places`: where the file of a module may be.
    - `separator`: joins a module and a name that may be a module itself.
    - `is_folder_shared`: files of one folder see each other without an import.
    - `depends_on_file`: a name means another module in each file of a folder.
    - `has_class_files`: a file has the name of the class that it defines.
    - `package_files`: how the path of a file ends that stands for its folder and hands on what it imports.
    """

    places: Callable[[ImportQuery], Places]
    separator: str
    is_folder_shared: bool = False
    depends_on_file: bool = False
    has_class_files: bool = False
    package_files: tuple[str, ...] = ()


PYTHON = ModuleRules(_python, ".", package_files=("__init__.py",))
SCRIPT = ModuleRules(_script, "/", package_files=("/index.ts", "/index.js"))
JVM = ModuleRules(_java, ".", is_folder_shared=True, has_class_files=True)
INCLUDE = ModuleRules(_include, "/")
GO = ModuleRules(_go, "/", is_folder_shared=True)
RUST = ModuleRules(_rust, "::", depends_on_file=True, package_files=("/mod.rs",))
C_SHARP = ModuleRules(_c_sharp, ".", is_folder_shared=True)
RUBY = ModuleRules(_ruby, "/")
PHP = ModuleRules(_php, "\\", is_folder_shared=True, has_class_files=True)
