"""Helix: `languages.toml`, with infill behind each language's other servers."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import msgspec

from lsp_server.base.errors import EditorError
from lsp_server.catalog.data import data_file
from lsp_server.commands.setup import File, read

_TIMEOUT_S = 60.0

# The languages, by Helix's names.
LANGUAGES = (
    *(
        "bash",
        "c",
        "c-sharp",
        "clojure",
        "cmake",
        "cpp",
        "css",
        "dart",
        "dockerfile",
        "elixir",
        "erlang",
        "fsharp",
        "go",
    ),
    *(
        "haskell",
        "html",
        "java",
        "javascript",
        "json",
        "jsx",
        "julia",
        "kotlin",
        "latex",
        "lua",
        "make",
        "nix",
        "ocaml",
    ),
    *("perl", "php", "python", "r", "ruby", "rust", "scala", "sql", "svelte", "swift", "toml", "tsx", "typescript"),
    *("vue", "yaml", "zig"),
)

_BEGIN = "# Written by `infill setup helix`, which replaces it up to its end when it is called again.\n"
_END = "# End of what `infill setup helix` wrote.\n"
_BLOCK = re.compile(rf"\n?{re.escape(_BEGIN)}.*?{re.escape(_END)}", re.DOTALL)
_SERVER = re.compile(r"^\s+(?:\x1b\[\S*?m)?[✓✘](?:\x1b\[\S*?m)? (\S+):", re.MULTILINE)


def files(server: list[str]) -> list[File]:
    """The file `languages.toml`. The user's own text stays, and so do the languages it configures; a note says so."""
    path = _configuration() / "languages.toml"
    own = _own_text(path)
    taken = _languages_of(path, own)
    block = block_for(server, [name for name in LANGUAGES if name not in taken])
    return [File(path, f"{own.rstrip()}\n\n{block}".lstrip())]


def block_for(server: list[str], languages: list[str]) -> str:
    """The server and the languages. Each keeps the servers that this Helix has, or those of the shipped file."""
    shipped = tomllib.loads(data_file("editors/helix/languages.toml").read_text(encoding="utf-8"))
    known = {entry["name"]: entry["language-servers"][:-1] for entry in shipped["language"]}
    program = shutil.which("hx") or shutil.which("helix")
    lines = [
        _BEGIN + "[language-server.infill]",
        f"command = {_quote(server[0])}",
        f"args = [{', '.join(map(_quote, server[1:]))}]",
    ]
    for name in languages:
        servers = _servers_of(program, name) if program else known.get(name, [])
        names = ", ".join(map(_quote, [*(each for each in servers if each != "infill"), "infill"]))
        lines += ["", "[[language]]", f"name = {_quote(name)}", f"language-servers = [{names}]"]
    return "\n".join([*lines, _END])


def check() -> str:
    """Ask Helix whether it finds the server. Raises `EditorError`."""
    program = shutil.which("hx") or shutil.which("helix")
    if program is None:
        raise EditorError("`hx` is not on your PATH, so nothing was tried. Install Helix 25 or later.")
    said = _health(program, "python")
    if not re.search(r"✓\S* infill: ", said):
        raise EditorError(f"Helix does not find the server: {' '.join(said.split())}. See `hx --health python`.")
    notes = f" {missing}" if (missing := _notes()) else ""
    return f"Helix finds infill's server. Type two letters of a word, and its text is in the menu.{notes}"


def _notes() -> str:
    path = _configuration() / "languages.toml"
    own = _languages_of(path, _own_text(path))
    lacking = sorted(name for name, servers in own.items() if "infill" not in servers)
    if not lacking:
        return ""
    return f'Your own entries lack it: add "infill" to `language-servers` of {", ".join(lacking)}.'


def _own_text(path: Path) -> str:
    """The file's text without infill's own block. Raises `EditorError`."""
    return _BLOCK.sub("", read(path))


def _languages_of(path: Path, text: str) -> dict[str, list[str]]:
    """The languages that a file configures, with their servers. Raises `EditorError` for a malformed file."""
    try:
        entries = tomllib.loads(text).get("language", [])
        return {entry["name"]: entry.get("language-servers", []) for entry in entries}
    except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
        raise EditorError(f"{path} is not as Helix wants it: {error}. Correct it, then try again.") from None


def _servers_of(program: str, language: str) -> list[str]:
    """The servers that Helix starts for a language now; none for an unknown language."""
    said, _, _ = _health(program, language).partition("debug adapter")
    return _SERVER.findall(said)


def _health(program: str, language: str) -> str:
    command = [program, "--health", language]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=_TIMEOUT_S, encoding="utf-8")
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EditorError(f"`{' '.join(command)}` failed: {error}.") from None
    return done.stdout


def _configuration() -> Path:
    """Helix' configuration folder."""
    if sys.platform == "win32":
        return Path(os.environ["APPDATA"]) / "helix"
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "helix"


def _quote(text: str) -> str:
    """A basic string of TOML. JSON's strings are a subset."""
    return msgspec.json.encode(text).decode()
