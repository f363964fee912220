import math

from hypothesis import given
from hypothesis import strategies as st

from lsp_server.ipc.requests import Chunk, Done, Generate, Marker, Sampling, Text, Timings
from lsp_server.measure.caching_engine import CachingEngine
from tests.builders import ScriptedEngine

PROMPT = (Marker("prefix"), Text("x = "), Marker("suffix"), Marker("middle"))
CHUNKS = st.tuples(st.sampled_from(["a", "bc", "\n", "d\n"]), st.floats(0.01, 1))


class Sure(ScriptedEngine):
    """Ends its text where a line gets too improbable.

    The engine does the same (`tests/engine/scheduler/test_confidence.py`).
    """

    def __init__(self, chunks):
        super().__init__()
        self.chunks = chunks

    async def generate(self, request):
        assert request.logprobs
        self.requests.append(request)
        joint = 1.0
        for text, probability in self.chunks:
            joint *= probability
            if joint < request.sampling.confidence:
                yield Done("low_confidence", Timings())
                return
            yield Chunk(text, math.log(probability))
            joint = 1.0 if "\n" in text else joint
        yield Done("end", Timings())


async def write(engine, confidence, typed="", read=1000):
    """The text and how it ended, where somebody reads so many events of it."""
    text, reason = "", ""
    events = engine.generate(Generate(PROMPT, 64, typed=typed, logprobs=True, sampling=Sampling(confidence=confidence)))
    async for event in events:
        match event:
            case Chunk(more):
                text += more
            case Done(reason):
                pass
        read -= 1
        if not read:
            break
    await events.aclose()
    return text, reason


@given(st.lists(CHUNKS, max_size=8), st.lists(st.floats(0, 1), min_size=1, max_size=4).map(sorted))
async def test_a_text_is_the_same_as_if_it_were_written_for_each_threshold(chunks, thresholds):
    once = CachingEngine(Sure(chunks))
    # Thresholds of no probability there is: products of rounded logarithms are near ties.
    thresholds = [threshold + 1e-6 if threshold else 0.0 for threshold in thresholds]
    assert [await write(once, each) for each in thresholds] == [await write(Sure(chunks), each) for each in thresholds]
    assert once.num_requests == 1


async def test_who_leaves_early_leaves_early_again():
    once = CachingEngine(Sure([("a", 0.9), ("b", 0.9), ("c", 0.9)]))
    assert await write(once, 0.1, read=2) == ("ab", "")
    assert await write(once, 0.2, read=2) == ("ab", "")
    assert await write(once, 0.85, read=2) == ("a", "low_confidence")


async def test_each_prompt_has_its_own_text():
    once = CachingEngine(Sure([("a", 0.5)]))
    for typed in ("", "x", "", "x"):
        await write(once, 0.0, typed)
    assert once.num_requests == 2
