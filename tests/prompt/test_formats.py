import pytest

from lsp_server.errors import ModelCannotInfillError
from lsp_server.prompt.formats import FORMATS, Place, format_for
from tests.fixtures import DEEPSEEK, QWEN


@pytest.mark.parametrize(("markers", "name"), [(DEEPSEEK, "deepseek"), (QWEN, "qwen")])
def test_known_by_the_texts_of_the_markers(markers, name):
    assert format_for("any name", markers).name == name


def test_other_roles_do_not_matter():
    assert format_for("any name", QWEN | {"begin": "<s>", "end": "</s>"}).name == "qwen"


@pytest.mark.parametrize(
    "markers",
    [
        pytest.param({}, id="none"),
        pytest.param({"prefix": "<PRE>", "suffix": "<SUF>", "middle": "<MID>"}, id="of another family"),
        pytest.param({**QWEN, "middle": DEEPSEEK["middle"]}, id="of two families"),
        pytest.param({"prefix": QWEN["prefix"], "suffix": QWEN["suffix"]}, id="one missing"),
        pytest.param({**QWEN, "prefix": QWEN["suffix"], "suffix": QWEN["prefix"]}, id="in other roles"),
        pytest.param({**DEEPSEEK, "prefix": "<|fim_begin|>"}, id="spelt with other letters"),
    ],
)
def test_any_other_is_refused_with_what_to_do(markers):
    with pytest.raises(ModelCannotInfillError) as refused:
        format_for("codex-9b", markers)
    message = str(refused.value)
    assert "codex-9b" in message
    assert all(marker in message for marker in markers.values() if marker not in DEEPSEEK["begin"])
    assert all(fim_format.name in message for fim_format in FORMATS)


@pytest.mark.parametrize("fim_format", FORMATS, ids=lambda fim_format: fim_format.name)
def test_a_format_has_each_place_once_and_ends_where_the_model_goes_on(fim_format):
    assert sorted(place.value for place in fim_format.order if isinstance(place, Place)) == sorted(
        place.value for place in Place
    )
    roles = [role for role in fim_format.order if isinstance(role, str)]
    assert sorted(roles) == ["begin", "middle", "prefix", "suffix"]
    assert fim_format.order[0] == "begin"
    assert fim_format.order[-1] == "middle"
    order = list(fim_format.order)
    assert order.index("prefix") + 1 == order.index(Place.PREFIX)
    assert order.index("suffix") + 1 == order.index(Place.SUFFIX)


def test_no_two_formats_are_alike():
    assert len({fim_format.name for fim_format in FORMATS}) == len(FORMATS)
    assert len({fim_format.marker_texts for fim_format in FORMATS}) == len(FORMATS)
