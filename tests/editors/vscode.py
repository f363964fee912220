"""A VS Code in a browser, with the extension of this repository and the real server behind a tap."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.builders import CURSOR
from tests.editors.fetch_vscode import CHROMIUM, CODE_SERVER, EXTENSION, NODE, PLAYWRIGHT, chromium_environment
from tests.editors.messages import INLINE, Tap
from tests.editors.neovim import QUICK, write_infill
from tests.editors.terminal import eventually

# What would make the screen depend on the network or on the day. The rest is as users have it.
_CALM = {
    "security.workspace.trust.enabled": False,
    "workbench.startupEditor": "none",
    "workbench.colorTheme": "Default Dark Modern",
    "chat.disableAIFeatures": True,
    "extensions.ignoreRecommendations": True,
    "git.enabled": False,
    "telemetry.telemetryLevel": "off",
    "update.mode": "none",
    "workbench.secondarySideBar.defaultVisibility": "hidden",
}
# What has no key by itself.
_KEYS = [{"key": "ctrl+alt+l", "command": "editor.action.inlineSuggest.acceptNextLine"}]


class Browser:
    """Chromium, with one page."""

    def __init__(self) -> None:
        script = Path(__file__).with_name("browser.mjs")
        self._process = subprocess.Popen(
            [NODE, script, PLAYWRIGHT, CHROMIUM.program(CHROMIUM.programs[0])],
            env={**os.environ, **chromium_environment()},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
        )

    def do(self, action: str, *arguments: Any) -> Any:
        """One of the actions of `browser.mjs`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([action, *arguments]) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        assert "error" not in answer, f"{action} {arguments}: {answer['error']}"
        return answer["result"]

    def close(self) -> None:
        """End it."""
        self._process.communicate(timeout=30)


class VSCode:
    """One editor. `settings` are the server's, nested."""

    def __init__(
        self,
        folder: Path,
        *,
        settings: dict[str, Any] | None = None,
        has_server: bool = True,
    ) -> None:
        self.folder = folder
        self.project = folder / "project"
        self.project.mkdir(parents=True)
        self.tap = Tap(folder / "tap.log")
        self._data = folder / "data"
        self._path = self.project
        if has_server:
            write_infill(folder / "bin", folder / "tap.log")
        # VS Code's extensions have the environment of a login shell.
        (folder / ".profile").write_text(f"export PATH='{folder / 'bin'}':\"$PATH\"\n")
        self.write_settings(settings if settings is not None else QUICK)
        write_json(self._data / "User" / "settings.json", _CALM)
        write_json(self._data / "User" / "keybindings.json", _KEYS)
        _install_extension(folder / "extensions")
        self._port = _free_port()
        self._server = self._start_server()
        self.browser = Browser()
        try:
            self._open_window()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End it."""
        self.browser.close()
        self._server.terminate()
        self._server.wait(30)

    def write_settings(self, settings: dict[str, Any]) -> None:
        """Write the server's settings; VS Code follows. They are those of the machine: the browser is elsewhere."""
        write_json(self._data / "Machine" / "settings.json", flat(settings))

    # Keys

    def press(self, *keys: str) -> None:
        """Press keys by playwright's names: `Tab`, `Control+s`."""
        for key in keys:
            self.browser.do("press", key)

    def type(self, text: str, pace_ms: int = 30) -> None:
        """Type at a quick typist's pace."""
        self.browser.do("type", text, pace_ms)

    def command(self, title: str) -> None:
        """A command of the palette, by its title."""
        self.press("F1")
        self.wait_for_text(".quick-input-widget:not([style*='none']) .quick-input-list", "")
        self.type(title, 0)
        self.wait_for(lambda: self.texts(".quick-input-list .monaco-list-row.focused", title), title)
        self.press("Enter")

    def open(self, name: str, text: str) -> None:
        """Open a new file of the project and put the cursor where the mark is."""
        self._path = self.project / name
        before, _, after = text.partition(CURSOR)
        self._path.write_bytes((before + after).encode())
        since = self.tap.mark
        self._run_code_server("--reuse-window", self._path)
        self.wait_for(lambda: self.texts(".tab.active", name), "the file's tab")
        if self.tap.records():
            self.tap.wait_for(lambda: self.tap.sent("textDocument/didOpen", since), "the opening of the file")
        lines = before.replace("\r\n", "\n").split("\n")
        self.press("Control+g")
        column = len(lines[-1].encode("utf-16-le")) // 2 + 1
        self.type(f"{len(lines)}:{column}", 0)
        self.press("Enter")
        self.wait_for(lambda: self.texts("#status\\.editor\\.selection", f"Ln {len(lines)}, Col"), "the place")

    def wake(self) -> None:
        """Type until VS Code asks for ghost text: in the first file of a session it does not at first."""
        self.open("first.txt", CURSOR)

        def asked() -> bool:
            self.press("x")
            return bool(self.tap.sent(INLINE))

        self.wait_for(asked, "a first request")
        self.saved()

    # What is there

    def texts(self, selector: str, part: str = "") -> list[str]:
        """The texts of the elements that have a part, with plain spaces and without lines' ends."""
        found = (text.replace("\xa0", " ").replace("\u200c", "") for text in self.browser.do("texts", selector))
        return [text for text in found if part in text]

    def ghost(self) -> str:
        """All ghost text on the screen, its lines one after another without what separates them."""
        return "".join(self.texts("[class*=ghost-text-decoration]") + self.texts(".ghost-text"))

    def offered(self, since: int = 0) -> str:
        """The ghost text that is on the screen: what the server answered, from the cursor on."""

        def shown() -> str:
            texts = self.offers(since)
            return texts[-1] if texts and self.shows(texts[-1]) else ""

        return str(self.wait_for(shown, "ghost text"))

    def offers(self, since: int = 0) -> list[str]:
        """The first text of each answer that had one, from the cursor on.

        Where the menu is open, the answer goes on from its selected item and begins with what was typed of it.
        """
        found = []
        for request, answer in self.tap.answers(INLINE, since):
            for item in ((answer.get("result") or {}).get("items") or [])[:1]:
                num_typed = request["params"]["position"]["character"] - item["range"]["start"]["character"]
                found.append(item["insertText"][num_typed:])
        return found

    def shows(self, text: str) -> bool:
        """Whether the ghost text on the screen is this."""
        return _bare(self.ghost()) == _bare(text)

    def saved(self) -> str:
        """The buffer's text as it is saved."""
        before = self._path.stat().st_mtime_ns
        nothing_to_save_at = time.monotonic() + 2.0  # the tab's mark comes later than the change
        self.press("Control+s")

        def is_saved() -> bool:
            is_written = self._path.stat().st_mtime_ns != before or time.monotonic() > nothing_to_save_at
            return is_written and bool(self.texts(".tab.active:not(.dirty)"))

        self.wait_for(is_saved, "the file to be saved")
        return self._path.read_bytes().decode()

    def toasts(self) -> list[str]:
        """What notifications say that are on the screen."""
        return self.texts(".notifications-toasts .notification-list-item-message")

    def clear_toasts(self) -> None:
        """Close all notifications."""
        self.command("Notifications: Clear All Notifications")
        self.wait_for(lambda: not self.toasts(), "the end of the notifications")

    def wait_for(self, condition: Callable[[], Any], what: str) -> Any:
        """Wait until a condition holds; a failure leaves a picture."""
        picture = self.folder / "failure.png"

        def explain() -> str:
            self.browser.do("picture", str(picture))
            return f"{what} never came; ghost text is {self.ghost()!r}, toasts are {self.toasts()}, see {picture}"

        return eventually(condition, explain)

    def wait_for_text(self, selector: str, text: str) -> None:
        """Wait until an element has a text."""
        self.wait_for(lambda: self.texts(selector, text), f"{text!r} in {selector}")

    # Starting

    def _start_server(self) -> subprocess.Popen[bytes]:
        options = ["--auth=none", "--disable-telemetry", "--disable-update-check", "--disable-workspace-trust"]
        with (self.folder / "code-server.log").open("wb") as log:
            return subprocess.Popen(
                [
                    *(NODE, CODE_SERVER, *options, f"--bind-addr=127.0.0.1:{self._port}"),
                    *(f"--user-data-dir={self._data}", f"--extensions-dir={self.folder / 'extensions'}"),
                ],
                env=self._environment(),
                stdout=log,
                stderr=log,
            )

    def _run_code_server(self, *arguments: str | Path) -> None:
        """As a user's `code FILE` in a terminal."""
        command = [NODE, CODE_SERVER, f"--user-data-dir={self._data}", *arguments]
        subprocess.run(command, env=self._environment(), stdout=subprocess.DEVNULL, check=True, timeout=60)

    def _environment(self) -> dict[str, str]:
        return {
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "PATH": "/usr/bin:/bin",
            "SHELL": "/bin/bash",
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }

    def _open_window(self) -> None:
        url = f"http://127.0.0.1:{self._port}"

        def answers() -> bool:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/healthz"):
                return True
            return False

        eventually(answers, lambda: (self.folder / "code-server.log").read_text())
        self.browser.do("open", f"{url}/?folder={self.project}")
        self.wait_for_text(".statusbar-item", "infill")


def write_json(path: Path, values: object) -> None:
    """Write a file that VS Code reads."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values), encoding="utf-8")


def flat(settings: dict[str, Any], prefix: str = "infill") -> dict[str, Any]:
    """Nested settings as VS Code has them."""

    def walk(values: dict[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
        for name, value in values.items():
            if isinstance(value, dict):
                yield from walk(value, f"{prefix}.{name}")
            else:
                yield f"{prefix}.{name}", value

    return dict(walk(settings, prefix))


def build_extension() -> None:
    """Check and bundle the extension. Raises `CalledProcessError` where that fails."""
    for script in ("check", "build"):
        subprocess.run(["npm", "run", "--silent", script], cwd=EXTENSION, check=True)


def _install_extension(folder: Path) -> None:
    """As VS Code unpacks it, but for the server's wheel."""
    target = folder / "infill.infill-0.1.0"
    target.mkdir(parents=True)
    for name in ("dist", "walkthrough"):
        shutil.copytree(EXTENSION / name, target / name)
    for name in ("package.json", "README.md"):
        shutil.copy(EXTENSION / name, target / name)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _bare(text: str) -> str:
    """Without white space, of which the screen shows only some."""
    return "".join(text.split())
