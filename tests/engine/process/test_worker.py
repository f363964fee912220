"""The worker's thread: what arrives during a decode interrupts it if the decode serves nobody any more."""

import queue
import threading
import time
from collections import defaultdict

import pytest

from lsp_server.base.errors import EngineError
from lsp_server.engine.backends.base import DecodeStatus
from lsp_server.engine.backends.fake import FakeBackend
from lsp_server.engine.process import worker as worker_module
from lsp_server.engine.process.worker import Worker
from lsp_server.ipc.requests import Chunk, Done, Event, Failed, Generate, Marker, Prefilled, Text
from tests.engine.fakes import fake_options

WRITE_TIMEOUT_S = 30
ANCHOR, OTHER = "x = compute(y)\n" * 20, "class A:\n    pass\n" * 20


class Held(FakeBackend):
    """Holds one decode until it is let go or interrupted."""

    def __init__(self, held: int) -> None:
        super().__init__(fake_options())
        self.held = held  # counted from 1
        self.under_way, self.gate = threading.Event(), threading.Event()
        self.num_interrupted = 0

    def interrupt(self, flag):
        super().interrupt(flag)
        if flag:
            self.gate.set()

    def decode(self, batch):
        if self.num_decodes + 1 == self.held:
            self.under_way.set()
            assert self.gate.wait(WRITE_TIMEOUT_S)
        status = super().decode(batch)
        self.num_interrupted += status is DecodeStatus.INTERRUPTED
        return status


class Office:
    """A worker on such a backend, and what it said."""

    def __init__(self, held: int) -> None:
        self.backend = Held(held)
        self.events: dict[str, list[Event]] = defaultdict(list)
        self.loaded, self.changed = threading.Event(), threading.Condition()
        self.worker = Worker(lambda _: self.backend, lambda _: self.loaded.set(), self.on_event)
        self.worker.start()
        assert self.loaded.wait(WRITE_TIMEOUT_S)

    def on_event(self, request_id: str, event: Event) -> None:
        with self.changed:
            self.events[request_id].append(event)
            self.changed.notify_all()

    def ask(self, name: str, text: str, max_tokens: int = 8, **rest) -> None:
        self.worker.submit(name, Generate((Marker("begin"), Text(text)), max_tokens, **{"document": "d"} | rest))

    def wait_until_held(self) -> None:
        assert self.backend.under_way.wait(WRITE_TIMEOUT_S)

    def wait_for(self, name: str, kind: type | tuple[type, ...]) -> Event:
        """The first event of a kind, once it has come."""
        found = None

        def came() -> bool:
            nonlocal found
            found = next((event for event in self.events[name] if isinstance(event, kind)), None)
            return found is not None

        with self.changed:
            assert self.changed.wait_for(came, WRITE_TIMEOUT_S)
        return found


@pytest.fixture
def office(request):
    """One whose first decode, or the one the test names, is held."""
    office = Office(getattr(request, "param", 1))
    yield office
    office.worker.close()


def test_an_arrival_interrupts_what_it_supersedes(office):
    office.ask("old", ANCHOR)
    office.wait_until_held()
    office.ask("new", OTHER)
    assert office.wait_for("new", Done).reason in ("end", "length")
    assert office.wait_for("old", Done).reason == "superseded"
    assert office.backend.num_interrupted == 1


def test_an_arrival_lets_prefill_go_on_that_it_wants_itself(office):
    office.ask("old", ANCHOR)
    office.wait_until_held()
    office.ask("new", ANCHOR, typed="ty")
    assert not office.backend.gate.is_set()
    office.backend.gate.set()
    done = office.wait_for("new", Done)
    assert done.timings.reused_tokens > 0
    assert office.backend.num_interrupted == 0


@pytest.mark.parametrize("office", [5], indirect=True)
def test_a_cancel_interrupts_what_is_being_written(office):
    office.ask("old", "abc9", max_tokens=50)
    office.wait_until_held()
    assert office.wait_for("old", Chunk)
    office.worker.cancel("old")
    assert office.wait_for("old", Done).reason == "cancelled"


def test_a_cancel_lets_the_prefill_of_an_anchor_go_on(office):
    office.ask("old", ANCHOR)
    office.wait_until_held()
    office.worker.cancel("old")
    assert not office.backend.gate.is_set()
    office.backend.gate.set()
    assert office.wait_for("old", Done).reason == "cancelled"
    assert office.backend.num_interrupted == 0


def test_what_cannot_be_prepared_fails_while_others_run(office):
    office.ask("old", ANCHOR)
    office.wait_until_held()
    office.ask("big", "x" * 5000, document="e")
    assert office.wait_for("big", Failed).is_refused, "at once, without waiting for its turn"
    office.backend.gate.set()
    office.wait_for("old", Prefilled)


class Slow:
    """Takes its time to tokenise a long text, until it is let go."""

    def __init__(self, backend: FakeBackend) -> None:
        self.under_way, self.gate = threading.Event(), threading.Event()
        self.plain = backend.tokenize
        backend.tokenize = self.tokenize  # type: ignore[method-assign]

    def tokenize(self, text: str) -> list[int]:
        if "long" in text:
            self.under_way.set()
            assert self.gate.wait(WRITE_TIMEOUT_S)
        return self.plain(text)


@pytest.mark.parametrize("office", [0], indirect=True)
def test_what_follows_a_long_text_keeps_its_order(office):
    """Newer requests, cancels and the end do not overtake it, and each request has one end."""
    slow = Slow(office.backend)
    office.ask("long", "long text", max_tokens=500)
    assert slow.under_way.wait(WRITE_TIMEOUT_S)
    office.ask("newer", "newer", max_tokens=500)
    office.ask("other", "other", max_tokens=500, document="other")
    office.worker.cancel("other")
    closing = threading.Thread(target=office.worker.close)
    closing.start()
    assert not any(office.events.values()), "nothing is submitted before the long text is"
    slow.gate.set()
    for name in ("long", "newer", "other"):
        office.wait_for(name, (Done, Failed))
    closing.join(WRITE_TIMEOUT_S)
    ends = [event for events in office.events.values() for event in events if isinstance(event, Done | Failed)]
    assert len(ends) == 3


def test_a_text_that_cannot_be_tokenised_fails_alone(office, monkeypatch):
    office.ask("old", ANCHOR)
    office.wait_until_held()
    monkeypatch.setattr(office.backend, "tokenize", lambda _: 1 / 0)
    office.ask("bad", "x", document="e")
    assert office.wait_for("bad", Failed) == Failed("The engine failed (ZeroDivisionError).")
    monkeypatch.undo()
    office.backend.gate.set()
    assert office.wait_for("old", Done)


def test_requests_that_come_before_the_model_wait_for_it():
    go_on, events, answered = threading.Event(), [], threading.Event()

    def load(_):
        assert go_on.wait(WRITE_TIMEOUT_S)
        return FakeBackend(fake_options())

    def on_event(name: str, event: Event) -> None:
        events.append((name, type(event)))
        if len([kind for _, kind in events if kind in (Done, Failed)]) == 2:
            answered.set()

    worker = Worker(load, lambda _: None, on_event)
    worker.start()
    worker.submit("a", Generate((Text("abc9"),), 3))
    worker.submit("unfit", Generate((Marker("spouse"),), 3))
    assert events == []
    go_on.set()
    assert answered.wait(WRITE_TIMEOUT_S)
    assert ("a", Done) in events
    assert ("unfit", Failed) in events
    worker.close()


def test_closing_ends_what_is_open(office):
    office.ask("old", ANCHOR)
    office.wait_until_held()
    office.worker.close()
    assert office.wait_for("old", Failed).message == "The engine was closed."


def test_what_is_in_the_way_is_moved_when_nothing_is_asked_for_a_moment(monkeypatch):
    monkeypatch.setattr(worker_module, "OFFLOAD_AFTER_S", 0.05)
    backend = FakeBackend(fake_options(host_cache_bytes=10_000))
    ended: queue.SimpleQueue[str] = queue.SimpleQueue()
    worker = Worker(
        lambda _: backend,
        lambda _: None,
        lambda request_id, event: ended.put(request_id) if isinstance(event, Done) else None,
    )
    worker.start()
    for name, text in (("a", ANCHOR), ("b", OTHER), ("a again", ANCHOR)):
        worker.submit(name, Generate((Marker("begin"), Text(text)), 1, document=name[0]))
        assert ended.get(timeout=WRITE_TIMEOUT_S) == name
        dumps: queue.SimpleQueue[str] = queue.SimpleQueue()
        while True:
            worker.dump(dumps.put)
            dump = dumps.get(timeout=WRITE_TIMEOUT_S)
            if f", {int(name != 'a')} offloaded" in dump:
                break
            time.sleep(0.1)  # longer than the worker waits
    worker.close()


class Broken(FakeBackend):
    """Fails at the decodes with these numbers, counted from 1."""

    def __init__(self, failing: set[int]) -> None:
        super().__init__(fake_options())
        self.failing = failing

    def decode(self, batch):
        if self.num_decodes + 1 in self.failing:
            self.num_decodes += 1
            raise EngineError("The device is lost.")
        return super().decode(batch)


@pytest.mark.parametrize(
    ("failing", "is_dead"),
    [({1}, False), ({1, 3}, False), ({2, 4, 6}, False), ({1, 2}, True), ({2, 3}, True), (set(range(3, 99)), True)],
)
def test_a_backend_that_fails_twice_in_a_row_is_replaced(failing, is_dead):
    died, ended = threading.Event(), queue.SimpleQueue()
    worker = Worker(
        lambda _: Broken(failing),
        lambda _: None,
        lambda _, event: ended.put(event) if isinstance(event, Done | Failed) else None,
        died.set,
    )
    worker.start()
    events = []
    while len(events) < 4 and [type(event) for event in events[-2:]] != [Failed, Failed]:
        worker.submit(str(len(events)), Generate((Marker("begin"), Text("abc9")), 2))
        events.append(ended.get(timeout=WRITE_TIMEOUT_S))
    if is_dead:
        assert died.wait(WRITE_TIMEOUT_S)
    else:
        assert not died.is_set()
        worker.close()
