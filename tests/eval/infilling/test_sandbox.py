"""Programs that misbehave, each in a real process: none passes, none hangs, none leaves anything behind."""

import ast
import ctypes
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil
import pytest

from lsp_server.base.errors import InfillError
from tests.eval.infilling import sandbox_child
from tests.eval.infilling.sandbox import MEMORY_BYTES, require_sandbox, run_program

pytestmark = pytest.mark.skipif(os.name != "posix", reason="programs are run on Linux and macOS only")
only_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other kernels do not limit this")

TIMEOUT_S = 2.0
ROOMY_S = 30.0  # for programs that end by themselves, on a machine that is busy

TOLD_NOTHING = """
import os, sys
assert set(os.environ) <= {"LC_CTYPE"}  # which Python sets itself
assert not sys.stdin.read()
"""
SAYS_THAT_IT_PASSED = """
import contextlib, os
for descriptor in range(3, 60):
    with contextlib.suppress(OSError):
        os.write(descriptor, b"passed")
os._exit(0)
"""


@pytest.mark.parametrize(
    ("program", "kind", "detail"),
    [
        pytest.param("assert 1 + 1 == 2", "passed", "", id="right"),
        pytest.param("assert 1 + 1 == 3", "wrong", "a test failed", id="wrong"),
        pytest.param("1 / 0", "error", "ZeroDivisionError: division by zero", id="raises"),
        pytest.param("x x", "error", "SyntaxError", id="no program"),
        pytest.param("def f(): return f()\nf()", "error", "RecursionError", id="recursion without end"),
        pytest.param("raise SystemExit(0)", "error", "SystemExit: 0", id="exits early"),
        pytest.param("import os\nos._exit(0)", "error", "before its tests", id="exits early by force"),
        pytest.param("import os\nos.kill(os.getpid(), 9)", "error", "before its tests", id="kills itself"),
        pytest.param("raise KeyboardInterrupt", "error", "KeyboardInterrupt", id="interrupts"),
        pytest.param("raise ValueError('x' * 100_000)", "error", "ValueError: xxx", id="a long message"),
        pytest.param("raise ValueError('\\ud800')", "error", "ValueError", id="a message that is no text"),
        pytest.param(SAYS_THAT_IT_PASSED, "error", "before its tests", id="says that it passed"),
        pytest.param("x = [0] * (1 << 30)", "error", "MemoryError", id="eats memory at once", marks=only_linux),
        pytest.param(
            "x = []\nwhile True: x.append('x' * 1_000_000)", "error", "MemoryError", id="eats memory", marks=only_linux
        ),
        pytest.param("import os\nos.fork()", "error", "PermissionError: no processes", id="forks"),
        pytest.param("import os\nos.system('true')", "error", "PermissionError", id="calls a shell"),
        pytest.param(
            "import subprocess, sys\nsubprocess.run([sys.executable])", "error", "Perm", id="starts a program"
        ),
        pytest.param("import multiprocessing as m\nm.Process(target=print).start()", "error", "Perm", id="a worker"),
        pytest.param(
            "print('x' * 1_000_000)\nassert open('a', 'w').write('x') == 1", "passed", "", id="its own folder"
        ),
        pytest.param("open('a', 'wb').write(bytes(1 << 24))", "error", "OSError", id="a large file"),
        pytest.param("import dataclasses, heapq, json, math, re, typing", "passed", "", id="the standard library"),
        pytest.param("import lsp_server", "error", "ModuleNotFoundError", id="nothing else"),
        pytest.param(
            "import threading\nthreading.Thread(target=threading.Event().wait).start()",
            "passed",
            "",
            id="a thread left",
        ),
        pytest.param(TOLD_NOTHING, "passed", "", id="told nothing"),
    ],
)
def test_programs_that_end(program, kind, detail):
    verdict = run_program(program, ROOMY_S)
    assert verdict.kind == kind, verdict
    assert detail in verdict.detail
    assert len(verdict.detail) < 300


@pytest.mark.parametrize(
    "program",
    [
        pytest.param("while True: pass", id="loops"),
        pytest.param("import time\ntime.sleep(1000)", id="sleeps"),
        pytest.param("while True: print('x' * 1_000_000)", id="prints without end"),
        pytest.param(
            "while True:\n  try:\n    while True: pass\n  except BaseException: pass", id="catches everything"
        ),
        pytest.param("import signal\nsignal.signal(15, signal.SIG_IGN)\nwhile True: pass", id="ignores signals"),
        pytest.param("import sys, time\nsys.stdin.close(); sys.stdout.close(); time.sleep(1000)", id="closes its ends"),
    ],
)
def test_programs_that_do_not_end_are_ended(program):
    assert run_program(program, TIMEOUT_S).kind == "timed out"


def test_time_of_the_processor_is_limited_by_the_system():
    script = Path(sandbox_child.__file__)
    arguments = (1, MEMORY_BYTES, 1)  # where to report, and a second of the processor
    found = subprocess.run(
        [sys.executable, "-I", "-S", str(script), *map(str, arguments)],
        input=b"secret\nwhile True: pass",
        capture_output=True,
        timeout=ROOMY_S,
        check=False,
    )
    assert found.stdout == b""
    assert abs(found.returncode) % 128 == signal.SIGXCPU


@only_linux
def test_a_process_that_python_does_not_know_of_is_ended():
    name = f"left-behind-{os.getpid()}"
    program = f"""
import ctypes, os, time
libc = ctypes.CDLL(None)
if libc.fork() == 0:
    libc.setsid()
    libc.prctl(15, b"{name[:15]}", 0, 0, 0)
    time.sleep(1000)
"""
    if not _has_namespaces():
        pytest.skip("this system does not let users have namespaces")
    assert run_program(program, ROOMY_S).kind == "passed"
    deadline = time.monotonic() + ROOMY_S
    while _is_running(name[:15]):
        assert time.monotonic() < deadline, "it is still there"
        time.sleep(0.05)


def _is_running(name):
    return any(process.info["name"] == name for process in psutil.process_iter(["name"]))


def _has_namespaces():
    program = "import os\nassert os.getpid() < 10"
    return run_program(program, ROOMY_S).kind == "passed"


def test_nothing_is_reached_over_the_network():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        port = server.getsockname()[1]
        program = f"import socket\nsocket.create_connection(('127.0.0.1', {port})).sendall(b'x')"
        assert run_program(program, ROOMY_S).kind == "error"
        with pytest.raises(TimeoutError):
            server.accept()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("open({path!r}, 'w')", id="writes"),
        pytest.param("open({path!r}, 'a')", id="appends"),
        pytest.param("open({path!r}, 'r+')", id="opens to write"),
        pytest.param("os.open({path!r}, os.O_CREAT | os.O_WRONLY)", id="by descriptor"),
        pytest.param("os.mkdir({path!r} + 'x')", id="makes a folder"),
        pytest.param("os.truncate({path!r}, 0)", id="empties"),
        pytest.param("os.chmod({path!r}, 0)", id="takes rights away"),
        pytest.param("os.remove({path!r})", id="deletes"),
        pytest.param("os.rename({path!r}, 'mine')", id="takes"),
        pytest.param("os.symlink('/', {path!r} + 'x')", id="links"),
        pytest.param("import pathlib\npathlib.Path({path!r}).write_text('x')", id="by path"),
        pytest.param("import shutil\nshutil.rmtree(os.path.dirname({path!r}))", id="deletes a tree"),
    ],
)
def test_files_elsewhere_stay_as_they_are(change, tmp_path):
    path = tmp_path / "precious"
    path.write_text("kept", encoding="utf-8")
    verdict = run_program("import os\n" + change.format(path=str(path)), ROOMY_S)
    assert verdict.kind == "error"
    assert "Error" in verdict.detail
    assert path.read_text(encoding="utf-8") == "kept"
    assert list(tmp_path.iterdir()) == [path]


@only_linux
@pytest.mark.parametrize(
    "call", ["truncate(path, 0)", "unlink(path)", "creat(path + b'x', 0)", "mkdir(path + b'x', 0)"]
)
def test_the_kernel_keeps_files_as_they_are(call, tmp_path):
    if not _has_landlock():
        pytest.skip("this kernel has no Landlock that knows all of this")
    path = tmp_path / "precious"
    path.write_text("kept", encoding="utf-8")
    program = f"import ctypes\npath = {os.fsencode(path)!r}\nassert ctypes.CDLL(None).{call} == 0"
    assert run_program(program, ROOMY_S).kind == "wrong"
    assert path.read_text(encoding="utf-8") == "kept"
    assert list(tmp_path.iterdir()) == [path]


def _has_landlock():
    return ctypes.CDLL(None).syscall(444, None, ctypes.c_size_t(0), 1) >= 3


def test_no_folder_is_left_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    program = "import os\nos.makedirs('a/b')\nopen('a/b/c', 'w').close()\nassert os.getcwd().startswith({!r})"
    assert run_program(program.format(str(tmp_path)), ROOMY_S).kind == "passed"
    assert list(tmp_path.iterdir()) == []


def test_many_at_once_do_not_mix():
    found = {}

    def run(number):
        found[number] = run_program(f"assert {number} % 2 == 0", ROOMY_S).kind

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: "passed" if number % 2 == 0 else "wrong" for number in range(8)}


def test_no_descriptor_is_left_open():
    process = psutil.Process()
    run_program("pass", ROOMY_S)
    before = process.num_fds()
    for program in ("pass", "import os\nos._exit(0)"):
        run_program(program, ROOMY_S)
    assert process.num_fds() == before


def test_where_nothing_limits_programs_they_are_not_run(monkeypatch):
    monkeypatch.setattr("tests.eval.infilling.sandbox.os.name", "nt")
    with pytest.raises(InfillError, match="--no-run"):
        require_sandbox()


@pytest.mark.parametrize(
    ("event", "arguments", "is_refused"),
    [
        ("socket.__new__", (), True),
        ("socket.connect", (), True),
        ("os.fork", (), True),
        ("open", ("/etc/x", "w", os.O_WRONLY), True),
        ("open", ("/etc/x", "r", os.O_RDONLY), False),
        ("open", (b"/etc/x", None, os.O_RDWR), True),
        ("open", ("inside", "w", os.O_WRONLY), False),
        ("open", (os.devnull, "w", os.O_WRONLY), False),
        ("open", (1, "w", os.O_WRONLY), False),
        ("os.remove", ("../x", -1), True),
        ("os.remove", ("x", -1), False),
        ("os.rename", ("x", "/etc/x", -1, -1), True),
        ("os.rename", ("/etc/x", "x", -1, -1), True),
        ("import", ("json",), False),
    ],
)
def test_what_python_refuses_where_the_kernel_does_not(event, arguments, is_refused, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    hook = sandbox_child.refuse(network=True)
    if is_refused:
        with pytest.raises(PermissionError):
            hook(event, arguments)
    else:
        hook(event, arguments)


def test_the_script_needs_nothing_of_the_package():
    """It runs without what is installed."""
    tree = ast.parse(Path(sandbox_child.__file__).read_text(encoding="utf-8"))
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    modules |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert {module.split(".")[0] for module in modules} <= sys.stdlib_module_names
