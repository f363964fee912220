"""`python -m tests.eval.passthrough.fetch [FOLDER]`: the packages of `packages.tsv`, for `tests.eval passthrough`.

Each comes by the client of its registry (apt, npm, pip), in an exact version, and is compared with its checksum. No
code of a package is run. What is there already is not fetched again.
"""

from __future__ import annotations

import csv
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from lsp_server.base.errors import InfillError
from tests.eval.passthrough.corpus import FOLDER, MAX_BYTES, language_of, text_of

PACKAGES = Path(__file__).with_name("packages.tsv")
MAX_FILES = 40  # of a package in one language
# Debian's clients keep several lists. These options make apt read sources, in a folder of our own.
_APT = """Dir::Etc::sourcelist "{folder}/sources.list";
Dir::Etc::sourceparts "{folder}/parts";
Dir::State::lists "{folder}/lists";
Dir::Cache "{folder}/cache";
APT::Sandbox::User "root";
"""


class Package(NamedTuple):
    """A package and the SHA-256 of its archive. `registry` is `debian`, `npm` or `pypi`."""

    registry: str
    name: str
    version: str
    archive: str
    sha256: str


def packages() -> list[Package]:
    """The pinned packages."""
    with PACKAGES.open(encoding="utf-8", newline="") as lines:
        return [Package(*row) for row in csv.reader(lines, delimiter="\t")][1:]


def fetch(folder: Path, downloads: Path) -> list[str]:
    """Fetch what the folder lacks. Archives that are in `downloads` already are taken from there.

    Returns a sentence for each package that could not be had.
    """
    problems = []
    wanted = [each for each in packages() if not (folder / each.name.replace("/", "+")).is_dir()]
    for package in sorted(wanted):
        print(f"{package.name} {package.version}", flush=True)
        try:
            archive = downloads / package.archive
            said = "" if archive.exists() else _download(package, downloads)
            if not archive.exists():  # a client may fail at another archive of a source package
                raise InfillError(said)
            _unpack(package, archive, folder / package.name.replace("/", "+"))
        except (InfillError, OSError) as error:
            problems.append(f"{package.name} {package.version}: {error}")
    return problems


def _download(package: Package, downloads: Path) -> str:
    """Call the registry's client. Returns the end of what it said."""
    pinned = f"{package.name}@{package.version}"
    match package.registry:
        case "npm":
            return _run(["npm", "pack", "--silent", "--ignore-scripts", pinned], downloads)
        case "pypi":
            pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:"]
            platforms = ["--platform", "manylinux_2_12_x86_64", "--platform", "any"]
            return _run([*pip, *platforms, pinned.replace("@", "==")], downloads)
        case _:
            apt = ["apt-get", "-c", _apt_options(downloads), "-qq", "source", "--download-only", "--tar-only"]
            return _run([*apt, f"{package.name}={package.version}"], downloads)


def _apt_options(downloads: Path) -> str:
    """A file of options with which apt knows the sources of what this machine installs from."""
    folder = downloads / "apt"
    options = folder / "options"
    if options.exists():
        return str(options)
    for name in ("parts", "lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    etc = Path("/etc/apt")
    for file in etc.glob("sources.list.d/*.sources"):
        (folder / "parts" / file.name).write_text(file.read_text().replace("Types: deb\n", "Types: deb-src\n"))
    listed = etc / "sources.list"
    lines = listed.read_text().splitlines() if listed.exists() else []
    (folder / "sources.list").write_text("".join(f"{line.replace('deb ', 'deb-src ', 1)}\n" for line in lines))
    written = _APT.format(folder=folder)
    pending = folder / "pending"
    pending.write_text(written)
    _run(["apt-get", "-c", str(pending), "-qq", "update"], downloads)
    return str(pending.rename(options))


def _run(command: list[str], folder: Path) -> str:
    """Run a registry's client. Returns the end of what it said. Raises `InfillError` if it is not installed."""
    program = shutil.which(command[0])
    if program is None:
        raise InfillError(f"{command[0]} is not installed.")
    done = subprocess.run([program, *command[1:]], cwd=folder, capture_output=True, text=True, check=False)
    return f"{command[0]} says: {(done.stderr or done.stdout).strip()[-300:]}"


def _unpack(package: Package, archive: Path, folder: Path) -> None:
    """Write the files that count. They are chosen by the digest of their path. Raises `InfillError`."""
    if hashlib.sha256(archive.read_bytes()).hexdigest() != package.sha256:
        raise InfillError(f"{archive.name} is not the archive that packages.tsv pins: its checksum differs.")
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(dir=archive.parent) as made:
        files = Path(made).resolve() / "files"
        files.mkdir()
        for path, content in sorted(_members(archive), key=lambda each: hashlib.sha256(each[0].encode()).digest()):
            language = language_of(path)
            if language is None or counts[language] == MAX_FILES or text_of(content) is None:
                continue
            counts[language] += 1
            target = (files / path).resolve()
            if not target.is_relative_to(files):
                raise InfillError(f"{archive.name} has a file outside of itself: {path}")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        files.rename(folder)  # whole or not at all


def _members(archive: Path) -> Iterator[tuple[str, bytes]]:
    """Path and content of the files that may count."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as zipped:
            for info in zipped.infolist():
                if info.file_size <= MAX_BYTES and language_of(info.filename):
                    yield info.filename, zipped.read(info)
        return
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.isfile() and member.size <= MAX_BYTES and language_of(member.name):
                content = tar.extractfile(member)
                assert content is not None
                yield member.name, content.read()


def main() -> int:
    """Fetch into the folder that the command line names. Returns the exit status."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    downloads = folder.with_name(f"{folder.name}-downloads")
    for each in (folder, downloads):
        each.mkdir(parents=True, exist_ok=True)
    problems = fetch(folder.resolve(), downloads.resolve())
    print(*problems, sep="\n", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
