from pathlib import Path

import pytest

from lsp_server.base.errors import InfillError
from tests.eval import choose_targets as choosing
from tests.eval import targets
from tests.eval.targets import KINDS, Place, digest, find_targets, neighbours_of, read_places, target_at

RECIPE = Path(__file__).parents[2] / "models/embedded/recipe"


@pytest.fixture(scope="module")
def places() -> list[Place]:
    return read_places()


def test_the_list_has_every_kind_and_a_project(places):
    assert {place.kind for place in places} == set(KINDS)
    assert len(places) == sum(choosing.COUNTS.values()) + choosing.PROJECT_HALF_LINES
    assert sum(place.in_project for place in places) == choosing.PROJECT_HALF_LINES


def test_no_model_of_ours_is_trained_on_what_is_in_the_list(places):
    lines = (RECIPE / "held_out.txt").read_text(encoding="utf-8").splitlines()
    held_out = {line for line in lines if line and not line.startswith("#")}
    assert {place.module.split(".")[0] for place in places} == held_out


def test_most_of_the_list_is_found_in_this_python(places):
    assert len(find_targets(places)) > len(places) / 2


def test_holes_are_where_a_person_would_type(places):
    for hole in find_targets(places):
        assert len(hole.expected) >= choosing.MIN_EXPECTED
        assert hole.expected.strip(")]}: ,;"), "not only closing brackets"
        assert hole.before + hole.typed + hole.expected == "\n".join(
            line.rstrip() if number == hole.line else line
            for number, line in enumerate(targets.source_lines(hole.module)[: hole.line + 1])
        )
        if hole.kind == "half line":
            assert hole.typed.strip()
            assert not (hole.typed[-1].isalnum() and hole.expected[0].isalnum()), "not inside a word"
        else:
            assert not hole.typed.strip()
        if hole.kind == "block":
            assert hole.before.rstrip("\n ").endswith(":")


def test_the_document_without_the_truth():
    hole = target_at("half line", "a.b", ["import os", "x = 1  ", "print(x)"], 1, 4)
    snapshot = hole.snapshot()
    assert (snapshot.prefix, snapshot.suffix) == ("import os\nx = ", "\nprint(x)")
    assert (snapshot.line, snapshot.character, snapshot.path) == (1, 4, "a/b.py")
    assert hole.snapshot(break_follows=False).suffix == "print(x)"
    assert hole.expected == "1"


def test_a_line_that_has_moved_is_found_again(monkeypatch):
    lines = ("", "return x", "", "", "return x", "y = 2")
    monkeypatch.setattr(targets, "source_lines", lambda _: lines)
    place = Place("half line", "any", 5, 6, digest("return x"))
    [hole] = find_targets([place])
    assert (hole.line, hole.expected) == (4, " x"), "the nearest of two"


@pytest.mark.parametrize("module", ["argparse", "no_such_module", "pygls.no_such_module"])
def test_a_line_that_is_gone_is_left_out(module):
    assert find_targets([Place("line", module, 3, 0, digest("a line that nobody wrote"))]) == []


@pytest.mark.parametrize("row", ["half line\targparse\t1\t2", "line\targparse\tone\t2\tabc", ""])
def test_a_damaged_list_is_said(tmp_path, row):
    path = tmp_path / "holes.tsv"
    path.write_text(f"line\targparse\t1\t2\tabc\n{row}\n", encoding="utf-8")
    with pytest.raises(InfillError, match=r"holes\.tsv:2 is damaged\. Reinstall"):
        read_places(path)


def test_the_other_files_of_a_project_are_its_neighbours(places):
    here = next(hole for hole in find_targets(places) if hole.module == "pygls.server")
    neighbours = neighbours_of(here)
    assert "pygls/server.py" not in {each.path for each in neighbours}
    assert "pygls/protocol/json_rpc.py" in {each.path for each in neighbours}
    assert all(0 < len(each.text) <= targets.NEIGHBOUR_CHARACTERS for each in neighbours)


def test_what_is_counted_has_nothing_that_is_held_out():
    texts = "\n".join(targets.trained_texts({"argparse"}))
    assert "class ArgumentParser(" not in texts
    assert "class TextWrapper" in texts
