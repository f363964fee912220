import pytest

from lsp_server.completion.prefill_speed import MIN_EVALUATED_TOKENS, MIN_SHORT_TOKENS, PrefillSpeed
from lsp_server.ipc.requests import Timings
from tests.builders import make_model

MODEL = make_model(prefill_tokens_per_s=100)


def took(evaluated: int, ms: float, reused: int = 0) -> Timings:
    return Timings(prompt_tokens=reused + evaluated, reused_tokens=reused, prefill_ms=ms)


@pytest.mark.parametrize(
    ("prefill_budget_ms", "tokens"),
    [
        pytest.param(3000, 300, id="as many as there is time for"),
        pytest.param(10, MIN_SHORT_TOKENS, id="at least what is of use"),
        pytest.param(0, None, id="all the time in the world"),
    ],
)
def test_what_there_is_time_for(prefill_budget_ms, tokens):
    assert PrefillSpeed().affordable_tokens(MODEL, prefill_budget_ms) == tokens


def test_nothing_is_too_long_where_nobody_knows_the_speed():
    assert PrefillSpeed().affordable_tokens(make_model(), 3000) is None


def test_answers_tell_the_speed():
    speed = PrefillSpeed()
    speed.learn(took(500, 1000, reused=200), MODEL)
    assert 300 < speed.affordable_tokens(MODEL, 3000) < 1500, "not all at once"
    for _ in range(40):
        speed.learn(took(1000, 1000), MODEL)
    assert speed.affordable_tokens(MODEL, 3000) == pytest.approx(3000, abs=2)


@pytest.mark.parametrize("timings", [took(MIN_EVALUATED_TOKENS - 1, 1, reused=900), took(500, 0), Timings()])
def test_answers_that_tell_nothing(timings):
    speed = PrefillSpeed()
    speed.learn(timings, MODEL)
    assert speed.affordable_tokens(MODEL, 3000) == 300


def test_the_first_answer_of_an_unknown_engine_counts_in_full():
    speed = PrefillSpeed()
    speed.learn(took(500, 1000), make_model())
    assert speed.affordable_tokens(make_model(), 3000) == 1500
