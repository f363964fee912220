"""The child process of `sandbox`: runs a program that nobody has read, with limits.

It uses what the kernel offers an ordinary user: resource limits everywhere, namespaces and Landlock on Linux.
Namespaces take the network away, and end every process with this one. Landlock forbids changes outside of the working
folder. Audit hooks make Python refuse such calls on every system. They stop mistakes of a model, but no attack.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import struct
import sys
import types
from collections.abc import Callable
from typing import Any

_CLONE_NEWUSER, _CLONE_NEWIPC, _CLONE_NEWPID, _CLONE_NEWNET = 0x10000000, 0x08000000, 0x20000000, 0x40000000
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
# Landlock's calls have the same numbers on all architectures. The rights are those of its first version and one of its
# third.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_WRITE_FILE = 1 << 1
_CHANGE_FOLDERS = sum(1 << bit for bit in range(4, 13))  # make and remove anything
_TRUNCATE, _KNOWS_TRUNCATE = 1 << 14, 3
_PATH_BENEATH = 1
_TELL_VERSION = 1

_MAX_FILE_BYTES = 1 << 20
_MAX_FILES = 64
_MAX_PROCESSES = 16  # threads among them
_MAX_REPORT_CHARACTERS = 200
_SIGNALLED = 128

_STARTS_PROCESSES = ("os.fork", "os.forkpty", "os.posix_spawn", "os.exec", "os.spawn", "os.system", "subprocess.Popen")
_CHANGES_FILES = (
    *("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate"),
    *("os.chmod", "os.chown", "os.utime"),
)
_WRITE_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def main() -> None:
    """Arguments: a descriptor to report to, the limits of memory in bytes and of processor time in seconds.

    Standard input has a secret line, with which the report begins, and then the program.
    """
    descriptor, memory_bytes, cpu_seconds = map(int, sys.argv[1:])
    secret, _, program = sys.stdin.buffer.read().decode("utf-8").partition("\n")
    is_apart = _leave_namespaces()
    _limit(memory_bytes, cpu_seconds)
    _lock_files()
    sys.addaudithook(refuse(network=not is_apart))
    report = f"{secret} {_run(program)}"
    os.write(descriptor, report.encode("utf-8", "replace"))
    os._exit(0)  # even if threads are left


def _run(program: str) -> str:
    """`passed`, `wrong` for a failed assertion, or `error: ` with the exception."""
    module = types.ModuleType("candidate")
    sys.modules["candidate"] = module
    try:
        exec(compile(program, "candidate.py", "exec"), module.__dict__)
    except AssertionError:
        return "wrong"
    except BaseException as error:  # noqa: BLE001  (a program may raise anything, and exit)
        return f"error: {type(error).__name__}: {error}"[:_MAX_REPORT_CHARACTERS]
    return "passed"


def _leave_namespaces() -> bool:
    """Go on in namespaces without network and other processes. Returns False where the system forbids it."""
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWIPC | _CLONE_NEWPID | _CLONE_NEWNET):
        return False
    _go_on_in_child(libc)  # the first process of the namespace: its end ends all others
    _go_on_in_child(libc)  # the first process ignores signals, so the program runs in a second one
    return True


def _go_on_in_child(libc: ctypes.CDLL) -> None:
    """Fork and return in the child. The parent waits, and ends with the child's status."""
    if child := os.fork():
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        os._exit(code if code >= 0 else _SIGNALLED - code)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _limit(memory_bytes: int, cpu_seconds: int) -> None:
    import resource

    limits = {
        resource.RLIMIT_CORE: (0, 0),
        resource.RLIMIT_CPU: (cpu_seconds, cpu_seconds + 1),
        resource.RLIMIT_FSIZE: (_MAX_FILE_BYTES, _MAX_FILE_BYTES),
        resource.RLIMIT_NOFILE: (_MAX_FILES, _MAX_FILES),
        resource.RLIMIT_NPROC: (_MAX_PROCESSES, _MAX_PROCESSES),
        resource.RLIMIT_AS: (memory_bytes, memory_bytes),
    }
    for kind, limit in limits.items():
        with contextlib.suppress(ValueError, OSError):  # macOS refuses some
            resource.setrlimit(kind, limit)


def _lock_files() -> None:
    """Allow changes of files in the working folder only, if the kernel has Landlock."""
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _TELL_VERSION)
    if version < 1:
        return
    rights = _WRITE_FILE | _CHANGE_FOLDERS | (_TRUNCATE if version >= _KNOWS_TRUNCATE else 0)
    attributes = struct.pack("=Q", rights)
    ruleset = libc.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    for path, allowed in ((".", rights), (os.devnull, _WRITE_FILE)):
        at = os.open(path, os.O_PATH | os.O_CLOEXEC)
        libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, struct.pack("=Qi", allowed, at), 0)
        os.close(at)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.syscall(_RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


def refuse(*, network: bool) -> Callable[[str, tuple[Any, ...]], None]:
    """An audit hook that forbids processes and changes of files elsewhere, and the network if `network` says so.

    The kernel's limit of processes does not hold for a superuser.
    """
    folder = os.path.realpath(".")

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _STARTS_PROCESSES:
            raise PermissionError("no processes")
        if network and event.startswith("socket."):
            raise PermissionError("no network")
        if event in _CHANGES_FILES or (event == "open" and (arguments[2] or 0) & _WRITE_FLAGS):
            for path in arguments[:2] if event in ("os.rename", "os.link") else arguments[:1]:
                if not _is_within(path, folder):
                    raise PermissionError("no files outside of the working folder")

    return hook


def _is_within(path: Any, folder: str) -> bool:
    if isinstance(path, int):  # a descriptor, open already
        return True
    real = os.path.realpath(os.fsdecode(path))
    return real in (folder, os.devnull) or real.startswith(folder + os.sep)


if __name__ == "__main__":
    main()
