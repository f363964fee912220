"""Bring the editors in from Debian's newer suites: `python tests/editors/fetch.py`, some 250 MB, once.

Each suite's programs come with every library they need, are unpacked into a folder of their own under
`~/.cache/infill/editors`, and are patched to find those libraries: nothing is installed, no root is needed, and what
they start runs on the machine's own libraries. The mirror is the one that this machine's own packages come from.
rassumfrassum, which puts two language servers behind one for Emacs, comes by pip into an environment of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "infill" / "editors"


@dataclass(frozen=True, slots=True)
class Suite:
    """Programs of one suite; `packages` are what apt is asked for."""

    name: str
    packages: tuple[str, ...]
    programs: tuple[str, ...]

    @property
    def root(self) -> Path:
        """Where its files lie."""
        return CACHE / self.name

    def program(self, name: str) -> Path:
        """A program's file."""
        return self.root / "usr" / "bin" / name


SID = Suite(
    "sid",
    ("neovim", "hx", "emacs-nox", "elpa-company", "elpa-corfu", "tmux", "ncurses-term", "patchelf"),
    ("nvim", "hx", "emacs-nox", "tmux"),
)
TRIXIE = Suite("trixie", ("neovim", "patchelf"), ("nvim",))  # has an older Neovim
SUITES = (SID, TRIXIE)
RASS = CACHE / "rass" / "bin" / "rass"
RASS_PACKAGE = "rassumfrassum==0.3.5"


def ensure(suites: Sequence[Suite] = SUITES) -> None:
    """Fetch what is not there yet. Raises `RuntimeError` with what to do where that fails."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with FileLock(CACHE / "lock"):
        for suite in suites:
            _fetch(suite)
        if not RASS.exists():
            _install_rass()


def _fetch(suite: Suite) -> None:
    wanted = " ".join(suite.packages)
    done = suite.root / "fetched"
    if not done.exists() or done.read_text() != wanted:
        shutil.rmtree(suite.root, ignore_errors=True)
        _unpack(suite, _download(suite))
        _patch(suite)
        done.write_text(wanted)


def _install_rass() -> None:
    folder = RASS.parents[1]
    for command in (
        [sys.executable, "-m", "venv", "--clear", folder],
        [RASS.with_name("python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", RASS_PACKAGE],
    ):
        done = subprocess.run(command, capture_output=True, check=False, encoding="utf-8")
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(map(str, command))} failed:\n{done.stdout}{done.stderr}")


def _download(suite: Suite) -> list[Path]:
    """The packages' files and those of all they depend on."""
    apt = suite.root / "apt"
    for folder in ("lists/partial", "archives/partial"):
        (apt / folder).mkdir(parents=True)
    (apt / "status").touch()
    (apt / "sources.list").write_text(_source(suite.name))
    (apt / "apt.conf").write_text(
        f'Dir::Etc::SourceList "{apt}/sources.list"; Dir::Etc::SourceParts "/dev/null";\n'
        f'Dir::State "{apt}"; Dir::State::Lists "{apt}/lists"; Dir::State::status "{apt}/status";\n'
        f'Dir::Cache "{apt}"; Dir::Cache::Archives "{apt}/archives"; Acquire::Languages "none";\n'
        'APT::Sandbox::User ""; APT::Install-Recommends "false";\n'
    )
    _apt(apt, "update")
    _apt(apt, "install", "--yes", "--download-only", *suite.packages)
    return sorted((apt / "archives").glob("*.deb"))


def _source(suite: str) -> str:
    """A line for `sources.list`: where this machine gets its own release from, with another suite."""
    release = _os_release()["VERSION_CODENAME"]
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(CREATED_BY)|$(RELEASE)|$(COMPONENT)|$(REPO_URI)"],
        capture_output=True,
        check=True,
        encoding="utf-8",
    ).stdout
    for line in listed.splitlines():
        created_by, of, component, uri = line.split("|")
        if (created_by, of, component) == ("Packages", release, "main"):
            return f"deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {uri} {suite} main\n"
    raise RuntimeError(
        f"apt knows no mirror of Debian {release}; run `apt-get update` on a Debian system and try again."
    )


def _os_release() -> dict[str, str]:
    lines = Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
    return {name: value.strip('"') for name, _, value in (line.partition("=") for line in lines)}


def _apt(folder: Path, *arguments: str) -> None:
    environment = {**os.environ, "APT_CONFIG": str(folder / "apt.conf"), "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(
        ["apt-get", "-q", *arguments], env=environment, capture_output=True, check=False, encoding="utf-8"
    )
    if done.returncode != 0:
        raise RuntimeError(f"apt-get {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")


def _unpack(suite: Suite, packages: list[Path]) -> None:
    for package in packages:
        subprocess.run(["dpkg-deb", "--extract", package, suite.root], check=True)
    shutil.rmtree(suite.root / "apt")
    # Since /usr was merged, packages say /usr/lib alone; the programs' own paths still begin at /lib.
    for name in ("lib", "lib64"):
        if not (suite.root / name).exists():
            (suite.root / name).symlink_to(f"usr/{name}")


def _patch(suite: Suite) -> None:
    """Have the programs use their own libraries, and nothing that they start."""
    loader = next((suite.root / "usr").glob("lib*/ld-linux-*"))
    libraries = [folder for folder in (suite.root / "usr" / "lib").glob("*-linux-gnu") if folder.is_dir()]
    path = ":".join(str(folder) for folder in libraries)
    patchelf = [loader, "--library-path", path, suite.program("patchelf")]
    for name in suite.programs:
        subprocess.run(
            [
                *patchelf,
                "--force-rpath",
                "--set-interpreter",
                loader,
                "--set-rpath",
                path,
                suite.program(name).resolve(),
            ],
            check=True,
        )


if __name__ == "__main__":
    try:
        ensure()
    except RuntimeError as error:
        sys.exit(str(error))
    print(RASS)
    for each in SUITES:
        print(f"{each.name}: {', '.join(str(each.program(name)) for name in each.programs)}")
