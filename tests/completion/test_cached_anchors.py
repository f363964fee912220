import msgspec
import pytest

from lsp_server.base.token_estimate import CHARACTERS_PER_TOKEN
from lsp_server.completion.cached_anchors import CachedAnchors
from lsp_server.ipc.model_info import ModelInfo
from lsp_server.ipc.requests import Marker, Text
from lsp_server.prompt.anchor import Anchor
from tests.builders import make_model

PARTS = (Marker("prefix"), Text("a" * 300), Marker("suffix"), Text("x" * 300))


def model_with(cache_tokens: int = 10_000, num_sequences: int = 4) -> ModelInfo:
    model = make_model()
    parameters = msgspec.structs.replace(model.parameters, cache_tokens=cache_tokens, num_sequences=num_sequences)
    return msgspec.structs.replace(model, parameters=parameters)


def anchor(*parts: Marker | Text) -> Anchor:
    return Anchor("", "", (), parts, reserve_tokens=10, max_typed_characters=30)


@pytest.mark.parametrize(
    ("parts", "missing"),
    [
        pytest.param(PARTS, 0, id="the same"),
        pytest.param((*PARTS[:3], Text("x" * 100)), 0, id="less of it"),
        pytest.param((PARTS[0], Text("a" * 300 + "b" * 30), *PARTS[2:]), 110, id="text typed"),
        pytest.param((Marker("suffix"), Text("a" * 291)), 100, id="something else"),
    ],
)
def test_what_is_missing_is_what_follows_the_longest_shared_head(parts, missing):
    model, warm = model_with(), CachedAnchors()
    for known in (anchor(Text("?")), anchor(*PARTS), anchor(PARTS[0])):
        warm.touch(known, model)
    found = warm.uncached_tokens(anchor(*parts), model)
    assert abs(found - missing) <= len("00suffix00") // CHARACTERS_PER_TOKEN


def letters(count: int) -> list[Anchor]:
    return [anchor(Text(chr(ord("a") + number) * 300)) for number in range(count)]


@pytest.mark.parametrize(
    ("limits", "num_warm"),
    [
        pytest.param({"num_sequences": 3}, 3, id="sequences"),
        pytest.param({"cache_tokens": 230}, 2, id="cells"),
        pytest.param({"cache_tokens": 10}, 1, id="the last in any case"),
    ],
)
def test_those_used_last_are_warm_as_many_as_the_engine_holds(limits, num_warm):
    model, warm, anchors = model_with(**limits), CachedAnchors(), letters(5)
    for each in anchors:
        warm.touch(each, model)
    assert [warm.uncached_tokens(each, model) == 0 for each in anchors] == [False] * (5 - num_warm) + [True] * num_warm


def test_one_that_is_used_again_stays():
    model, warm, (first, second, third) = model_with(num_sequences=2), CachedAnchors(), letters(3)
    for each in (first, second, first, third):
        warm.touch(each, model)
    assert warm.uncached_tokens(first, model) == 0
    assert warm.uncached_tokens(second, model) > 0


def test_a_model_that_was_loaded_anew_has_an_empty_cache():
    warm, (first,) = CachedAnchors(), letters(1)
    warm.touch(first, model_with())
    assert warm.uncached_tokens(first, model_with()) > 0
