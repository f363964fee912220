"""Runs a program that a model wrote, to see whether its tests pass: in a child process with limits."""

from __future__ import annotations

import contextlib
import math
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lsp_server.base.errors import InfillError

Kind = Literal["passed", "wrong", "error", "timed out"]

MEMORY_BYTES = 1 << 30
_SCRIPT = Path(__file__).with_name("sandbox_child.py")
_MAX_REPORT_BYTES = 4096
_CPU_TIME_IS_UP = (-signal.SIGXCPU, 128 + signal.SIGXCPU) if hasattr(signal, "SIGXCPU") else ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a program ended: `wrong` if an assertion failed, `error` for every other failure. `detail` explains it."""

    kind: Kind
    detail: str = ""


def require_sandbox() -> None:
    """Raise `InfillError` on systems that cannot limit programs."""
    if os.name != "posix":
        raise InfillError("Candidates are only run on Linux and macOS, which can limit them. Add --no-run.")


def run_program(program: str, timeout_s: float, memory_bytes: int = MEMORY_BYTES) -> Verdict:
    """Run a program to its end, or for `timeout_s` by the clock or of processor time.

    A program that exits early has not passed. Every process that it started is killed.
    """
    secret = secrets.token_hex(8)
    reading, writing = os.pipe()
    os.set_blocking(reading, False)  # a process that is left could hold the other end
    try:
        with tempfile.TemporaryDirectory(prefix="infill-eval-", ignore_cleanup_errors=True) as folder:
            try:
                process = _start(writing, memory_bytes, timeout_s, folder)
            finally:
                os.close(writing)
            code = _finish(process, f"{secret}\n{program}", timeout_s)
        report = b""
        with contextlib.suppress(BlockingIOError):
            report = os.read(reading, _MAX_REPORT_BYTES)
        return _verdict(code, secret, report.decode("utf-8", "replace"))
    finally:
        os.close(reading)


def _start(writing: int, memory_bytes: int, timeout_s: float, folder: str) -> subprocess.Popen[bytes]:
    arguments = [writing, memory_bytes, max(1, math.ceil(timeout_s))]
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-B", "-X", "utf8", str(_SCRIPT), *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        env={},
        pass_fds=(writing,),
        start_new_session=True,
    )


def _finish(process: subprocess.Popen[bytes], text: str, timeout_s: float) -> int | None:
    """The exit status, None after the timeout."""
    try:
        process.communicate(text.encode("utf-8", "replace"), timeout=timeout_s)
    except subprocess.TimeoutExpired:
        return None
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    return process.returncode


def _verdict(code: int | None, secret: str, report: str) -> Verdict:
    begins, _, said = report.partition(" ")
    if code is None:
        return Verdict("timed out", "took too long")
    if code in _CPU_TIME_IS_UP:
        return Verdict("timed out", "took too much of the processor")
    if begins != secret:
        return Verdict("error", f"ended before its tests did (status {code})")
    if said == "passed":
        return Verdict("passed")
    if said == "wrong":
        return Verdict("wrong", "a test failed")
    return Verdict("error", said.removeprefix("error: "))
