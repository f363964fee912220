import pytest

from lsp_server.base.errors import EngineError
from lsp_server.completion.pipeline import Pipeline
from lsp_server.ipc.requests import Chunk, Done, Failed, Prefilled, Timings
from lsp_server.measure.corpus import keystrokes
from lsp_server.measure.segments import Segment
from lsp_server.measure.typing_quality import ShownText, at_rest, first_line, replay, summarise
from lsp_server.settings.model import Settings
from tests.builders import ScriptedEngine

SEGMENT = Segment("shapes", "def area(w, h):\n", "    return w * h\n    # mm", "\n\n\nprint(area(2, 3))\n")
KEYS = keystrokes(SEGMENT.to_type)
NOTHING = ShownText("", is_known=False, is_new=False)


def shown(**texts: str) -> list[ShownText]:
    """What is shown behind the keys of those numbers; it stays while it is typed."""
    screen = [NOTHING] * (len(KEYS) - 1)
    for name, text in texts.items():
        number, is_new = int(name.removeprefix("key_")), True
        while text and number < len(screen):
            screen[number] = ShownText(text, is_known=not is_new, is_new=is_new)
            number, is_new = number + 1, False
            if number == len(screen) or not text.startswith(KEYS[number]):
                break
            text = text.removeprefix(KEYS[number])
    return screen


def row(**texts: str):
    return summarise(0.1, [SEGMENT], [shown(**texts)])


def test_a_right_line_saves_its_keys_but_one():
    found = row(key_1="eturn w * h")
    assert (found.num_accepted, found.num_wrong, found.precision) == (1, 0, 1)
    assert found.coverage == 11 / (len(KEYS) - 1)
    assert found.saved[0] == found.saved_by_lines[0] == pytest.approx(100 * 10 / (len(KEYS) - 1))
    assert (found.right_line, found.agreeing) == (1, 1)


def test_a_wrong_text_costs_once_however_long_it_stays():
    found = row(key_1="eturn 2 * (w + h)")
    assert (found.num_accepted, found.num_wrong, found.precision) == (0, 1, 0)
    assert found.saved[0] == found.saved_by_lines[0] == pytest.approx(-100 / (len(KEYS) - 1))
    assert found.right_line == 0
    assert found.shown == 7 / (len(KEYS) - 1), "at each letter of `eturn `"
    assert found.known == 6 / (len(KEYS) - 1)


def test_a_text_that_ends_early_is_accepted_but_no_whole_line():
    found = row(key_1="eturn")
    assert (found.num_accepted, found.num_wrong) == (1, 0)
    assert found.saved[0] == pytest.approx(100 * 4 / (len(KEYS) - 1))
    assert (found.saved_by_lines[0], found.right_line) == (0, 0)


def test_what_is_accepted_is_not_looked_at_and_what_is_left_behind_it_is():
    found = row(key_1="eturn w * h\n    pass")
    assert (found.num_accepted, found.num_wrong) == (1, 1)
    found = row(key_1="eturn w", key_3="turn x")
    assert (found.num_accepted, found.num_wrong) == (1, 0)


def test_a_letter_is_not_worth_accepting():
    assert (row(key_1="e").num_accepted, row(key_1="e").saved[0]) == (0, 0)


@pytest.mark.parametrize(
    ("text", "line"), [("a\nb", "a"), ("\n    a  \nb", "\n    a"), ("\n\n", ""), ("", ""), ("  a", "  a")]
)
def test_first_line(text, line):
    assert first_line(text) == line


# Replays


async def test_a_request_follows_every_key_but_the_last():
    engine = ScriptedEngine(Prefilled(Timings()), Chunk("w * h"), Done("end", Timings()))
    screen = await replay(Pipeline(engine, at_rest(Settings(), 0.0)), SEGMENT)
    assert len(screen) == len(KEYS) - 1
    assert "".join(KEYS[:8]) == "    return "
    assert screen[7] == ShownText("w * h", is_known=False, is_new=True)
    assert screen[8] == ShownText(" * h", is_known=True, is_new=False)
    assert engine.requests[0].sampling.confidence == 0
    assert len(engine.requests) < len(screen)


async def test_the_threshold_reaches_the_engine():
    engine = ScriptedEngine(Prefilled(Timings()), Done("low_confidence", Timings()))
    screen = await replay(Pipeline(engine, at_rest(Settings(), 0.3)), SEGMENT)
    assert {request.sampling.confidence for request in engine.requests} == {0.3}
    assert set(screen) == {NOTHING}


async def test_a_fault_ends_it():
    with pytest.raises(EngineError, match="out of memory"):
        await replay(Pipeline(ScriptedEngine(Failed("out of memory")), at_rest(Settings(), 0.0)), SEGMENT)
