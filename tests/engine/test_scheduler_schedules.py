"""Whatever happens in whatever order, every request ends once, the books balance and the text is right."""

import random

import pytest

from lsp_server.engine.backend import DecodeStatus
from lsp_server.engine.fake_backend import FakeBackend
from lsp_server.engine.messages import Done, EngineOptions, Marker, Priority, Text
from lsp_server.errors import EngineError

NUM_SCHEDULES = 10_000
SCHEDULES_PER_TEST = 500

WINDOW = 32
TEXTS = ["a", "ab", "abc", "abcdef", "abcxyz", "x" * 12, "x" * 12 + "y", "é😀", "z" * 20, "too long " * 4]


class Moody(FakeBackend):
    """Now and then finds its cache full, or breaks."""

    mood: DecodeStatus | EngineError | None = None

    def decode(self, batch):
        mood, self.mood = self.mood, None
        if isinstance(mood, EngineError):
            raise mood
        return mood or super().decode(batch)


def options_of(rng: random.Random) -> EngineOptions:
    return EngineOptions(
        model_path="fake",
        backend="fake",
        window_tokens=WINDOW,
        cache_tokens=rng.choice([WINDOW, 40, 2 * WINDOW]),
        num_sequences=rng.randint(1, 4),
        batch_tokens=rng.choice([1, 3, 8, 64]),
    )


def request_of(rng: random.Random) -> tuple[str, dict]:
    return rng.choice(TEXTS), {
        "max_tokens": rng.choice([1, 2, 5, 12]),
        "document": rng.choice(["", "d", "e"]),
        "kind": rng.choice(["inline", "popup"]),
        "priority": rng.choice(list(Priority)),
        "deadline_ms": rng.choice([None, None, 0, 50, 500]),
    }


def act(rng: random.Random, bench, asked: dict[str, tuple[str, int]]) -> None:
    """One thing that may happen to a scheduler."""
    match rng.choice(["submit", "submit", "cancel", "tick", "interrupt", "full", "break"] + ["step"] * 8):
        case "submit":
            name = f"r{len(asked)}"
            text, rest = request_of(rng)
            asked[name] = text, rest["max_tokens"]
            bench.submit(name, prompt=(Marker("begin"), Text(text, "keep_all")), **rest)
        case "cancel":
            bench.scheduler.cancel(f"r{rng.randrange(len(asked) + 1)}")
        case "tick":
            bench.now += rng.choice([0.01, 0.1])
        case "interrupt":
            bench.backend.interrupt(True)
            try:
                bench.step()
            finally:
                bench.backend.interrupt(False)
        case "full" if rng.random() < 0.3:
            bench.backend.mood = DecodeStatus.CACHE_FULL
        case "break" if rng.random() < 0.1:
            bench.backend.mood = EngineError("The fake model is in a mood.")
        case "step" if bench.scheduler.has_work:
            bench.step()


def play(seed: int, make_bench, reference) -> int:
    """Run the schedule of a seed and check it; returns how many requests got their whole text."""
    rng = random.Random(seed)
    bench = make_bench(Moody(options_of(rng)))
    asked: dict[str, tuple[str, int]] = {}
    for _ in range(rng.randint(5, 40)):
        try:
            act(rng, bench, asked)
        except EngineError as error:
            bench.scheduler.fail_all(str(error))
        bench.check()
    bench.backend.mood = None
    bench.run()

    assert sorted(bench.ended) == sorted(asked), "every request ends, and once"
    assert bench.backend.num_samplers == 0
    whole = 0
    for name, (text, max_tokens) in asked.items():
        end = bench.end(name)
        if isinstance(end, Done) and end.reason in ("end", "length"):
            assert (bench.text(name), end.reason) == reference(text, max_tokens), name
            whole += 1
        else:
            assert reference(text, max_tokens)[0].startswith(bench.text(name)), name
    return whole


@pytest.mark.parametrize("first", range(0, NUM_SCHEDULES, SCHEDULES_PER_TEST))
def test_random_schedules(make_bench, reference, first):
    whole = 0
    for seed in range(first, first + SCHEDULES_PER_TEST):
        try:
            whole += play(seed, make_bench, reference)
        except BaseException as error:
            error.add_note(f"in the schedule of seed {seed}")
            raise
    assert whole > SCHEDULES_PER_TEST, "most schedules let some requests run to their end"
