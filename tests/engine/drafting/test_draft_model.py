"""A draft model beside a large one, both llama.cpp's: the same text sooner, and none of its faults is the text's."""

from __future__ import annotations

import re
from dataclasses import replace

import msgspec
import pytest

from lsp_server.base.errors import EngineError
from lsp_server.engine.backends.llama.backend import LlamaBackend
from lsp_server.engine.backends.llama.draft_model import open_backend
from lsp_server.engine.client.supervisor import EngineSupervisor
from lsp_server.engine.drafting.lookup import Lookup
from lsp_server.engine.drafting.proposer import drafting_scheduler
from lsp_server.engine.scheduler.tokenize import RequestTokenizer
from lsp_server.ipc.launch import EngineOptions
from lsp_server.ipc.requests import Done, Generate, Marker, Text
from tests.gguf import writer
from tests.gguf.embedded import EMBEDDED

TOKENS = 24
LARGE_S, DRAFT_S = 1.0, 0.02
# What the model writes much behind.
CODE = "def main():\n    parser = argparse.ArgumentParser()\n"
OTHER = "class Point:\n    def __init__(self, x, y):\n"
LONG = "".join(f"value_{number} = compute({number}, scale={number * 7})\n" for number in range(40)) + CODE
OPTIONS = EngineOptions(
    str(EMBEDDED), threads=1, context_tokens=2048, cache_tokens=4096, draft_model_path=str(EMBEDDED)
)


def request(code: str, max_tokens: int = TOKENS, **rest) -> Generate:
    prompt = (Marker("begin"), Marker("prefix"), Text(code), Marker("suffix"), Text("\n"), Marker("middle"))
    return Generate(prompt, max_tokens, **rest)


class Played:
    """A scheduler on real models, whose evaluations take what they are told to."""

    def __init__(self, backend: LlamaBackend, monkeypatch, draft_s: float = DRAFT_S) -> None:
        self.now, self.is_pending = 0.0, False
        self.backend, self.draft_model = backend, backend.draft_model
        self.num_decodes = self.num_draft_decodes = self.num_read = 0
        self.texts: dict[str, list[int]] = {}
        self.ends: dict[str, Done] = {}
        for model, seconds in ((backend, LARGE_S), (self.draft_model, draft_s)):
            if model is not None:
                model.info = msgspec.structs.replace(model.info, prefill_tokens_per_s=64 / seconds)
                monkeypatch.setattr(model, "decode", self._timed(model, model.decode, seconds))
                for sequence in range(model.num_sequences):
                    model.truncate(sequence, 0)
        self.scheduler = drafting_scheduler(
            backend, self._on_event, lambda: self.now, lambda: self.is_pending, Lookup(lambda _: False)
        )
        self.request_tokenizer = RequestTokenizer(backend, backend.info.context_tokens)

    def _timed(self, model, decode, seconds):
        def timed(batch):
            self.now += seconds
            self.num_decodes += model is self.backend
            self.num_draft_decodes += model is self.draft_model
            self.num_read += len(batch) if model is self.draft_model else 0
            return decode(batch)

        return timed

    def _on_event(self, name, event) -> None:
        if isinstance(event, Done):
            self.ends[name] = event

    def submit(self, name: str, asked: Generate) -> None:
        self.scheduler.submit(name, asked, self.request_tokenizer.tokenize_request(asked))
        self.texts[name] = self.scheduler._open[name].tokens

    def step(self) -> None:
        self.scheduler.step()
        self.scheduler.check_integrity()

    def write(self, name: str, code: str, max_tokens: int = TOKENS) -> Done:
        self.submit(name, request(code, max_tokens))
        while self.scheduler.has_work:
            self.step()
        return self.ends[name]


@pytest.fixture(scope="module")
def pair():
    backend = open_backend(OPTIONS)
    assert backend.draft_model is not None
    yield backend
    backend.close()


@pytest.fixture(scope="module")
def alone():
    backend = LlamaBackend(OPTIONS)
    yield backend
    backend.close()


@pytest.fixture
def plain(alone, monkeypatch):
    """What is written without a draft model."""
    return Played(alone, monkeypatch)


def test_a_model_that_is_its_own_draft_model_is_right(pair, plain, monkeypatch):
    played = Played(pair, monkeypatch)
    for name, code in (("a", CODE), ("b", OTHER)):
        plain.write(name, code)
        played.write(name, code)
        assert played.texts[name] == plain.texts[name]
    timings = [end.timings for end in played.ends.values()]
    drafted, right = (sum(getattr(each, key) for each in timings) for key in ("drafted_tokens", "accepted_tokens"))
    assert right >= 0.9 * drafted > 0
    assert played.num_decodes < plain.num_decodes / 2
    assert not any(end.timings.drafted_tokens for end in plain.ends.values())


def test_two_documents_in_turn(pair, plain, monkeypatch):
    played = Played(pair, monkeypatch)
    for number in range(6):
        code, word = ((CODE, "par"), (OTHER, "_x"))[number % 2]
        code += f"    {word[: number // 2]}"
        plain.write(str(number), code)
        assert played.write(str(number), code).timings.accepted_tokens
    assert played.texts == plain.texts


def test_it_reads_on_and_not_anew(pair, monkeypatch):
    played = Played(pair, monkeypatch)
    played.submit("a", request(CODE, typed=""))
    while played.scheduler.has_work:
        played.step()
    read = played.num_read
    played.submit("b", request(CODE, typed="    parser"))
    while played.scheduler.has_work:
        played.step()
    prompt_tokens = played.ends["b"].timings.prompt_tokens
    assert played.ends["b"].timings.accepted_tokens
    assert played.num_read - read < prompt_tokens + TOKENS, "the prompt is in its cache but for what was typed"


def test_a_long_prompt_is_read_beside_the_text_and_not_before(pair, plain, monkeypatch):
    played = Played(pair, monkeypatch)
    played.submit("a", request(LONG, 64))
    while not played.scheduler._open["a"].is_announced:
        assert played.num_draft_decodes == 0
        played.step()
    most_read = 0
    while played.scheduler.has_work:
        before = played.num_read
        played.step()
        most_read = max(most_read, played.num_read - before)
    plain.write("a", LONG, 64)
    assert played.texts == plain.texts
    assert played.ends["a"].timings.accepted_tokens
    assert most_read < played.ends["a"].timings.prompt_tokens / 2, "a slice a step"


def test_a_long_prompt_is_not_read_for_a_short_text(pair, monkeypatch):
    played = Played(pair, monkeypatch, draft_s=LARGE_S)
    played.write("a", LONG, 6)
    assert played.num_read == 0


def test_where_it_takes_as_long_as_the_large_one_it_is_left_alone(pair, plain, monkeypatch):
    played = Played(pair, monkeypatch, draft_s=2 * LARGE_S)
    for number in range(8):
        played.write(str(number), CODE + "x" * number, 64)
        plain.write(str(number), CODE + "x" * number, 64)
    assert played.texts == plain.texts
    assert played.now < 1.1 * plain.now


def test_news_end_a_draft(pair, plain, monkeypatch):
    """Whoever gives a text up waits for one token of the draft model, and nothing is left of what it guessed."""
    played = Played(pair, monkeypatch)
    played.submit("a", request(CODE))
    while not played.scheduler._open["a"].timings.accepted_tokens:
        played.step()
    decode = pair.draft_model.decode

    def with_news(batch):
        played.is_pending = True
        return decode(batch)

    monkeypatch.setattr(pair.draft_model, "decode", with_news)
    before = played.num_decodes, played.num_draft_decodes
    played.step()
    assert (played.num_decodes, played.num_draft_decodes) == (before[0], before[1] + 1)
    monkeypatch.setattr(pair.draft_model, "decode", decode)
    played.is_pending = False
    played.scheduler.cancel("a")
    plain.write("b", OTHER)
    assert played.write("b", OTHER).timings.accepted_tokens
    assert played.texts["b"] == plain.texts["b"]


def test_an_interrupted_draft_is_forgotten(pair, plain, monkeypatch):
    played = Played(pair, monkeypatch)
    played.submit("a", request(CODE))
    for number in range(100):
        if not played.scheduler.has_work:
            break
        pair.draft_model.interrupt(number % 3 == 1)
        played.step()
    pair.draft_model.interrupt(False)
    plain.write("a", CODE)
    assert played.texts == plain.texts
    assert played.ends["a"].timings.accepted_tokens


def test_one_that_fails_is_not_asked_again(pair, plain, monkeypatch):
    played = Played(pair, monkeypatch)
    failed = []

    def fail(_):
        failed.append(True)
        raise EngineError("no reason given")

    monkeypatch.setattr(pair.draft_model, "decode", fail)
    for name, code in (("a", CODE), ("b", OTHER)):
        played.write(name, code)
        plain.write(name, code)
    assert played.texts == plain.texts
    assert len(failed) == 1


def test_both_are_interrupted(pair):
    pair.interrupt(True)
    try:
        assert pair.draft_model._interrupt._flag.value == b"\x01"
    finally:
        pair.interrupt(False)


def test_more_tokens_that_nothing_is_made_of_are_no_other_vocabulary(pair, tmp_path):
    shape = writer.Shape(width=64, layers=1, heads=2, key_value_heads=2, feed_forward=64, num_tokens=0)
    num_tokens = pair.vocabulary.num_tokens

    def with_further(count: int) -> LlamaBackend:
        path = writer.write(tmp_path / f"{count}.gguf", replace(shape, num_tokens=num_tokens + count))
        return LlamaBackend(EngineOptions(str(path), threads=1, context_tokens=512))

    same, more = with_further(0), with_further(64)
    try:
        assert same.vocabulary.difference(pair.vocabulary) == ""
        assert same.vocabulary.difference(more.vocabulary) == ""
        assert more.vocabulary.difference(same.vocabulary) == f"{num_tokens + 64} tokens, not {num_tokens}"
    finally:
        same.close()
        more.close()


@pytest.fixture(params=["another vocabulary", "missing", "no GGUF", "cut short"])
def useless(request, rewrite_model, tmp_path):
    """A draft model that cannot serve, and what is said of it."""
    path = tmp_path / "draft.gguf"
    match request.param:
        case "another vocabulary":
            return rewrite_model({"Ġreturn": "Ġretorn"}), r"another vocabulary than .* \(token \d+ is 'Ġretorn', not"
        case "no GGUF":
            path.write_text("no model " * 1000)
            return path, "is not a GGUF file"
        case "cut short":
            path.write_bytes(EMBEDDED.read_bytes()[:5_000_000])
            return path, "is damaged"
    return path, "There is no file .*Set engine.draft_model"


async def test_without_one_that_serves_all_else_goes_on(useless):
    path, sentence = useless
    engine = EngineSupervisor(msgspec.structs.replace(OPTIONS, draft_model_path=str(path)))
    engine.start()
    try:
        (note,) = (await engine.ready()).notes
        assert note.startswith("There are no guesses from the draft model. ")
        assert re.search(sentence, note)
        events = [event async for event in engine.generate(request(CODE))]
    finally:
        await engine.stop()
    assert isinstance(events[-1], Done)
    assert events[-1].timings.decoded_tokens


async def test_in_an_engine_of_its_own():
    engine = EngineSupervisor(OPTIONS)
    engine.start()
    try:
        model = await engine.ready()
        events = [event async for event in engine.generate(request(CODE))]
    finally:
        await engine.stop()
    assert not model.notes
    assert model.draft_model_bytes > model.weights_bytes
    assert isinstance(events[-1], Done)
