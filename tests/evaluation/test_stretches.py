import re

from lsp_server.evaluation.holes import read_places, source_lines
from lsp_server.evaluation.stretches import NUM_LINES, choose_stretches

MODULES = {place.module for place in read_places() if not place.in_project}


def test_each_module_has_its_turn_before_any_has_another():
    stretches = choose_stretches(2 * len(MODULES))
    assert {stretch.module for stretch in stretches[: len(MODULES)]} == MODULES
    assert {stretch.module for stretch in stretches[len(MODULES) :]} == MODULES
    assert len({(stretch.module, stretch.before) for stretch in stretches}) == len(stretches)
    assert choose_stretches(3) == stretches[:3]


def test_a_stretch_is_whole_lines_of_its_file():
    for stretch in choose_stretches(len(MODULES)):
        whole = "\n".join(source_lines(stretch.module))
        assert whole.startswith(stretch.before + stretch.to_type)
        assert whole.endswith(stretch.after)
        blank = whole[len(stretch.before + stretch.to_type) : len(whole) - len(stretch.after)]
        assert not blank.strip()
        assert f"{stretch.to_type}{blank}".count("\n") == NUM_LINES - 1
        assert stretch.before.endswith("\n")
        assert stretch.after.startswith("\n")


def test_most_begin_with_a_function_or_a_class():
    stretches = choose_stretches(len(MODULES))
    begin = [re.match(r"\s*(?:async def|def|class)\b", stretch.to_type) for stretch in stretches]
    assert sum(map(bool, begin)) > len(MODULES) / 2


def test_a_file_shorter_than_a_stretch_is_typed_whole():
    [stretch] = choose_stretches(1, num_lines=100_000)
    assert (stretch.before, stretch.after) == ("", "")
    assert stretch.to_type
