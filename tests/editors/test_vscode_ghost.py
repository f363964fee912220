"""What keys do with ghost text in VS Code, what goes to the server when one types fast, and what it is told of it."""

from __future__ import annotations

import itertools

import pytest

from tests.editors.messages import INLINE
from tests.editors.texts import POINT, TRIANGLE, first_word

_numbers = itertools.count(1)


@pytest.fixture
def last(vscode):
    """The editor, with ghost text of several lines behind `        self`."""
    since = vscode.tap.mark
    vscode.open(f"ghost-{next(_numbers)}.py", POINT)
    vscode.type("self")
    vscode.ghost_text = vscode.offered(since)
    assert "\n" in vscode.ghost_text, "the model has changed: find another case"
    return vscode


def file_with(text):
    return POINT.replace("‸", text)


def executed(editor, since):
    """The commands that the server was told to run, with their arguments."""
    return [
        (message["params"]["command"], message["params"]["arguments"][0])
        for message in editor.tap.sent("workspace/executeCommand", since)
    ]


def offered_ids(editor, since):
    return [
        item["command"]["arguments"][0]["id"]
        for _, answer in editor.tap.answers(INLINE, since)
        for item in (answer.get("result") or {}).get("items") or []
    ]


def test_accepting_is_one_step_of_undo_and_is_reported(last):
    since = last.tap.mark
    last.press("Tab")
    last.tap.wait_for(lambda: executed(last, since), "the report")
    [(command, argument)] = executed(last, since)
    assert command == "infill.acceptedCompletion"
    assert argument["id"] in offered_ids(last, 0)
    last.press("Control+z")
    assert last.saved() == file_with("self")


def test_a_word_then_the_rest(vscode):
    """Of one letter, an accepted word could not be told from a key."""
    begun = vscode.tap.mark
    vscode.open(f"word-{next(_numbers)}.py", TRIANGLE)
    vscode.type("ret")
    offered = vscode.offered(begun)
    since = vscode.tap.mark
    word = first_word(offered)
    assert 1 < len(word) < len(offered), "the model has changed: find another case"
    vscode.press("Control+ArrowRight")
    vscode.wait_for(lambda: vscode.shows(offered.removeprefix(word)), "the rest")
    vscode.tap.wait_for(lambda: executed(vscode, since), "the report")
    [(command, argument)] = executed(vscode, since)
    assert (command, argument["length"]) == ("infill.partiallyAccepted", len(word))
    assert argument["id"] in offered_ids(vscode, 0)
    vscode.press("Tab")
    assert vscode.saved() == TRIANGLE.replace("‸", f"ret{offered}")


def test_a_line_then_the_rest(last):
    first_line, _, more = last.ghost_text.partition("\n")
    last.press("Control+Alt+l")
    last.wait_for(lambda: not last.shows(last.ghost_text), "the line")
    last.wait_for(lambda: last.shows(more), "the other lines")
    for _ in range((len(more) - len(more.lstrip())) // 4):
        last.press("Tab")  # the rest begins with white space: this is its indentation
    last.wait_for(lambda: last.ghost().startswith(more.lstrip()[:6]), "the rest of the second line")
    last.press("Tab")
    assert last.saved() == file_with(f"self{first_line}\n{more}")


def test_what_is_typed_of_it_is_taken_off_its_front(last):
    last.type(last.ghost_text[:6])  # to a space, behind which no menu opens
    last.wait_for(lambda: last.shows(last.ghost_text[6:]), "the rest")
    last.press("Tab")
    assert last.saved() == file_with(f"self{last.ghost_text}")
    assert not last.toasts()


def test_dismissed_it_is_away(last):
    last.press("Escape")
    last.wait_for(lambda: last.ghost() == "", "the end of the ghost text")
    assert last.saved() == file_with("self")


def test_alternatives_are_asked_for_and_shown_in_turn(last):
    since = last.tap.mark
    last.press("Alt+]")
    last.tap.wait_for(lambda: last.tap.answers(INLINE, since), "the alternatives")
    (request, answer), *_ = last.tap.answers(INLINE, since)
    assert request["params"]["context"]["triggerKind"] == 1
    texts = [item["insertText"] for item in answer["result"]["items"]]
    assert len(texts) > 1, "the model has changed: find another case"
    last.wait_for(lambda: last.shows(texts[1]), "the second text")
    last.press("Tab")
    assert last.saved() == file_with(f"self{texts[1]}")


def test_typing_fast_asks_the_engine_seldom_and_answers_everything(vscode):
    letters = "the quick brown fox jumps over it"
    vscode.open(f"fast-{next(_numbers)}.txt", "‸\n")
    before = num_asked(vscode)
    vscode.open(f"fast-{next(_numbers)}.txt", "‸\n")
    since = vscode.tap.mark
    vscode.type(letters, pace_ms=10)
    vscode.tap.wait_for(
        lambda: any(
            request["params"]["position"]["character"] == len(letters)
            for request, _ in vscode.tap.answers(INLINE, since)
        ),
        "the answer to the last",
    )
    requests = [request["id"] for request in vscode.tap.sent(INLINE, since)]
    answered = [request["id"] for request, _ in vscode.tap.answers(INLINE, since)]
    assert sorted(answered) == sorted(requests), "each is answered once"
    assert num_asked(vscode) - before <= len(letters) / 2
    assert not vscode.toasts()


def num_asked(editor):
    """How often the engine was asked for a text."""
    since = editor.tap.mark
    editor.command("infill: Show the Server's State, for a Bug Report")
    dumped = editor.tap.wait_for(lambda: editor.tap.answers("workspace/executeCommand", since), "the state")
    editor.wait_for_text(".tab.active", "state of infill.txt")
    editor.press("Control+F4")
    return int(dumped[0][1]["result"].partition(" submitted")[0].rsplit(" ", 1)[1])
