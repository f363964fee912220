"""Captures llama.cpp's log, so that it does not reach the terminal."""

from __future__ import annotations

import ctypes
import logging

import llama_cpp

from lsp_server.engine.backends.llama import amx

logger = logging.getLogger(__name__)

_WARNING, _ERROR = 3, 4  # enum ggml_log_level


class LogCapture:
    """Keeps errors for our own messages, and passes warnings to `logging`."""

    def __init__(self) -> None:
        self._errors: list[str] = []
        self._warnings: list[str] = []

    def write(self, level: int, text: bytes, _: ctypes.c_void_p) -> None:
        """The log callback of llama.cpp."""
        line = text.decode("utf-8", errors="replace").strip()
        if level == _ERROR and line:
            self._errors = [*self._errors[-9:], line]
            logger.info("llama.cpp: %s", line)
        elif level == _WARNING:
            self._warnings = [*self._warnings[-99:], line]
            logger.debug("llama.cpp: %s", line)

    def take_errors(self) -> list[str]:
        """The errors since the last call. The first one names the cause; later ones only pass it on."""
        errors, self._errors = self._errors, []
        return [error.rstrip(".") for error in errors]

    def take_warnings(self) -> list[str]:
        """The warnings since the last call."""
        warnings, self._warnings = self._warnings, []
        return warnings

    def last_error(self) -> str:
        """The cause of the newest error; empty if there is none."""
        return next(iter(self.take_errors()), "")


_capture: tuple[LogCapture, object] | None = None


def capture_log() -> LogCapture:
    """Start llama.cpp and capture its log, once. ctypes needs the callback to be kept alive."""
    global _capture
    if _capture is None:
        capture = LogCapture()
        callback = llama_cpp.llama_log_callback(capture.write)
        llama_cpp.llama_log_set(callback, ctypes.c_void_p(0))
        llama_cpp.llama_backend_init()
        amx.switch_off()
        _capture = (capture, callback)
    return _capture[0]
