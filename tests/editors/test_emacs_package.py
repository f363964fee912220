"""infill's package for Emacs without a screen: compiled, its documentation checked, its pure parts tried."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.editors.emacs import PACKAGE, make_environment

TESTS = Path(__file__).with_name("infill-tests.el")


@pytest.fixture
def emacs(tmp_path):
    """Run Emacs on a copy of the package; returns what it says."""
    for file in PACKAGE.glob("*.el"):
        shutil.copy(file, tmp_path)
    environment = make_environment(tmp_path)

    def run(*arguments):
        command = [tmp_path / "bin" / "emacs", "--batch", "-Q", "-L", ".", *arguments]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, check=False, encoding="utf-8"
        )
        return done.returncode, done.stdout + done.stderr

    return run


FILES = sorted(file.name for file in PACKAGE.glob("*.el"))


def test_it_compiles_without_a_warning(emacs):
    assert emacs("-f", "batch-byte-compile", *FILES) == (0, "")


@pytest.mark.parametrize("name", FILES)
def test_its_documentation_is_as_emacs_wants_it(emacs, name):
    assert emacs("--eval", f'(checkdoc-file "{name}")') == (0, "")


def test_its_pure_parts(emacs):
    status, said = emacs("-l", TESTS, "-f", "ert-run-tests-batch-and-exit")
    assert status == 0, said
    assert re.search(r"Ran (\d\d+) tests, \1 results as expected, 0 unexpected", said), said


def test_its_files_are_short_enough_to_read():
    for name in FILES:
        assert len((PACKAGE / name).read_text(encoding="utf-8").splitlines()) < 400
