"""The command line itself: what every subcommand shares."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from lsp_server import __version__, cli


def call(
    *arguments: str | bytes, env: dict[str, str] | None = None, encoding: str = "utf-8"
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *([] if env else ["-X", "utf8"]), "-m", "lsp_server", *arguments]
    return subprocess.run(
        command, capture_output=True, check=False, encoding=encoding, timeout=60, env={**os.environ, **(env or {})}
    )


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


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
@pytest.mark.parametrize(
    ("arguments", "readable"),
    [
        (("models", "list"), "deepseek"),
        (("models", "show", "deepseek-coder-1.3b-base"), "1.3b"),
        (("--help",), "usage"),
    ],
)
def test_any_terminal_gets_something_readable(encoding, arguments, readable):
    found = call(*arguments, env={"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}, encoding=encoding)
    assert found.returncode == 0, found.stderr
    assert readable in found.stdout.lower()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a…b", "a...b"),
        ("‘x’ → “y”", "'x' -> \"y\""),
        ("é", "\\xe9"),
        ("日", "\\u65e5"),
        ("╭─", "+-"),
        ("\ud800", "\\ud800"),
    ],
)
def test_what_an_encoding_lacks_is_written_in_another_way(text, shown):
    program = f"from lsp_server import cli\ntry:\n    cli.main(['--version'])\nfinally:\n    print({text!a})"
    env = {"PYTHONIOENCODING": "ascii"}
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, env={**os.environ, **env}, timeout=60
    )
    assert found.stdout.decode("ascii").splitlines()[-1] == shown


def test_a_file_name_that_is_no_text_is_a_sentence():
    found = call("complete", b"\xff.py")
    assert found.returncode == 1
    assert found.stderr == "infill: There is no file \\udcff.py.\n"


@pytest.mark.parametrize("arguments", [("models", "list"), ("--help",)])
def test_a_pipe_that_is_closed_already_is_no_error(arguments):
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "lsp_server", *arguments]
    env = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    found = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, check=False, timeout=60, env=env)
    os.close(writer)
    assert found.stderr == b""
    assert found.returncode in (1, 141)  # 1 is rich's


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_output_without_room_is_a_sentence():
    env = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", "lsp_server", "models", "list", "--json"]
        found = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False, timeout=60, env=env)
    assert found.returncode == 1
    assert found.stderr.startswith(b"infill: ")
    assert found.stderr.count(b"\n") == 1


@pytest.mark.parametrize("arguments", [("complete", "-"), ("chat", "-")])
def test_a_closed_standard_input_is_a_sentence(arguments):
    command = f"{shlex.join([sys.executable, '-m', 'lsp_server', *arguments])} <&-"
    found = subprocess.run(["sh", "-c", command], capture_output=True, encoding="utf-8", check=False, timeout=60)
    assert (found.returncode, found.stderr) == (1, "infill: There is no standard input.\n")


@pytest.mark.parametrize("model", ["~nosuch/x.gguf", "~nosuch", "a" * 300 + ".gguf", "x\udcff.gguf"])
@pytest.mark.parametrize("command", [("complete", "FILE"), ("models", "show")])
def test_a_model_at_no_path_is_a_sentence(command, model, tmp_path):
    (tmp_path / "a.py").write_text("x = ")
    words = [str(tmp_path / "a.py") if word == "FILE" else word for word in command]
    option = (os.fsencode(model),) if command[0] == "models" else ("--model", os.fsencode(model))
    found = call(*words, *option)
    assert found.returncode == 1
    assert found.stderr.startswith("infill: ")
    assert found.stderr.count("\n") <= 2


@pytest.mark.parametrize("kind", ["load"])
@pytest.mark.parametrize("command", ["bench", "eval"])
def test_a_measurement_that_moved_says_where(command, kind):
    found = call(command, kind)
    assert found.returncode == 2
    assert f"python -m tests.{command} KIND" in found.stderr
