"""Conversion between LSP's types and ours. This is the only place for it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lsprotocol import types

from lsp_server.server.client.capabilities import MenuSupport
from lsp_server.text.document import Document, FrozenDocument, Position
from lsp_server.text.markdown import fenced
from lsp_server.text.snapshot import Snapshot
from lsp_server.text.units import Encoding
from lsp_server.text.words import word_at_end

_LABEL_CHARACTERS = 60
# Commands that are part of answers.
ACCEPTED, RUN_ACTION = "infill.acceptedCompletion", "infill.runAction"


def position_from_lsp(position: types.Position) -> Position:
    """A position, still in the client's units."""
    return Position(position.line, position.character)


def position_to_lsp(document: Document | FrozenDocument, position: Position, encoding: Encoding) -> types.Position:
    """A position in code points, in the client's units."""
    converted = document.units(position, encoding)
    return types.Position(converted.line, converted.character)


def inline_items_to_lsp(
    document: Document,
    snapshot: Snapshot,
    texts: Sequence[str],
    encoding: Encoding,
    selected: types.SelectedCompletionInfo | None = None,
    *,
    line_break: str = "",
) -> types.InlineCompletionList:
    """Ghost texts. `line_break` is the client's, where it is not the document's.

    The range is explicit and empty. VS Code takes an omitted range for the current word and hides the item. Neovim
    draws a non-empty range over the rest of the line.

    If an item of the menu is `selected`, the snapshot has it before its cursor. Then the texts begin with that item
    and replace what it replaces: VS Code shows no others.
    """
    cursor = position_to_lsp(document, Position(snapshot.line, snapshot.character), encoding)
    place = selected.range if selected else types.Range(start=cursor, end=cursor)
    before = selected.text if selected else ""
    line_break = line_break or snapshot.line_break
    items = [
        types.InlineCompletionItem(insert_text=before + text.replace("\n", line_break), range=place) for text in texts
    ]
    return types.InlineCompletionList(items=items)


def acceptance_to_lsp(number: int) -> types.Command:
    """The command that an editor runs when the user has accepted the item. It tells the server."""
    return types.Command(title="Accepted", command=ACCEPTED, arguments=[{"id": number}])


def menu_items_to_lsp(
    document: Document, snapshot: Snapshot, text: str, encoding: Encoding, client: MenuSupport
) -> types.CompletionList:
    """One menu item in a form that inserts correctly in every editor tried (`editors/README.md`).

    The item replaces from the start of the word: menus filter by the word, and some use one start column for all
    servers. The list is incomplete, because eglot and nvim-cmp otherwise keep a stale list.
    """
    typed = word_at_end(snapshot.line_prefix)
    start = Position(snapshot.line, snapshot.character - len(typed))
    if client.takes_one_line:
        text = text.partition("\n")[0]
    if not text:
        return types.CompletionList(is_incomplete=True, items=[])
    new_text, insert_format, insert_mode = _menu_text(typed + text, snapshot, client)
    item = types.CompletionItem(
        label=_label(typed, text),
        kind=types.CompletionItemKind.Text,
        detail="infill",
        documentation=_documentation(typed + text, snapshot.language_id, client),
        sort_text="\t",
        filter_text=typed + (text.partition("\n")[0] or text.strip().partition("\n")[0]),
        insert_text_format=insert_format,
        insert_text_mode=insert_mode,
        text_edit=types.TextEdit(
            range=types.Range(
                start=position_to_lsp(document, start, encoding),
                end=position_to_lsp(document, Position(snapshot.line, snapshot.character), encoding),
            ),
            new_text=new_text,
        ),
    )
    return types.CompletionList(is_incomplete=True, items=[item])


def _menu_text(
    text: str, snapshot: Snapshot, client: MenuSupport
) -> tuple[str, types.InsertTextFormat, types.InsertTextMode | None]:
    """The text to insert, its format and its mode.

    For several lines, the client decides. One that knows `asIs` is told not to indent again. Neovim inserts only the
    first line of a plain edit, so it gets a snippet without the indentation that Neovim will add. Others insert plain
    text as it is.
    """
    plain = types.InsertTextFormat.PlainText
    if "\n" not in text:
        return text, plain, None
    if client.takes_as_is and client.is_neovim:  # its lines have no line breaks of their own
        return text, plain, types.InsertTextMode.AsIs
    if client.takes_as_is:
        return _with_line_breaks(text, snapshot), plain, types.InsertTextMode.AsIs
    if client.is_neovim:
        return _neovim_snippet(text, snapshot), types.InsertTextFormat.Snippet, None
    return _with_line_breaks(text, snapshot), plain, None


def _neovim_snippet(text: str, snapshot: Snapshot) -> str:
    """A snippet that becomes `text` once Neovim has indented it. It ends before a line that is indented less."""
    indent = re.match(r"[ \t]*", snapshot.line_prefix + text.partition("\n")[0])
    prefix = indent.group() if indent else ""
    lines = text.split("\n")
    kept = [lines[0]]
    for line in lines[1:]:
        if line.strip() and not line.startswith(prefix):
            break
        kept.append(line.removeprefix(prefix))
    return re.sub(r"([\\$}])", r"\\\1", "\n".join(kept).rstrip())


def _documentation(text: str, language_id: str, client: MenuSupport) -> types.MarkupContent | str:
    """The whole text, as highlighted code if the client shows Markdown."""
    if not client.takes_markdown:
        return text
    return types.MarkupContent(types.MarkupKind.Markdown, fenced(text, language_id))


def _label(typed: str, text: str) -> str:
    """One short line, and the number of further lines. If a text begins with a line break, it is what follows."""
    first, *later = text.split("\n")
    shown = f"{typed}{first}".strip()
    if not first.strip() and (named := next((line for line in later if line.strip()), "")):
        del later[: later.index(named) + 1]
        shown = f"{typed} ⏎ {named.strip()}".strip()
    if len(shown) > _LABEL_CHARACTERS:
        shown = shown[: _LABEL_CHARACTERS - 1] + "…"
    return f"{shown} ⏎ +{len(later)}" if any(later) else shown


def _with_line_breaks(text: str, snapshot: Snapshot) -> str:
    return text.replace("\n", snapshot.line_break)


def encoding_from_lsp(encoding: str | None) -> Encoding:
    """The negotiated position encoding; UTF-16 is the default of LSP."""
    match encoding:
        case "utf-8":
            return "utf-8"
        case "utf-32":
            return "utf-32"
        case _:
            return "utf-16"
