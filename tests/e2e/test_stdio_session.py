"""Long sessions of typing with the embedded model: whatever is shown is right for the document it is shown in.

The client keeps documents of its own and asks as editors do: it waits, or does not, cancels, lets several requests
run at once. A text inserted where its item says makes a completed document. What was known without the model must make
one that an earlier item made: the document asked for then, with its answer.
"""

import asyncio
import inspect
import re
import shlex
from dataclasses import dataclass

import pytest

from tests.e2e.conftest import QUICK
from tests.e2e.typist import LINE_BREAK, File, Place, Typist
from tests.raw_client import INLINE
from tests.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

INVOKED, AUTOMATIC = 1, 2
REQUEST_CANCELLED = -32800
KNOWN = "known from an earlier answer"
NUM_EDITS = 250
PAUSE_S = 1.2  # in which the server prepares for what may come next
SOURCE = "".join(inspect.getsource(shlex).splitlines(keepends=True)[60:130])


@dataclass
class Request:
    """What was asked for, of a document as it was. `place` is that with the menu's `selected` item accepted."""

    id: int
    place: Place
    file: File
    is_automatic: bool
    selected: dict | None
    was_cancelled: bool = False


def make_files(encoding):
    """Two documents with characters of every width; one has the line breaks of Windows."""
    text = "# 😀 naïve\f\u2028\n" + SOURCE.replace("state", "stäte").replace("'", "'𝔮")
    return [
        File("file:///project/unix.py", text, encoding),
        File("file:///project/windows.py", text.replace("\n", "\r\n"), encoding),
    ]


class Session:
    """A client that types, asks, and checks every answer."""

    def __init__(self, client, encoding, seed):
        self.client = client
        self.typist = Typist(make_files(encoding), seed)
        self.random = self.typist.random
        self.open_requests = []
        self.completed = set()  # documents that items have made, with their URI
        self.unseen = []  # places whose answers the server may know, and the client was not given
        self.stays = None  # the completed document that typing in agreement must not change
        self.num_edits = self.num_shown = self.num_known = self.num_kept = self.num_traced = 0
        for file in self.typist.files:
            file.cursor = len(file.text)
            client.open(file.uri, file.text)

    async def step(self):
        """One thing done, and mostly something asked."""
        file = self.typist.file
        for change in self.typist.changes():
            self.client.change(file.uri, change)
            self.num_edits += 1
            if self.random.random() < 0.1:
                self._ask()
        if not self.typist.ghost:
            self.stays = None
        match self.random.choices(["wait", "go on", "cancel", "pause", "leave"], [80, 6, 5, 1, 8])[0]:
            case "wait":
                await self.settle()
                await self._ask_and_wait()
            case "go on":
                self._ask()
            case "cancel":
                request = self._ask()
                await asyncio.sleep(self.random.choice([0, 0.002, 0.02]))
                self.client.cancel(request.id)
                request.was_cancelled = True
            case "pause":
                await self.settle()
                await self._ask_and_wait()
                await asyncio.sleep(PAUSE_S)

    def _ask(self):
        file = self.typist.file
        selected = self._selected() if self.random.random() < 0.08 else None
        is_automatic = self.random.random() < 0.9
        position = file.position(file.cursor)
        extra = {"selectedCompletionInfo": selected} if selected else {}
        number = self.client.ask(
            file.uri, position["line"], position["character"], AUTOMATIC if is_automatic else INVOKED, **extra
        )
        place = file.place()
        if selected:
            place = insert(file, selected["range"], selected["text"])
        frozen = File(file.uri, file.text, file.encoding, file.cursor)
        request = Request(number, place, frozen, is_automatic, selected)
        self.open_requests.append(request)
        return request

    def _selected(self):
        """An item of the menu that goes on with the word begun."""
        file = self.typist.file
        word = re.search(r"\w*\Z", file.text[: file.cursor])[0]
        place = {"start": file.position(file.cursor - len(word)), "end": file.position(file.cursor)}
        return {"text": word + self.random.choice(["", "s", "value", "é😀"]), "range": place}

    async def settle(self):
        """Wait for everything asked so far."""
        for request in self.open_requests:
            items = await self._items(request)
            if not items:
                self.unseen.append(request.place)
            for item in items:
                self._complete(request, item)
        if self.open_requests:
            self.stays = None  # who showed what, and when, is not known of requests that run at the same time
            self.typist.ghost = ""
        self.open_requests = []

    async def _ask_and_wait(self):
        """Ask while nothing else runs: then the trace says what was known, and of what document."""
        request = self._ask()
        self.open_requests = []
        items = await self._items(request)
        trace = parse_trace(await self.client.command("infill.explainLast", True))
        is_known = KNOWN in trace["recall"]
        completed = [
            self._complete(request, item, is_new=not is_known or number > 0) for number, item in enumerate(items)
        ]
        if "prompt" in trace:
            self._check_prompt(request.place, trace["prompt"])
        if items and is_known:
            self._check_known(request.place, completed[0])
        if request.selected is None:
            self._check_what_stays(request, completed)
            self.stays = completed[0] if completed else None
            self.typist.ghost = items[0]["insertText"] if items else ""
        # What would follow, if an item were accepted, may be written in a pause.
        self.unseen += [insert(request.file, item["range"], item["insertText"]) for item in items]

    async def _items(self, request):
        """The items of an answer, each of which looks as editors need it to."""
        response = await self.client.response(request.id)
        if "error" in response:
            assert request.was_cancelled, response
            assert response["error"]["code"] == REQUEST_CANCELLED, response
            return []
        items = response["result"]["items"] if response["result"] else []
        for item in items:
            text = item["insertText"]
            cursor = request.file.position(request.file.cursor)
            if request.selected:
                assert item["range"] == request.selected["range"]
                assert text.startswith(request.selected["text"])
                assert text != request.selected["text"]
            else:
                assert item["range"] == {"start": cursor, "end": cursor}
            assert text
            follows = LINE_BREAK.split(request.file.text[request.file.cursor :], maxsplit=1)[0]
            # A space at the end keeps the text apart from what follows on the line; else there is none.
            assert text == text.rstrip() or follows.strip()
            assert "\ufffd" not in text, "a part of a character"
            assert set(LINE_BREAK.findall(text)) <= {request.file.line_break}
        return items

    def _complete(self, request, item, *, is_new=True):
        """The document with an item's text where the item says, kept if it is not to be one that was made before."""
        place = insert(request.file, item["range"], item["insertText"])
        assert place.text.startswith(request.place.before), "what stands before the cursor stays"
        assert place.text.endswith(request.place.after), "and what stands after it"
        completed = (place.uri, place.text)
        self.num_shown += 1
        if is_new:
            self.completed.add(completed)
        return completed

    def _check_known(self, place, completed):
        """Text that needed no model makes a document that an answer made; if one was never seen, one that it could."""
        was_made = completed in self.completed
        could_be = any(
            (place.uri, place.after) == (other.uri, other.after) and place.before.startswith(other.before)
            for other in self.unseen
        )
        assert was_made or could_be, (place.before[-200:], completed)
        self.completed.add(completed)
        self.num_known += was_made

    def _check_what_stays(self, request, completed):
        """Text stays while it is typed: editors would flicker. (Between letters of a word nothing is offered.)"""
        is_inside_word = re.search(r"\w\Z", request.place.before) and re.match(r"\w", request.place.after)
        if self.stays is not None and request.is_automatic and not is_inside_word:
            assert completed == [self.stays]
            self.num_kept += 1

    def _check_prompt(self, place, prompt):
        """The model is shown the client's text around the cursor, but for a closer that the editor added."""
        before, after, typed = re.search(
            "<｜fim▁begin｜>(.*)<｜fim▁hole｜>(.*)<｜fim▁end｜>(.*)", prompt, re.DOTALL
        ).groups()
        expected_before, expected_after = (LINE_BREAK.sub("\n", text) for text in (place.before, place.after))
        assert (before + typed).endswith(expected_before[-200:])
        assert any(after[:100] == expected_after[closers:][:100] for closers in range(5))
        self.num_traced += 1


def insert(file, place, text):
    """A document with a text at a range, and the cursor behind it."""
    start, end = file.index(place["start"]), file.index(place["end"])
    return Place(file.uri, file.text[:start] + text + file.text[end:], start + len(text))


def parse_trace(trace):
    """The texts of a trace by stage, and the summary of the stage `recall`."""
    found, stage = {"recall": ""}, ""
    for row in trace.split("\n"):
        if text := re.match(r" +│ (.*)\Z", row, re.DOTALL):
            found[stage] = f"{found[stage]}\n{text[1]}" if stage in found else text[1]
        else:
            stage, _, summary = row.partition(" ")
            if stage == "recall":
                found[stage] += summary
    return found


@pytest.mark.in_turn(("encoding", "seed"), [("utf-16", 1), ("utf-8", 2), ("utf-32", 3)])
async def test_what_is_shown_is_right_where_it_is_shown(serve, encoding, seed):
    client = await serve({**INLINE, "general": {"positionEncodings": [encoding]}}, QUICK)
    await client.ready()
    session = Session(client, encoding, seed)
    while session.num_edits < NUM_EDITS:
        await session.step()
    await session.settle()
    assert await eventually(lambda: is_idle(client))
    answered = [message["id"] for message in client.received if "id" in message and "method" not in message]
    assert len(answered) == len(set(answered)), "every request is answered once"
    assert client.shown() == []
    assert session.num_shown > 50
    assert session.num_known > 10
    assert session.num_kept > 2
    assert session.num_traced > 30


async def is_idle(client):
    return await client.num_open() == 0
