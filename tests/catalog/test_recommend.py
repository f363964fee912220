"""Which models suit which machine, with machines and speeds that are made up."""

from __future__ import annotations

import pytest

from lsp_server.catalog.models import catalog, find_model
from lsp_server.catalog.recommend import TYPES, Recommendation, Verdict, estimate_memory, recommend
from lsp_server.engine.sizing.hardware import Gpu, Machine, Rates

GIB = 1 << 30
# What two slow cores do, and what a fast desktop does.
KINDS = {kind for types in TYPES.values() for kind in types}


def rates(parameters_per_s: float, bytes_per_s: float) -> Rates:
    """The same for all types of weights."""
    return Rates(dict.fromkeys(KINDS, bytes_per_s), dict.fromkeys(KINDS, parameters_per_s))


SLOW, FAST = rates(6e10, 17e9), rates(1e12, 60e9)
LAPTOP = Machine(4, 16 * GIB, 12 * GIB)
DESKTOP = Machine(16, 64 * GIB, 60 * GIB)
Q4_K = 12


def ranked(machine: Machine, speed: Rates) -> list[Recommendation]:
    return recommend(catalog().values(), machine, speed)


def the(name: str, found: list[Recommendation]) -> Recommendation:
    return next(each for each in found if each.name == name)


def test_two_slow_cores_get_a_small_model() -> None:
    best = ranked(LAPTOP, SLOW)[0]
    assert best.verdict is Verdict.GOOD
    assert best.model.num_parameters <= 2e9
    assert "quick enough" in best.reason


def test_a_fast_machine_gets_a_larger_one_that_is_still_quick() -> None:
    best, slow = ranked(DESKTOP, FAST)[0], ranked(LAPTOP, SLOW)[0]
    assert best.model.num_parameters > slow.model.num_parameters
    assert best.decode_tokens_per_s >= 10


def test_a_gpu_that_a_model_fits_makes_it_quick() -> None:
    machine = Machine(4, 16 * GIB, 12 * GIB, (Gpu("a card", 24 * GIB, 23 * GIB),))
    best = ranked(machine, SLOW)[0]
    assert best.on_gpu
    assert best.model.num_parameters >= 14e9
    small = Machine(4, 16 * GIB, 12 * GIB, (Gpu("a card", 2 * GIB, GIB),))
    assert not the("deepseek-coder-6.7b-base:Q4_K_M", ranked(small, SLOW)).on_gpu


def test_an_integrated_gpu_is_judged_by_the_host_s_memory() -> None:
    chip = Gpu("a chip", 24 * GIB, 23 * GIB, is_integrated=True)
    with_chip, without = (ranked(Machine(4, 32 * GIB, 28 * GIB, gpus), SLOW) for gpus in ((chip,), ()))
    assert [(each.name, each.verdict) for each in with_chip] == [(each.name, each.verdict) for each in without]
    assert not any(each.on_gpu for each in with_chip)
    card = Machine(4, 32 * GIB, 28 * GIB, (chip, Gpu("a card", 16 * GIB, 15 * GIB)))
    assert not the("deepseek-coder-33b-base:Q4_K_M", ranked(card, SLOW)).on_gpu
    assert the("deepseek-coder-6.7b-base:Q4_K_M", ranked(card, SLOW)).on_gpu


def test_codestral_is_not_the_first_on_any_gpu() -> None:
    for size in (8, 12, 16, 24, 48, 80):
        best = ranked(Machine(8, 64 * GIB, 60 * GIB, (Gpu("a card", size * GIB, size * GIB),)), SLOW)[0]
        assert not best.model.licence.forbids_commercial_use


def test_on_a_gpu_no_copies_of_weights_are_counted() -> None:
    machine = Machine(4, 16 * GIB, 12 * GIB, (Gpu("a card", 5 * GIB, 5 * GIB),), repacked_types=(Q4_K,))
    model = find_model("deepseek-coder-1.3b-base")
    found = the("deepseek-coder-1.3b-base:Q4_K_M", ranked(machine, SLOW))
    assert found.memory_bytes == estimate_memory(model, *model.file())


def test_the_estimates_are_of_the_order_that_was_measured() -> None:
    """DeepSeek-Coder 1.3B on two slow cores reads 50 tokens a second and writes 21 (`tests/bench/results`)."""
    found = the("deepseek-coder-1.3b-base:Q4_K_M", ranked(LAPTOP, SLOW))
    assert 25 < found.prefill_tokens_per_s < 100
    assert 10 < found.decode_tokens_per_s < 42


def test_a_mixture_of_experts_writes_as_fast_as_what_is_active_of_it() -> None:
    found = ranked(DESKTOP, FAST)
    mixture, dense = the("qwen3-coder-30b-a3b-instruct:Q8_0", found), the("qwen2.5-coder-32b:Q4_K_M", found)
    assert mixture.memory_bytes > dense.memory_bytes
    assert mixture.decode_tokens_per_s > 4 * dense.decode_tokens_per_s


def test_refused_models_are_not_listed() -> None:
    assert not [each for each in ranked(DESKTOP, FAST) if each.model.refused]


def test_a_licence_that_forbids_commercial_use_is_said_and_comes_after_others() -> None:
    found = ranked(LAPTOP, rates(1e12, 40e9))
    restricted = the("qwen2.5-coder-3b:Q8_0", found)
    assert restricted.verdict is Verdict.GOOD
    assert restricted.reason.endswith("Not for commercial use.")
    others = [each for each in found if each.verdict is Verdict.GOOD and each is not restricted]
    assert found.index(restricted) > max(map(found.index, others))


def test_what_does_not_fit_comes_last_and_says_why() -> None:
    tiny = Machine(2, 4 * GIB, 1 * GIB)
    found = ranked(tiny, FAST)
    assert [each.verdict for each in found] == sorted(each.verdict for each in found)
    assert "memory" in found[-1].reason
    assert "other programs" in the("qwen2.5-coder-1.5b:Q8_0", found).reason


@pytest.mark.parametrize(("types", "least", "most"), [((), 1.55, 1.75), ((Q4_K,), 2.0, 2.2)])
def test_memory_is_estimated_near_what_the_engine_takes(types, least, most) -> None:
    """Predicted from a file of that shape: 1.58 GiB with 4,096 tokens, and 0.47 more where a CPU copies weights."""
    model = find_model("deepseek-coder-1.3b-base")
    quantisation, file = model.file()
    assert least < estimate_memory(model, quantisation, file, types) / GIB < most


def test_the_times_of_several_types_add_up() -> None:
    by_type = Rates({8: 10e9, 12: 20e9, 14: 5e9}, {8: 1e11, 12: 2e11, 14: 5e10})
    [found] = [each for each in ranked(LAPTOP, by_type) if each.name == "deepseek-coder-6.7b-base:Q4_K_M"]
    assert found.decode_tokens_per_s == pytest.approx(1 / (0.6 * 4.08 / 20 + 0.4 * 4.08 / 5))
    assert found.prefill_tokens_per_s == pytest.approx(1 / (6.7e9 * (0.6 / 2e11 + 0.4 / 5e10)))


def test_what_was_not_measured_is_not_called_quick() -> None:
    assert not [each for each in ranked(LAPTOP, Rates({}, {})) if each.verdict is Verdict.GOOD]
