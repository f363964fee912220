"""The command `infill` in this process: what it prints, and its exit status. Its engines are real processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from lsp_server import cli
from lsp_server.settings.files import user_file


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a call."""

    status: int
    out: str
    err: str

    def sentence(self) -> str:
        """The error, which is one or two lines that begin with the command's name and say what to do."""
        assert self.status != 0
        assert self.out == ""
        assert self.err.startswith("infill: "), self.err
        assert self.err.count("\n") <= 2
        assert "Traceback" not in self.err
        return self.err


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder infill is called in, with settings of nobody."""
    monkeypatch.chdir(tmp_path)
    for name in ("HOME", "XDG_CONFIG_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "nobody"))
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path


@pytest.fixture
def trusted(project: Path) -> Path:
    """The same folder, which the user's own settings trust."""
    user_file().parent.mkdir(parents=True)
    user_file().write_text(f"trusted_folders = ['{project}']\n", encoding="utf-8")
    return project


@pytest.fixture
def infill(project: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """Call it."""
    return caller(cli.main, capfd)


def caller(main: Callable[[Sequence[str]], int], capfd: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """Calls a program's entry point with arguments, and collects what came of it."""

    def call(*arguments: str) -> Result:
        try:
            status = main(arguments)
        except SystemExit as exit_:  # of argparse
            status = int(exit_.code or 0)
        return Result(status, *capfd.readouterr())

    return call


@pytest.fixture
def source(project: Path) -> Callable[..., str]:
    """Write a file into the project; its name."""

    def write(content: str | bytes, name: str = "main.py") -> str:
        path = project / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return name

    return write
