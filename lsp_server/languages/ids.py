"""LSP language ids by file name, for the command line; editors send them with each document (LSP 3.18)."""

from pathlib import PurePath

_BY_SUFFIX = {
    ".bash": "shellscript", ".c": "c", ".cc": "cpp", ".cjs": "javascript", ".clj": "clojure", ".cpp": "cpp",
    ".cs": "csharp", ".css": "css", ".cts": "typescript", ".cxx": "cpp", ".dart": "dart", ".el": "emacs-lisp",
    ".erl": "erlang", ".ex": "elixir", ".exs": "elixir", ".fs": "fsharp", ".go": "go", ".h": "c", ".hpp": "cpp",
    ".hs": "haskell", ".html": "html", ".java": "java", ".jl": "julia", ".js": "javascript", ".json": "json",
    ".jsx": "javascriptreact", ".kt": "kotlin", ".lua": "lua", ".m": "objective-c", ".md": "markdown",
    ".mjs": "javascript", ".mts": "typescript", ".php": "php", ".pl": "perl", ".ps1": "powershell", ".py": "python",
    ".pyi": "python", ".r": "r", ".rb": "ruby", ".rs": "rust", ".scala": "scala", ".sh": "shellscript", ".sql": "sql",
    ".svelte": "svelte", ".swift": "swift", ".tex": "latex", ".toml": "toml", ".ts": "typescript",
    ".tsx": "typescriptreact", ".vue": "vue", ".yaml": "yaml", ".yml": "yaml", ".zig": "zig",
}  # fmt: skip
_BY_NAME = {"dockerfile": "dockerfile", "makefile": "makefile", "cmakelists.txt": "cmake"}


def language_of(path: PurePath) -> str:
    """The language id of a file, `plaintext` if its name tells nothing."""
    return _BY_NAME.get(path.name.lower()) or _BY_SUFFIX.get(path.suffix.lower(), "plaintext")
