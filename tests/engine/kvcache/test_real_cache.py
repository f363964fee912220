"""The real cache under random use: what is written is what a fresh context writes for the same tokens.

Several documents are edited at random (typing, backspace, accept, undo, jump, new line) and asked about, with cancels,
supersedes and interruptions at random moments, and with chats that give way to typing. Each request's tokens are then
evaluated at once in an empty sequence of another context, and each token must be the one that this context finds most
probable, near-ties aside (see `fresh`).

`python -m tests.engine.kvcache.test_real_cache FIRST COUNT` plays schedules of `COUNT` seeds, for hours if need be.
"""

import codecs
import contextlib
import importlib.util
import random
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from msgspec.structs import replace

from lsp_server.completion.planner import Planner
from lsp_server.engine.backends.llama.backend import LlamaBackend
from lsp_server.engine.drafting.proposer import Drafter
from lsp_server.engine.scheduler.scheduler import Scheduler
from lsp_server.engine.scheduler.sequence import SequenceState
from lsp_server.engine.scheduler.step_times import StepTimes
from lsp_server.engine.scheduler.tokenize import RequestTokenizer
from lsp_server.ipc.launch import EngineOptions
from lsp_server.ipc.requests import Chunk, Done, Event, Failed, Generate, Priority
from lsp_server.prompt.settled_indentation import is_settled
from lsp_server.settings.model import CompletionSettings, Settings
from lsp_server.text.snapshot import Snapshot
from tests.engine.drive import sample
from tests.engine.fresh import NEAR_TIE, WAYS, Fresh
from tests.gguf.embedded import EMBEDDED

REQUESTS = 60  # of each seed
MODULES = ("heapq", "shlex", "textwrap")  # the embedded model never saw them
MAX_TOKENS, CHAT_TOKENS = 16, 80


class Editor:
    """A document and a cursor, as somebody edits it who half knows what the module looks like."""

    def __init__(self, module: str, rng: random.Random) -> None:
        self.rng = rng
        self.uri = f"file:///{module}.py"
        self.original = Path(importlib.util.find_spec(module).origin).read_text(encoding="utf-8").split("\n")
        self.text = "\n".join(self.original[:150])
        self.cursor = len(self.text) // 2
        self.past: list[tuple[str, int]] = []
        self.offered = ""
        self.version = 0

    def edit(self) -> None:
        """One thing somebody does before the next request."""
        self.version += 1
        kind = self.rng.choices(
            ["type", "accept", "backspace", "new line", "undo", "jump", "nothing"], [10, 5, 3, 2, 2, 2, 1]
        )[0]
        if kind not in ("undo", "nothing"):
            self.past.append((self.text, self.cursor))
        match kind:
            case "type":
                line = self.rng.choice(self.original)
                start = self.rng.randrange(len(line) + 1)
                self.insert(line[start : start + self.rng.randint(1, 6)] or " ")
            case "accept" if self.offered:
                self.insert(self.offered[: self.rng.randint(1, len(self.offered))])
            case "backspace":
                count = min(self.cursor, self.rng.randint(1, 4))
                self.text = self.text[: self.cursor - count] + self.text[self.cursor :]
                self.cursor -= count
            case "new line":
                self.insert("\n" + " " * self.rng.choice([0, 4, 8]))
            case "undo" if self.past:
                self.text, self.cursor = self.past.pop()
            case "jump":
                self.cursor = self.rng.randrange(len(self.text) + 1)
        self.offered = ""

    def insert(self, text: str) -> None:
        self.text = self.text[: self.cursor] + text + self.text[self.cursor :]
        self.cursor += len(text)

    @property
    def snapshot(self) -> Snapshot:
        prefix, suffix = self.text[: self.cursor], self.text[self.cursor :]
        line, character = prefix.count("\n"), len(prefix) - prefix.rfind("\n") - 1
        return Snapshot(self.uri, self.version, "python", self.uri, prefix, suffix, line, character)


@dataclass
class Asked:
    """A request, and what came of it: its run as it was placed, and its events."""

    editor: Editor
    run: SequenceState
    prompt: list[int] = field(default_factory=list)
    healing_bytes: bytes = b""
    events: list[Event] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(event.text for event in self.events if isinstance(event, Chunk))


class Watched(Scheduler):
    """Tells what tokens a run was given when it was placed."""

    asked: dict[str, Asked]
    num_preempted = 0

    def _preempt(self, urgency: Priority) -> bool:
        before = sum(run.is_preempted for run in self._open.values())
        gave_way = super()._preempt(urgency)
        self.num_preempted += sum(run.is_preempted for run in self._open.values()) - before
        return gave_way

    def _place(self, run: SequenceState) -> bool:
        placed = super()._place(run)
        if placed and not self.asked[run.id].prompt:  # not after preemption
            self.asked[run.id].prompt, self.asked[run.id].healing_bytes = list(run.tokens), run.healing_bytes
        return placed


class Use:
    """Random use of one scheduler, and the fresh context it is compared with."""

    def __init__(self, seed: int, backend: LlamaBackend, fresh: Fresh) -> None:
        self.rng = random.Random(seed)
        self.backend, self.fresh = backend, fresh
        step_times = StepTimes(backend.info.prefill_tokens_per_s)
        self.scheduler = Watched(backend, self.on_event, step_times, Drafter(backend, step_times))
        self.asked = self.scheduler.asked = {}
        self.request_tokenizer = RequestTokenizer(backend, backend.info.context_tokens)
        self.planner = Planner(Settings(completion=CompletionSettings(max_tokens=MAX_TOKENS)))
        self.editors = [Editor(module, self.rng) for module in MODULES]
        self.counts: Counter[str] = Counter()
        self.divergences: list[str] = []
        self.ends = [token for token in range(backend.vocabulary.num_tokens) if backend.is_end(token)]

    def on_event(self, request_id: str, event: Event) -> None:
        asked = self.asked[request_id]
        asked.events.append(event)
        if isinstance(event, Failed):
            pytest.fail(event.message)
        if isinstance(event, Done):
            self.counts[event.reason] += 1
            self.counts["reused"] += event.timings.reused_tokens
            self.counts["guessed right"] += event.timings.accepted_tokens
            asked.editor.offered = asked.text

    # What happens

    def submit(self) -> None:
        """Edit and ask; now and then, bring the next anchor into the cache."""
        rng, editor = self.rng, self.rng.choice(self.editors)
        editor.edit()
        snapshot, model = editor.snapshot, self.backend.info
        plan = self.planner.plan(snapshot, tuple, model)
        request = Generate(
            plan.anchor.parts,
            rng.randint(1, MAX_TOKENS),
            typed=plan.continuation.typed,
            reserve_tokens=plan.anchor.reserve_tokens,
            heal=rng.random() < 0.8,
            fixed_indent=is_settled(snapshot),
            document=editor.uri,
            kind=rng.choice(["inline", "inline", "menu"]),
            priority=rng.choice([Priority.INTERACTIVE, Priority.INTERACTIVE, Priority.ALTERNATIVES]),
        )
        if rng.random() < 0.25:
            request = replace(request, max_tokens=CHAT_TOKENS, typed="", kind="chat", priority=Priority.CHAT)
            request = replace(request, document="", fixed_indent=False)
        self.open(editor, request)
        if rng.random() < 0.3 and (anchor := self.planner.plan_warm_up(snapshot, tuple, model)):
            reserve = anchor.reserve_tokens + MAX_TOKENS
            warm_up = Generate(anchor.parts, 0, reserve_tokens=reserve, document=editor.uri, kind="warm-up",
                               priority=Priority.WARM_UP)  # fmt: skip
            self.open(editor, warm_up)
            self.planner.adopt(editor.uri, anchor, model)

    def open(self, editor: Editor, request: Generate) -> None:
        name = f"r{len(self.asked)}"
        tokenized = self.request_tokenizer.tokenize_request(request)
        if self.scheduler.should_interrupt_for(request, tokenized):
            self.counts["would have interrupted"] += 1
        self.asked[name] = Asked(editor, SequenceState(name, request, tokenized, 0, 0.0))
        self.scheduler.submit(name, request, tokenized)
        self.asked[name].run = self.scheduler._open[name]

    def step(self) -> None:
        """A step, interrupted or not, at once or at any moment."""
        before = self.scheduler.cache.slots.used_tokens
        timer = threading.Timer(self.rng.choice([0, 0.001, 0.003, 0.01]), self.backend.interrupt, [True])
        interrupted = self.rng.random() < 0.25
        if interrupted:
            timer.start()
        self.scheduler.step()
        if interrupted:
            timer.cancel()
            timer.join()
            self.backend.interrupt(False)
            self.counts["interrupted for nothing"] += self.scheduler.cache.slots.used_tokens == before
        self.scheduler.check_integrity()

    def play(self) -> None:
        while len(self.asked) < REQUESTS:
            match self.rng.choices(["submit", "step", "finish", "cancel"], [3, 8, 1, 1])[0]:
                case "submit":
                    self.submit()
                case "step" if self.scheduler.has_work:
                    self.step()
                case "finish":
                    while self.scheduler.has_work:
                        self.step()
                    self.counts["saved"] += self.scheduler.offload_idle()
                case "cancel" if self.asked:
                    self.scheduler.cancel(self.rng.choice(list(self.asked)[-4:]))
        while self.scheduler.has_work:
            self.step()

    # What must have come of it

    def check(self, name: str, asked: Asked) -> None:
        """Compare what a request got with a fresh context."""
        *_, end = asked.events
        assert sum(isinstance(event, Done) for event in asked.events) == 1
        if not asked.prompt:
            return  # it never had its turn
        anchor, request = asked.run.tokenized.anchor, asked.run.request
        typed = b"".join(map(self.backend.piece, asked.prompt[len(anchor) :])) + asked.healing_bytes
        assert asked.prompt[: len(anchor)] == anchor
        assert typed == request.typed.encode(errors="replace")
        written = asked.run.tokens[len(asked.prompt) :]
        spelt = b"".join(map(self.backend.piece, written))[len(asked.healing_bytes) :]
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        assert asked.text == decoder.decode(spelt)
        if end.reason == "length":
            assert len(written) == asked.run.tokenized.max_tokens
        if written or end.reason == "end":
            self.compare(name, asked, written, ended=end.reason == "end")

    def compare(self, name: str, asked: Asked, written: list[int], *, ended: bool) -> None:
        """Each token written must be the most probable one after those before it."""
        closest = self.gaps(asked, written, 0, ended=ended)
        self.counts["compared"] += len(closest)
        self.counts["near ties"] += sum(gap > 0 for gap in closest)
        for way in range(1, WAYS):
            if max(closest) <= NEAR_TIE:
                return
            closest = list(map(min, closest, self.gaps(asked, written, way, ended=ended)))
        for number, gap in enumerate(closest):
            if gap > NEAR_TIE:
                self.divergences.append(f"{name}, token {number} of {len(written)}: {gap} nats apart")

    def gaps(self, asked: Asked, written: list[int], way: int, *, ended: bool) -> list[float]:
        """How much more probable than each token written a fresh context finds the best one, in nats.

        A text that `ended` has one more token, which the run does not keep: any that ends a text.
        """
        tokens, rest, backend = asked.prompt + written, asked.healing_bytes, self.fresh.backend
        gaps, shown = [], False
        for position, row in self.fresh.rows(tokens, len(asked.prompt) - 1, way):
            if position == len(tokens) - 1 and not ended:
                break
            chosen = tokens[position + 1 : position + 2] or self.ends
            must_be_visible = asked.run.request.fixed_indent and not shown
            best = sample(backend, row, healing_bytes=rest, visible=must_be_visible)
            gap = backend.logprob(row, best) - max(backend.logprob(row, token) for token in chosen)
            gaps.append(0.0 if best in chosen else gap)
            shown |= len(rest) < len(backend.piece(chosen[0]))
            rest = rest[len(backend.piece(chosen[0])) :]
        return gaps


@contextlib.contextmanager
def opened(*, flash: bool) -> Iterator[tuple[LlamaBackend, Fresh]]:
    """A context with too little room for all that goes on in it, and one for the reference."""
    window = 384
    crowded = EngineOptions(
        str(EMBEDDED),
        context_tokens=window,
        cache_tokens=800,
        num_sequences=4,
        batch_tokens=256,
        threads=1,
        flash_attention=flash,
    )
    backend, fresh = LlamaBackend(crowded), Fresh(str(EMBEDDED), window, flash_attention=flash)
    yield backend, fresh
    backend.close()
    fresh.backend.close()


@pytest.fixture(scope="module", params=[True, False], ids=["flash attention", "without"])
def contexts(request):
    with opened(flash=request.param) as both:
        yield both


def played(seed: int, backend: LlamaBackend, fresh: Fresh) -> Use:
    """Play a schedule in an empty context, and compare every answer."""
    for sequence in range(backend.num_sequences):
        backend.truncate(sequence, 0)
    use = Use(seed, backend, fresh)
    use.play()
    for name, asked in use.asked.items():
        use.check(name, asked)
    use.counts["preempted"] = use.scheduler.num_preempted
    return use


@pytest.mark.in_turn("seed", [1, 2])
def test_random_use_writes_what_a_fresh_context_writes(contexts, seed):
    use = played(seed, *contexts)
    print(dict(use.counts))
    assert not use.divergences
    assert use.counts["compared"] > REQUESTS
    assert use.counts["near ties"] <= use.counts["compared"] / 10, "as good as always the very same"
    assert use.counts["reused"] > 1000
    assert use.counts["guessed right"]
    assert use.counts["preempted"]


def main(first: int, count: int) -> None:
    """Play schedules and print each that went wrong, and the sums of all."""
    total: Counter[str] = Counter()
    with opened(flash=True) as contexts:
        for seed in range(first, first + count):
            use = played(seed, *contexts)
            total += use.counts
            for divergence in use.divergences:
                print(f"seed {seed}: {divergence}", flush=True)
    print(dict(total))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
