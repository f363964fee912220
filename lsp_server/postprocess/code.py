"""What is code and what is none, at the cursor and in the text behind it."""

from __future__ import annotations

from lsp_server.languages.forms import Kind
from lsp_server.languages.lexer import State, lex, state_after
from lsp_server.text.snapshot import Snapshot


def state_at(snapshot: Snapshot) -> State:
    """What is open at the cursor."""
    above = snapshot.prefix[: len(snapshot.prefix) - len(snapshot.line_prefix)]
    return lex(snapshot.prefix, snapshot.language_id, state_after(above, snapshot.language_id), len(above))[1]


def state_behind(text: str, snapshot: Snapshot) -> State:
    """What is open behind a text that is written at the cursor."""
    before = snapshot.line_prefix
    return lex(before + text, snapshot.language_id, state_at(snapshot), len(before))[1]


def is_code_behind(text: str, snapshot: Snapshot) -> bool:
    """Whether what follows a text is code: neither comment nor string."""
    return state_behind(text, snapshot).kind is Kind.CODE
