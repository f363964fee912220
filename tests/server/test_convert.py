"""Menu items and ghost texts of hard texts, as they go to a client."""

import re

import pytest
from lsprotocol import types

from lsp_server.server.client.capabilities import Capabilities
from lsp_server.server.client.convert import inline_items_to_lsp, menu_items_to_lsp
from lsp_server.text.document import Document
from lsp_server.text.place import Place


def capabilities(name="", version="0.12.0", **item):
    item = types.ClientCompletionItemOptions(**item)
    document = types.TextDocumentClientCapabilities(completion=types.CompletionClientCapabilities(completion_item=item))
    info = types.ClientInfo(name, version) if name else None
    return Capabilities(types.ClientCapabilities(text_document=document), info)


def at_end(text, language_id="python"):
    document = Document("file:///a", lambda: Place("a"), language_id, 1, text)
    last = document.num_lines - 1
    return document, document.snapshot(last, len(document.line(last)))


def menu_item(before, text, client=None, language_id="python"):
    client = client or capabilities(documentation_format=[types.MarkupKind.Markdown])
    document, snapshot = at_end(before, language_id)
    (item,) = menu_items_to_lsp(document, snapshot, text, "utf-16", client.menu).items
    return item


@pytest.mark.parametrize(
    ("before", "text", "label", "filter_text"),
    [
        ("x = sel", "f.y", "self.y", "self.y"),
        ("x = sel", "f.y\n    z\n", "self.y ⏎ +2", "self.y"),
        ("def f():", "\n    return 1", "⏎ return 1", "return 1"),
        ("def f():", "\n    return 1\n    z", "⏎ return 1 ⏎ +1", "return 1"),
        ("el", "\n\n    return 1\n    z", "el ⏎ return 1 ⏎ +1", "elreturn 1"),
        ("これは長い", "文です", "文です", "文です"),
        ("x = cafe\u0301", "s", "cafe\u0301s", "cafe\u0301s"),
    ],
)
def test_a_label_names_the_text_in_one_line(before, text, label, filter_text):
    item = menu_item(before, text)
    assert (item.label, item.filter_text) == (label, filter_text)
    assert "\n" not in item.label + item.filter_text


@pytest.mark.parametrize("inside", ["```sh\nls\n```", "````\n```\n````", "~~~\nx\n~~~", "a ``` b"])
def test_the_documentation_ends_where_its_fence_ends(inside):
    value = menu_item("", inside + "\nend", language_id="markdown").documentation.value
    opening, *lines, closing = value.split("\n")
    fence = re.match("`+", opening)[0]
    assert opening == f"{fence}markdown"
    assert closing == fence
    assert "\n".join(lines) == inside + "\nend"
    assert not [line for line in lines if line.startswith(fence)]


def test_neovim_gets_a_snippet_only_where_it_takes_one():
    text = "f.y\n    z"
    with_snippets = menu_item("x = sel", text, capabilities("Neovim", snippet_support=True))
    without = menu_item("x = sel", text, capabilities("Neovim", snippet_support=False))
    assert with_snippets.insert_text_format is types.InsertTextFormat.Snippet
    assert without.insert_text_format is types.InsertTextFormat.PlainText
    assert without.text_edit.new_text == "self.y"


@pytest.mark.parametrize(("line_break", "text"), [("", "a\r\nb"), ("\n", "a\nb")])
def test_ghost_text_has_the_line_breaks_that_the_client_draws(line_break, text):
    document, snapshot = at_end("x\r\ny")
    found = inline_items_to_lsp(document, snapshot, ["a\nb"], "utf-16", line_break=line_break)
    assert [item.insert_text for item in found.items] == [text]


def test_a_selected_item_of_several_lines_moves_the_cursor_to_its_last():
    _, snapshot = at_end("a\nfo")
    chosen = snapshot.with_word(0, "foo(\n  x")
    assert (chosen.line, chosen.character) == (2, 3)
    assert chosen.prefix == "a\nfoo(\n  x"
    chosen = snapshot.with_word(0, "foobar")
    assert (chosen.line, chosen.character) == (1, 6)
