import re

from lsp_server.measure.held_out import MODULES as HELD_OUT
from lsp_server.measure.held_out import source_lines
from lsp_server.measure.segments import NUM_LINES, choose_segments

MODULES = set(HELD_OUT)


def test_each_module_has_its_turn_before_any_has_another():
    segments = choose_segments(2 * len(MODULES))
    assert {segment.module for segment in segments[: len(MODULES)]} == MODULES
    assert {segment.module for segment in segments[len(MODULES) :]} == MODULES
    assert len({(segment.module, segment.before) for segment in segments}) == len(segments)
    assert choose_segments(3) == segments[:3]


def test_a_segment_is_whole_lines_of_its_file():
    for segment in choose_segments(len(MODULES)):
        whole = "\n".join(source_lines(segment.module))
        assert whole.startswith(segment.before + segment.to_type)
        assert whole.endswith(segment.after)
        blank = whole[len(segment.before + segment.to_type) : len(whole) - len(segment.after)]
        assert not blank.strip()
        assert f"{segment.to_type}{blank}".count("\n") == NUM_LINES - 1
        assert segment.before.endswith("\n")
        assert segment.after.startswith("\n")


def test_most_begin_with_a_function_or_a_class():
    segments = choose_segments(len(MODULES))
    begin = [re.match(r"\s*(?:async def|def|class)\b", segment.to_type) for segment in segments]
    assert sum(map(bool, begin)) > len(MODULES) / 2


def test_a_file_shorter_than_a_segment_is_typed_whole():
    [segment] = choose_segments(1, num_lines=100_000)
    assert (segment.before, segment.after) == ("", "")
    assert segment.to_type
