"""llama.cpp does not get Intel's matrix extension, and signals are handled where they were before."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64", reason="AMX is Intel's, and the way to refuse it Linux'"
)

# In a process of its own: the choice is made once.
PROBE = """
import ctypes, faulthandler
from lsp_server.engine.backends.llama.amx import _Stack
from lsp_server.engine.backends.llama.log import capture_log

ARCH_PRCTL, ARCH_GET_XCOMP_PERM, TILES = 158, 0x1022, 1 << 18
system = ctypes.CDLL(None)

def stack():
    now = _Stack()
    system.sigaltstack(None, ctypes.byref(now))
    return now.start, now.flags, now.size

faulthandler.enable()
before = stack()
capture_log()
permitted = ctypes.c_uint64()
system.syscall(ARCH_PRCTL, ARCH_GET_XCOMP_PERM, ctypes.byref(permitted))
print("same stack" if stack() == before else "another stack", "with" if permitted.value & TILES else "without", "tiles")
"""


def test_amx_is_refused_in_silence_and_the_signal_stack_stays():
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, check=True, encoding="utf-8", timeout=60)
    assert done.stdout == "same stack without tiles\n"
    assert done.stderr == ""
