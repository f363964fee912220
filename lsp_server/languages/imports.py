"""What one import statement says, in each language. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import msgspec

ALL = "*"


class Import(msgspec.Struct, frozen=True, gc=False):
    """`name` of `module`, known here as `alias`. An empty name means the module itself, `*` all that it defines."""

    module: str
    name: str
    alias: str


_COMMENT = re.compile(r"#.*|//.*|\\\n|/\*.*?\*/", re.DOTALL)
_PY_COMMENT = re.compile(r"#.*|\\\n")
_QUOTED = re.compile(r"""["'`]([^"'`]+)["'`]""")


def _split(names: str) -> Iterable[tuple[str, str]]:
    """The names of a list with commas, each with its alias."""
    for part in names.strip("(){} \n\t").split(","):
        words = part.replace(":", " as ").split()
        if words and words[0] == "type" and len(words) > 1 and words[1] != "as":
            words = words[1:]
        if len(words) == 1:
            yield words[0], words[0]
        elif len(words) == 3 and words[1] == "as":
            yield words[0], words[2]


def _python(text: str) -> list[Import]:
    text = _PY_COMMENT.sub("", text)
    if match := re.match(r"from\s+([.\w\s]+?)\s+import\s+(.*)", text, re.DOTALL):
        module = re.sub(r"\s", "", match[1])
        return [Import(module, name, ALL if name == ALL else alias) for name, alias in _split(match[2])]
    names = text.removeprefix("import")
    return [Import(name, "", alias) for name, alias in _split(names)]


def _script(text: str) -> list[Import]:
    text = re.sub(r"/\*.*?\*/|(?<!:)//.*", "", text, flags=re.DOTALL if "/*" in text else 0)
    quoted = _QUOTED.search(text) if re.match(r"\s*(import|export)\b", text) is None else None
    if match := re.match(r"\s*(?:import|export)\b(.*?)\bfrom\s*[\"']([^\"']+)[\"']", text, re.DOTALL):
        return list(_script_clause(match[1], match[2]))
    if match := re.match(r"\s*(.+?)\s*=\s*(?:await\s+)?require\s*\(\s*[\"']([^\"']+)[\"']", text, re.DOTALL):
        target = match[1].strip()
        return (
            [Import(match[2], name, alias) for name, alias in _split(target)]
            if target.startswith("{")
            else [Import(match[2], "", target)]
        )
    return [Import(quoted[1], "", "")] if quoted and text.startswith("import") else []


def _script_clause(clause: str, module: str) -> Iterable[Import]:
    clause = clause.strip().removeprefix("type ").strip()
    braces = re.search(r"\{(.*)\}", clause, re.DOTALL)
    if braces:
        for name, alias in _split(braces[1]):
            yield Import(module, name, alias)
        clause = clause[: braces.start()]
    for part in clause.split(","):
        words = part.split()
        if words[:2] == [ALL, "as"] and len(words) == 3:
            yield Import(module, "", words[2])
        elif words == [ALL]:
            yield Import(module, ALL, ALL)
        elif len(words) == 1:
            yield Import(module, "default", words[0])


def _dotted(keyword: str) -> Callable[[str], list[Import]]:
    """`import a.b.C`, with `static`, `.*` and `as` where a language has them."""
    pattern = re.compile(rf"{keyword}\s+(?:static\s+)?([\w.]+?)(\.\*)?\s*(?:as\s+(\w+))?\s*;?\s*$", re.DOTALL)

    def read(text: str) -> list[Import]:
        match = pattern.match(_COMMENT.sub("", text).strip())
        if match is None:
            return []
        if match[2]:
            return [Import(match[1], ALL, ALL)]
        module, _, name = match[1].rpartition(".")
        return [Import(module, name, match[3] or name)]

    return read


def _include(text: str) -> list[Import]:
    match = re.search(r"[\"<]([^\">]+)[\">]", text)
    return [Import(match[1], ALL, ALL)] if match else []


def _c_sharp(text: str) -> list[Import]:
    match = re.match(r"(?:global\s+)?using\s+(?:static\s+)?(?:(\w+)\s*=\s*)?([\w.]+)", text)
    if match is None:
        return []
    if match[1]:
        module, _, name = match[2].rpartition(".")
        return [Import(module, name, match[1])]
    return [Import(match[2], ALL, ALL)]


def _go(text: str) -> list[Import]:
    quoted = _QUOTED.search(text)
    if quoted is None:
        return []
    alias = text[: quoted.start()].strip()
    path = quoted[1]
    last = re.sub(r"^v\d+$", "", path.rsplit("/", 1)[-1]) or path.rstrip("/").split("/")[-2:-1]
    return [Import(path, ALL if alias == "." else "", alias or str(last))]


def _rust(text: str) -> list[Import]:
    body = re.sub(r"^(pub(\([^)]*\))?\s+)?use\s+|;\s*$", "", _COMMENT.sub("", text).strip())
    return [_rust_leaf(path) for path in _rust_paths(re.sub(r"\s+", " ", body))]


def _rust_paths(text: str) -> Iterable[str]:
    """`a::{b, c::d}` as `a::b` and `a::c::d`."""
    opened = text.find("{")
    if opened < 0:
        yield text.strip()
        return
    head, inner = text[:opened].strip(), text[opened + 1 : text.rfind("}")]
    depth, start = 0, 0
    for index, character in enumerate(inner + ","):
        depth += (character == "{") - (character == "}")
        if character == "," and depth == 0:
            if inner[start:index].strip():
                for path in _rust_paths(inner[start:index].strip()):
                    yield head + path
            start = index + 1


def _rust_leaf(path: str) -> Import:
    path, _, alias = path.partition(" as ")
    module, _, name = path.strip().rpartition("::")
    if name == "self":
        module, _, name = module.rpartition("::")
    return Import(module, name, alias.strip() or name)


def _ruby(text: str) -> list[Import]:
    match = re.match(r"(require|require_relative|load|autoload)\b.*?[\"']([^\"']+)[\"']\s*\)?$", text)
    if match is None:
        return []
    return [Import(f"./{match[2]}" if match[1] == "require_relative" else match[2], ALL, ALL)]


def _php(text: str) -> list[Import]:
    text = _COMMENT.sub("", text)
    if not text.startswith("use"):
        quoted = _QUOTED.search(text)
        return [Import("./" + quoted[1].lstrip("/"), ALL, ALL)] if quoted else []
    body = re.sub(r"^use\s+((function|const)\s+)?|;\s*$", "", text)
    paths = _rust_paths(body) if "{" in body else [part.strip() for part in body.split(",")]
    found = []
    for path in paths:
        full, _, alias = path.partition(" as ")
        module, _, name = full.strip().strip("\\").rpartition("\\")
        found.append(Import(module, name, alias.strip() or name))
    return found


@dataclass(frozen=True, slots=True)
class ImportSyntax:
    """How a language writes imports.

    `read` takes the text of one statement, found in a syntax tree. `statement` is a pattern that finds statements in a
    text that is not parsed. It is strict, since prose can begin like an import, and takes the longest usual form.
    """

    read: Callable[[str], list[Import]]
    statement: str


PYTHON = ImportSyntax(
    _python,
    r"(?m)^[ \t]*(?:from[ \t]+[.\w]+[ \t]+import[ \t]+(?:\([^()]*\)|[\w*][^\n()]*)"
    r"|import[ \t]+\w[\w.]*(?:[ \t]+as[ \t]+\w+)?(?:,[ \t]*[\w., \t]+)?(?:[ \t]*#.*)?$)",
)
SCRIPT = ImportSyntax(
    _script,
    r"(?m)^[ \t]*(?:(?:import|export)\b[\w$*, \t]*(?:\{[^{}]*\})?[ \t]*from[ \t]*[\"'][^\"'\n]+[\"'];?"
    r"|(?:const|let|var)\b[^=\n]+=[ \t]*require\([^()\n]*\);?)",
)
DOTTED = ImportSyntax(
    _dotted("import"), r"(?m)^[ \t]*import[ \t]+(?:static[ \t]+)?[\w.*]+(?:[ \t]+as[ \t]+\w+)?[ \t]*;?[ \t]*$"
)
INCLUDE = ImportSyntax(_include, r"(?m)^[ \t]*#[ \t]*include[ \t]*[<\"].*$")
C_SHARP = ImportSyntax(_c_sharp, r"(?m)^[ \t]*(?:global[ \t]+)?using[ \t]+(?:static[ \t]+)?[\w.= \t]+;")
GO = ImportSyntax(_go, r"(?m)^[ \t]*import[ \t]*(?:\([^()]*\)|[\w.]*[ \t]*\"[^\"\n]*\")")
RUST = ImportSyntax(_rust, r"(?m)^[ \t]*(?:pub(?:\([^()]*\))?[ \t]+)?use[ \t]+[^;]*;")
RUBY = ImportSyntax(_ruby, r"(?m)^[ \t]*require(?:_relative)?[ \t(].*$")
PHP = ImportSyntax(_php, r"(?m)^[ \t]*use[ \t]+[^;()]*;")
