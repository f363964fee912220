"""What keys do with ghost text in the editors of the terminal, and what goes to the server when one types fast."""

from __future__ import annotations

import itertools
import time

import pytest

from tests.editors.messages import INLINE
from tests.editors.texts import POINT, first_word

_numbers = itertools.count(1)

# Each token takes its time, so that answers come after the next key; one text a keystroke, and nothing unasked.
SLOW = {"model": "fake:decode_ms=30", "completion": {"max_tokens": 16}, "engine": {"warm_up": False}}


@pytest.fixture
def last(editor):
    """The editor, with ghost text of several lines behind `        self`."""
    since = editor.tap.mark
    editor.open(f"ghost-{next(_numbers)}.py", POINT)
    editor.type("self")
    editor.ghost = editor.offered(since)
    assert "\n" in editor.ghost, "the model has changed: find another case"
    return editor


@pytest.fixture(scope="module")
def slow(new_editor, tmp_path_factory):
    """An editor whose model is slow."""
    editor = new_editor(tmp_path_factory.mktemp("slow"), settings=SLOW)
    editor.open("first.py", "x\n")
    editor.tap.wait_until_ready()
    yield editor
    editor.close()


def file_with(text):
    return POINT.replace("‸", text)


def test_a_word_a_line_and_the_rest(last):
    first_line, _, more = last.ghost.partition("\n")
    word = first_word(first_line)
    last.press("M-Right")
    last.wait_for(lambda: last.shows(last.ghost.removeprefix(word)), "the rest of the line")
    last.press("M-Down")
    last.wait_for(lambda: last.shows("\n" + more), "the other lines")
    last.press("Tab")
    assert last.saved() == file_with(f"self{last.ghost}")


def test_accepting_is_one_step_of_undo(last):
    last.press("Tab")
    last.undo()
    assert last.saved() == file_with("self")


def test_what_is_typed_of_it_is_taken_off_its_front(last):
    since = last.tap.mark
    last.type(last.ghost[:4])
    last.wait_for(lambda: last.shows(last.ghost[4:]), "the rest")
    last.press("Tab")
    assert last.saved() == file_with(f"self{last.ghost}")
    assert all(last.ghost.endswith(text) for text in last.tap.texts(since)[:1]), "the server says the same"


def test_keys_faster_than_the_screen_are_in_order(last):
    """All at once: some of the text, the key that accepts the rest, and more."""
    last.press(*last.ghost[:3], "Tab", "z")
    assert last.saved() == file_with(f"self{last.ghost}z")


def test_what_contradicts_it_takes_it_away_at_once(last):
    key = "Z"
    assert not last.ghost.startswith(key)
    last.press(key)
    last.wait_for(lambda: last.terminal.cursor()[0] == len("        selfZ"), "the key")
    assert not last.shows(last.ghost)


def test_moving_away_takes_it_away(last):
    last.press("Left")
    last.wait_for(lambda: last.terminal.cursor()[0] == len("        sel"), "the move")
    assert not last.shows(last.ghost)
    assert last.saved() == file_with("self")


def test_dismissed_it_stays_away_until_something_is_typed(last):
    last.press(last.keys["dismiss"])
    last.hides(last.ghost)
    since = last.tap.mark
    time.sleep(0.5)  # longer than whoever asks waits for the next key
    assert not last.tap.sent(INLINE, since)
    assert not last.shows(last.ghost)
    last.type(last.ghost[0])
    assert last.offered(since)


def test_alternatives_are_asked_for_and_shown_in_turn(last):
    since = last.tap.mark
    last.press("M-n")
    last.tap.wait_for(lambda: last.tap.answers(INLINE, since), "the alternatives")
    (request, answer), *_ = last.tap.answers(INLINE, since)
    assert request["params"]["context"]["triggerKind"] == 1
    texts = [item["insertText"] for item in answer["result"]["items"]]
    assert len(texts) > 1, "the model has changed: find another case"
    last.wait_for(lambda: last.shows(texts[1]), "the second text")
    last.press("M-p")
    last.wait_for(lambda: last.shows(texts[0]), "the first text")
    last.press("M-p")
    last.wait_for(lambda: last.shows(texts[-1]), "the last text")
    last.press("Tab")
    assert last.saved() == file_with(f"self{texts[-1]}")


def test_asked_by_hand(editor):
    editor.open(f"ghost-{next(_numbers)}.py", POINT.replace("‸", "self‸"))
    since = editor.tap.mark
    editor.press(*editor.keys["trigger"].split())
    offered = editor.offered(since)
    kinds = [request["params"]["context"]["triggerKind"] for request in editor.tap.sent(INLINE, since)]
    assert 1 in kinds
    editor.press("Tab")
    assert editor.saved() == file_with(f"self{offered}")


def test_a_request_that_is_out_of_date_is_cancelled(slow):
    slow.open(f"slow-{next(_numbers)}.py", "‸")
    since = slow.tap.mark
    for letter in "abcdef":
        sent = len(slow.tap.sent(INLINE, since))
        slow.press(letter)
        slow.tap.wait_for(lambda sent=sent: len(slow.tap.sent(INLINE, since)) > sent, "a request")
    requests = [request["id"] for request in slow.tap.sent(INLINE, since)]
    slow.tap.wait_for(lambda: requests[-1] in answered_of(slow.tap, since), "the answer to the last")
    assert slow.tap.texts(since)
    cancelled = [message["params"]["id"] for message in slow.tap.sent("$/cancelRequest", since)]
    assert cancelled, "each was asked before the one before was answered"
    assert set(cancelled) <= set(requests[:-1])
    assert sorted(answered_of(slow.tap, since)) == sorted(requests), "each is answered once"
    assert answers_in_time(slow.tap, since) | set(cancelled) == set(requests), "and cancelled if that came too late"


def answered_of(tap, since):
    return [request["id"] for request, _ in tap.answers(INLINE, since)]


def answers_in_time(tap, since):
    """The requests that were answered before the next one was sent."""
    found, newest = set(), None
    for record in tap.records()[since:]:
        message = record.get("message", {})
        if record.get("from") == "editor" and message.get("method") == INLINE:
            newest = message["id"]
        elif record.get("from") == "server" and "method" not in message and message.get("id") == newest:
            found.add(newest)
    return found


def test_an_answer_to_an_older_text_is_never_shown(slow):
    slow.open(f"slow-{next(_numbers)}.py", "‸")
    since = slow.tap.mark
    slow.press("q")
    slow.tap.wait_for(lambda: slow.tap.sent(INLINE, since), "the first request")
    slow.press("0")
    seen = set()

    def new_text_is_shown():
        column, row = slow.terminal.cursor()
        line = slow.terminal.screen().split("\n")[row]
        if column == 2:
            seen.add(line[2:])
        return (texts := slow.tap.texts(since)) and slow.shows(texts[-1])

    slow.wait_for(new_text_is_shown, "the answer to the second")
    shown = slow.tap.texts(since)[-1].split("\n")[0].rstrip()
    assert seen <= {"", shown}


def test_a_burst_of_keys_is_few_requests(slow):
    letters = "the quick brown fox jumps over it"
    slow.open(f"slow-{next(_numbers)}.py", "‸")
    asked_before = num_asked(slow)
    slow.insert()
    since = slow.tap.mark
    slow.type(letters, pace_s=0.01)
    slow.tap.wait_for(lambda: slow.tap.texts(since), "an answer")
    requests = slow.tap.sent(INLINE, since)
    assert len(requests) < len(letters) / 3
    assert requests[-1]["params"]["position"]["character"] == len(letters)
    assert num_asked(slow) - asked_before <= len(requests) + 1, "the engine wrote no more often"


def num_asked(editor):
    """How often the engine was asked for a text."""
    since = editor.tap.mark
    editor.command(editor.keys["dump"])
    editor.wait_for(lambda: "documents open" in editor.terminal.screen(), "the dump")
    editor.press("q")
    editor.wait_for(lambda: "documents open" not in editor.terminal.screen(), "the end of the dump")
    ((_, dumped),) = [
        each
        for each in editor.tap.answers("workspace/executeCommand", since)
        if each[0]["params"]["command"] == "infill.dumpState"
    ]
    text = dumped["result"]
    return int(text.partition(" submitted")[0].rsplit(" ", 1)[1])
