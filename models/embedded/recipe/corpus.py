"""The corpus: Python files of the standard library and of pinned packages, deduplicated, without what is held out."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
STANDARD_LIBRARY = "python"
# A file is a copy if this share of its telling lines has been seen; of held-out text far less is too much.
MAX_SEEN, MAX_HELD_OUT = 0.6, 0.15
TELLING_CHARACTERS = 24
MIN_CHARACTERS, MAX_CHARACTERS, LONGEST_LINE = 200, 200_000, 400


@dataclass(frozen=True, slots=True)
class Document:
    """A source file: the package it is from, its path in there, its text with `\\n` line breaks."""

    package: str
    path: str
    text: str


def read_documents(downloads: Path) -> list[Document]:
    """The corpus. Packages are downloaded to a folder once."""
    packages = tomllib.loads((HERE / "corpus.toml").read_text(encoding="utf-8"))["packages"]
    held_out = held_out_modules()
    seen = Seen(text for name in held_out for text in texts_of_module(name))
    documents: list[Document] = []
    for document in (*_standard_library(), *_packages(packages, downloads)):
        if Path(document.path).stem in held_out or _package_folder(document.path) in held_out:
            continue
        if _is_readable(document.text) and seen.take(document.text):
            documents.append(document)
    return documents


def held_out_modules() -> set[str]:
    """Names of modules that are never trained on."""
    lines = (HERE / "held_out.txt").read_text(encoding="utf-8").splitlines()
    return {line for line in lines if line and not line.startswith("#")}


class Seen:
    """Remembers lines, to tell copies: of what is in the corpus already, and of what is held out."""

    def __init__(self, held_out: Iterator[str]) -> None:
        self._held_out = {line for text in held_out for line in _telling_lines(text)}
        self._lines: set[bytes] = set()

    def take(self, text: str) -> bool:
        """Whether a text is new; then it is remembered."""
        lines = _telling_lines(text)
        if not lines:
            return False
        if len(lines & self._lines) > MAX_SEEN * len(lines) or len(lines & self._held_out) > MAX_HELD_OUT * len(lines):
            return False
        self._lines |= lines
        return True


def _telling_lines(text: str) -> set[bytes]:
    """Digests of the lines that are long enough to tell one file from another."""
    lines = {line.strip() for line in text.split("\n")}
    return {hashlib.blake2b(line.encode(), digest_size=8).digest() for line in lines if len(line) >= TELLING_CHARACTERS}


def _is_readable(text: str) -> bool:
    """Whether a person wrote it: not tables, not generated code, not nearly empty."""
    if not MIN_CHARACTERS <= len(text) <= MAX_CHARACTERS or "\0" in text:
        return False
    lines = text.split("\n")
    numbers = sum(character.isdigit() for character in text)
    return max(map(len, lines)) <= LONGEST_LINE and numbers < 0.12 * len(text) and "generated" not in text[:600].lower()


def _package_folder(path: str) -> str:
    parts = Path(path).parts
    return parts[-2] if len(parts) > 1 else ""


def texts_of_module(name: str) -> list[str]:
    """A held-out module of the running Python's standard library: one file, or a folder of them."""
    library = Path(sysconfig.get_path("stdlib"))
    files = [library / f"{name}.py", *sorted((library / name).rglob("*.py"))]
    return [file.read_text(encoding="utf-8") for file in files if file.exists()]


def _standard_library() -> Iterator[Document]:
    library = Path(sysconfig.get_path("stdlib"))
    for path in sorted(library.rglob("*.py")):
        relative = path.relative_to(library)
        if not {"site-packages", "lib2to3", "pydoc_data", "encodings"} & set(relative.parts):
            yield from _document(STANDARD_LIBRARY, relative.as_posix(), path.read_bytes())


def _packages(packages: dict[str, dict[str, str]], downloads: Path) -> Iterator[Document]:
    downloads.mkdir(parents=True, exist_ok=True)
    for name, about in packages.items():
        archive = _download(name, about["version"], downloads)
        with zipfile.ZipFile(archive) as files:
            for path in sorted(files.namelist()):
                if path.endswith(".py"):
                    yield from _document(name, path, files.read(path))


def _download(name: str, version: str, downloads: Path) -> Path:
    """The wheel of a package."""
    stem = name.replace("-", "_")
    pattern = f"{stem}-{version}-*.whl"
    if not list(downloads.glob(pattern)):
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "-q",
            "--no-deps",
            "--only-binary=:all:",
            "-d",
            str(downloads),
        ]
        subprocess.run([*command, f"{name}=={version}"], check=True)
    return next(downloads.glob(pattern))


def _document(package: str, path: str, content: bytes) -> Iterator[Document]:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return
    yield Document(package, path, text.replace("\r\n", "\n").replace("\r", "\n"))
