"""Line comments by LSP language id: a file's path stands in one at its head, as code models were trained."""

_HASH = "#"
_SLASHES = "//"
_DASHES = "--"
_PERCENT = "%"
_SEMICOLONS = ";;"

_BY_LANGUAGE = {
    **dict.fromkeys(
        ("python", "ruby", "shellscript", "perl", "r", "julia", "elixir", "yaml", "toml", "dockerfile", "makefile",
         "cmake", "coffeescript", "powershell", "nix", "crystal", "nim", "tcl", "fish", "gdscript"), _HASH),
    **dict.fromkeys(("lua", "sql", "haskell", "elm", "ada", "vhdl", "purescript"), _DASHES),
    **dict.fromkeys(("latex", "tex", "erlang", "prolog", "matlab"), _PERCENT),
    **dict.fromkeys(("clojure", "lisp", "scheme", "racket", "emacs-lisp", "elisp"), _SEMICOLONS),
}  # fmt: skip


def line_comment(language_id: str) -> str:
    """What begins a line comment; two slashes where nothing else is known."""
    return _BY_LANGUAGE.get(language_id, _SLASHES)
