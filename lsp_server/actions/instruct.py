"""Words the requests to an instruct model about code. `replies.py` reads what it replies."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lsp_server.actions.selection import text_between
from lsp_server.actions.source import Source
from lsp_server.languages.syntax import language
from lsp_server.prompt.chat import Message
from lsp_server.text import markdown
from lsp_server.text.document import Position

# Lines of context on each side of what is edited.
_LINES_AROUND = 60
_MAX_QUOTED = 200  # characters of a line that a problem is in
_ONLY_CODE = (
    "Reply with one fenced code block that holds the whole replacement for the marked part and nothing else: "
    "no explanation, no unchanged code around it."
)


def edit_messages(source: Source, start: Position, end: Position, path: str, instruction: str) -> list[Message]:
    """Ask for a change of whole lines, as an instruction says."""
    return [Message("user", f"{_shown(source, start, end, path)}\n\n{instruction.strip()}\n\n{_ONLY_CODE}")]


def fix_messages(
    source: Source, start: Position, end: Position, path: str, problems: Sequence[tuple[int, str]]
) -> list[Message]:
    """Ask for a fix of whole lines. `problems` are 0-based lines, each with what is wrong there.

    The lines are quoted: the model sees no line numbers.
    """
    found = "\n".join(f"- {_quoted(source.text(line))}{message}" for line, message in problems)
    return edit_messages(
        source, start, end, path, f"These problems were found in the marked part:\n{found}\nMend them."
    )


def explain_messages(source: Source, start: Position, end: Position, path: str) -> list[Message]:
    """Ask what a selection does."""
    question = "Explain the marked part: what it does, why, and what is easily missed. Be brief."
    return [Message("user", f"{_shown(source, start, end, path)}\n\n{question}")]


def messages_for_tests(source: Source, start: Position, end: Position, path: str, existing: str) -> list[Message]:
    """Ask for tests of a definition. `existing` is the start of the file that gets the tests, empty if it is new."""
    framework = language(source.language_id).test_framework or "the test framework that is usual for the language"
    text = f"{_shown(source, start, end, path)}\n\nWrite tests for the marked part with {framework}."
    if existing:
        text += f" They are added at the end of this file; do not repeat what it has:\n\n{fenced(existing, source)}\n"
    return [Message("user", f"{text} Reply with one fenced code block and nothing else.")]


def ask_for_a_fence(reply: str) -> list[Message]:
    """Ask once more, for a reply in a fence."""
    return [Message("assistant", reply), Message("user", "Reply with one fenced code block and nothing else.")]


def path_of_tests(language_id: str, path: str) -> str:
    """Where the tests of a file usually are, by its language. Empty if there is no usual place."""
    folder, slash, file = path.rpartition("/")
    stem, dot, suffix = file.rpartition(".")
    return language(language_id).test_file.format(folder=folder + slash, stem=stem, suffix=dot + suffix)


def fenced(text: str, source: Source) -> str:
    """Text in a fence that says its language."""
    return markdown.fenced(text, source.language_id)


def _quoted(line: str) -> str:
    """A line as inline code, with a colon behind it. Empty for a blank line."""
    if not line:
        return ""
    mark = "`" * (max(map(len, re.findall(r"`+", line)), default=0) + 1)
    space = " " if len(mark) > 1 else ""
    return f"{mark}{space}{line[:_MAX_QUOTED]}{space}{mark}: "


def _shown(source: Source, start: Position, end: Position, path: str) -> str:
    """The marked part in a fence of its own, with the lines around it."""
    marked = text_between(source, start, end)
    above = "\n".join(source.lines[max(0, start.line - _LINES_AROUND) : start.line]).strip("\n")
    below = "\n".join(source.lines[end.line + 1 : end.line + 1 + _LINES_AROUND]).strip("\n")
    parts = [f"This is a part of {path}:"]
    if above:
        parts.append(f"Before the marked part:\n{fenced(above, source)}")
    parts.append(f"The marked part:\n{fenced(marked, source)}")
    if below:
        parts.append(f"After the marked part:\n{fenced(below, source)}")
    return "\n\n".join(parts)
