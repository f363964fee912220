"""The command line itself: what every subcommand shares."""

from __future__ import annotations

import subprocess
import sys

import pytest

from lsp_server import __version__, cli


def call(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-X", "utf8", "-m", "lsp_server", *arguments]
    return subprocess.run(command, capture_output=True, check=False, encoding="utf-8", timeout=60)


def test_its_version():
    assert call("--version").stdout.split() == ["infill", __version__]


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_says_what_it_does(name):
    found = call(name, "--help")
    assert found.returncode == 0
    assert cli.COMMANDS[name].split()[0] in found.stdout.lower()


def test_an_unknown_command_is_refused_with_those_that_there_are():
    found = call("compleet")
    assert found.returncode == 2
    assert "complete" in found.stderr
    assert "Traceback" not in found.stderr


def test_nobody_reads_the_output_to_its_end():
    command = [sys.executable, "-m", "lsp_server", "doctor"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        errors = process.stderr.read()
    assert process.returncode in (0, 1, 141)  # 1 is rich's
    assert b"Traceback" not in errors


def test_a_port_that_is_none_is_a_sentence():
    found = call("serve", "--tcp", "nonsense")
    assert found.returncode == 1
    assert found.stderr.startswith("infill: --tcp needs a port")
