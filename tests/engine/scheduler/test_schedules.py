"""Whatever happens in whatever order, every request ends once, the books balance and the text is right."""

import random
from collections import Counter

import pytest

from lsp_server.base.errors import EngineError, PromptError
from lsp_server.engine.backends.base import DecodeStatus
from lsp_server.engine.backends.fake import FakeBackend
from lsp_server.engine.kvcache import cache
from lsp_server.engine.scheduler import placement
from lsp_server.ipc.launch import EngineOptions
from lsp_server.ipc.requests import Done, Marker, Priority, Sampling, Text
from tests.engine.conftest import Bench
from tests.engine.fakes import Clairvoyant, Forgetful, fake_options

NUM_SCHEDULES = 10_000
SCHEDULES_PER_TEST = 500

WINDOW = 32
ANCHORS = ["a", "ab", "abc", "abcdef", "abcxyz", "x" * 12, "x" * 12 + "y", "é😀", "z" * 20, "too long " * 4]
TYPED = ["", "", "t", "ty", "typ", "é", "😀 x", "t" * 9, "much too long " * 4]


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    """Short texts are worth saving."""
    for module in (cache, placement):
        monkeypatch.setattr(module, "MIN_OFFLOADED_TOKENS", 3)


class Moody(FakeBackend):
    """Now and then finds its cache full, or breaks, half way or at once. Says when a decode is under way.

    Each token of a batch takes `token_s`, so that it may pay to write some texts before others.
    """

    mood: DecodeStatus | EngineError | None = None
    half_way = False
    token_s = 0.0

    def meanwhile(self) -> None:
        """What another thread does during a decode."""

    def enqueue(self, seconds: float) -> None:
        """Let time pass."""

    def decode(self, batch):
        self.meanwhile()
        self.enqueue(self.token_s * len(batch))
        mood, self.mood = self.mood, None
        if isinstance(mood, EngineError):
            if self.half_way:
                super().decode(batch[: len(batch) // 2])
            raise mood
        return mood or super().decode(batch)


class MoodyAndForgetful(Moody, Forgetful):
    """Cannot drop the end of a sequence either."""


class Schedule:
    """Everything that happens to one scheduler, drawn from a seed."""

    def __init__(self, seed: int, reference) -> None:
        self.rng = random.Random(seed)
        self.reference = reference
        backend = self.rng.choice([Moody] * 5 + [MoodyAndForgetful])(self.options())
        self.guesses = self.rng.choice([None, Clairvoyant(self.rng.choice([0.0, 0.6, 0.9, 1.0]), self.rng)])
        self.bench = Bench(backend, self.guesses)
        backend.token_s = self.rng.choice([0.0, 0.0, 0.002])
        backend.enqueue = self.wait
        self.asked: dict[str, dict] = {}
        self.preempted: set[str] = set()

    def wait(self, seconds: float) -> None:
        self.bench.now += seconds

    def options(self) -> EngineOptions:
        return fake_options(
            context_tokens=WINDOW,
            cache_tokens=self.rng.choice([WINDOW, 40, 2 * WINDOW]),
            num_sequences=self.rng.randint(1, 4),
            batch_tokens=self.rng.choice([1, 3, 8, 64]),
            host_cache_bytes=self.rng.choice([0, 0, 20, 1000]),
        )

    def request(self) -> dict:
        """A request for one of a few places, by typing, by accepting what was written, or ahead of time."""
        rng = self.rng
        anchor = rng.choice(ANCHORS)
        typed = rng.choice(TYPED)
        if rng.random() < 0.3:
            typed = self.reference(anchor, 12)[0][: rng.randint(0, 12)]
        asked = {
            "prompt": (Marker("begin"), Text(anchor)),
            "typed": typed,
            "heal": rng.random() < 0.7,
            "fixed_indent": typed[-1:].isspace() and rng.random() < 0.5,
            "reserve_tokens": rng.choice([0, 0, 4, 10]),
            "max_tokens": rng.choice([1, 2, 5, 12]),
            "document": rng.choice(["", "d", "e"]),
            "kind": rng.choice(["inline", "menu"]),
            "priority": rng.choice([Priority.INTERACTIVE, *Priority]),
            "deadline_ms": rng.choice([None, None, None, 0, 50, 500]),
            "logprobs": rng.random() < 0.2,
            "sampling": Sampling(confidence=rng.choice([0.0, 0.0, 0.0, 0.98])),
        }
        if rng.random() < 0.2:
            asked |= {
                "max_tokens": 0,
                "typed": "",
                "fixed_indent": False,
                "kind": "warm-up",
                "priority": Priority.WARM_UP,
            }
        return asked

    def submit(self, asked: dict) -> None:
        name = f"r{len(self.asked)}"
        self.asked[name] = asked
        self.bench.submit(name, **asked)

    def act(self) -> None:
        """One thing that may happen to a scheduler."""
        rng, bench = self.rng, self.bench
        match rng.choice(
            ["submit"] * 2 + ["step"] * 8 + ["arrive", "cancel", "tick", "tidy", "interrupt", "full", "break"]
        ):
            case "submit":
                self.submit(self.request())
            case "arrive":
                self.arrive(rng.choice(["submit", "submit", "cancel"]))
            case "cancel":
                bench.scheduler.cancel(self.any_name())
            case "tidy":
                bench.scheduler.offload_idle()
            case "tick":
                self.wait(rng.choice([0.01, 0.1]))
            case "interrupt":
                bench.interrupted_step()
            case "full" if rng.random() < 0.3:
                bench.backend.mood = DecodeStatus.CACHE_FULL
            case "break" if rng.random() < 0.1:
                bench.backend.mood = EngineError("The fake model is in a mood.")
                bench.backend.half_way = rng.random() < 0.5
            case "step" if bench.scheduler.has_work:
                bench.step()

    def any_name(self) -> str:
        return f"r{self.rng.randrange(len(self.asked) + 1)}"

    def arrive(self, what: str) -> None:
        """A step during whose decode a message comes, which is read after it, as the worker does."""
        scheduler, backend = self.bench.scheduler, self.bench.backend
        asked, name = self.request(), self.any_name()

        def meanwhile() -> None:
            if what == "cancel":
                should = scheduler.should_interrupt_to_cancel(name)
            else:
                try:
                    should = scheduler.should_interrupt_for(*self.bench.tokenize_request(**asked))
                except PromptError:
                    return
            backend.interrupt(should)

        backend.meanwhile = meanwhile
        try:
            self.bench.step()
        finally:
            del backend.meanwhile
            backend.interrupt(False)
        if what == "cancel":
            scheduler.cancel(name)
        else:
            self.submit(asked)

    def play(self) -> Counter[str]:
        """Run it, check it, and count how its requests ended."""
        bench = self.bench
        for _ in range(self.rng.randint(5, 40)):
            try:
                self.act()
            except EngineError as error:
                bench.scheduler.fail_all(str(error))
            bench.check()
            self.preempted |= {seq.id for seq in bench.scheduler._open.values() if seq.is_preempted}
        bench.backend.mood = None
        bench.run()
        assert sorted(bench.ended) == sorted(self.asked), "every request ends, and once"
        assert bench.backend.num_samplers == 0
        assert not [slot for slot in bench.slots if slot.owner]
        if self.guesses is not None and bench.backend.info.supports_rollback:
            assert self.guesses.num_ended == len(bench.tokenized), "nothing is kept of a request that is over"
        endings = Counter(self.check(name, asked) for name, asked in self.asked.items())
        whole = [name for name in self.preempted if isinstance(end := bench.end(name), Done) and end.reason == "length"]
        return endings + Counter({"went on after preemption": len(whole)})

    def check(self, name: str, asked: dict) -> str:
        """One request got the text it should, or the beginning of it; returns how it ended."""
        end = self.bench.end(name)
        if name not in self.bench.tokenized:
            return "refused"
        text = asked["prompt"][1].text + asked["typed"]
        # A byte that was taken back and written again is one of the tokens that may be written.
        healed = (0, 1) if asked["typed"] and asked["heal"] else (0,)
        most = self.bench.tokenized[name].max_tokens
        expected = {self.reference(text, max(0, most - count), fixed_indent=asked["fixed_indent"]) for count in healed}
        if isinstance(end, Done) and end.reason in ("end", "length"):
            assert (self.bench.text(name), end.reason) in expected, name
        else:
            assert any(whole.startswith(self.bench.text(name)) for whole, _ in expected), name
        return end.reason if isinstance(end, Done) else "failed"


@pytest.mark.parametrize("first", range(0, NUM_SCHEDULES, SCHEDULES_PER_TEST))
def test_random_schedules(reference, first):
    endings: Counter[str] = Counter()
    for seed in range(first, first + SCHEDULES_PER_TEST):
        try:
            endings += Schedule(seed, reference).play()
        except BaseException as error:
            error.add_note(f"in the schedule of seed {seed}")
            raise
    assert endings["end"] + endings["length"] > SCHEDULES_PER_TEST, "most let some requests run to their end"
    assert set(endings) >= {"cancelled", "superseded", "deadline", "low_confidence", "refused", "failed"}, (
        "all of it happens"
    )
    assert endings["went on after preemption"] > 0
