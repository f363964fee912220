"""Parameters are chosen from what is there, and the options have the last word."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.engine.hardware import LEAST_WINDOW_TOKENS, Machine, ModelNeeds, choose, environment, look
from lsp_server.engine.messages import EngineOptions

GIB = 1 << 30
LAPTOP = Machine(num_cores=4, total_bytes=16 * GIB, free_bytes=8 * GIB, has_gpu=False)
WORKSTATION = Machine(num_cores=16, total_bytes=128 * GIB, free_bytes=100 * GIB, has_gpu=True)
# DeepSeek-Coder's, in f16: 192 KiB a token for 1.3B, 512 KiB for 6.7B.
SMALL = ModelNeeds(trained_window_tokens=16384, num_layers=24, cache_token_bytes={"f16": 192 << 10, "q8_0": 102 << 10})
LARGE = ModelNeeds(trained_window_tokens=16384, num_layers=32, cache_token_bytes={"f16": 512 << 10, "q8_0": 272 << 10})


def options(**values: object) -> EngineOptions:
    return EngineOptions(model_path="model.gguf", **values)


def test_a_laptop_gets_every_core_and_short_physical_batches() -> None:
    chosen = choose(options(), SMALL, LAPTOP)
    assert (chosen.threads, chosen.physical_batch_tokens, chosen.gpu_layers) == (4, 128, 0)


def test_a_gpu_takes_every_layer_and_long_physical_batches() -> None:
    chosen = choose(options(), LARGE, WORKSTATION)
    assert (chosen.gpu_layers, chosen.physical_batch_tokens) == (33, 512)


def test_the_cache_holds_several_windows_where_memory_allows() -> None:
    assert choose(options(), SMALL, WORKSTATION).cache_tokens == 4 * 4096


def test_the_cache_takes_no_more_than_its_share_of_the_memory() -> None:
    chosen = choose(options(), SMALL, LAPTOP)
    assert chosen.window_tokens <= chosen.cache_tokens <= 2 * GIB / (192 << 10)


def test_the_window_shrinks_rather_than_take_all_that_is_free() -> None:
    tight = Machine(num_cores=2, total_bytes=4 * GIB, free_bytes=1 * GIB, has_gpu=False)
    assert choose(options(), LARGE, tight).window_tokens == 1024


def test_no_window_is_larger_than_the_trained_one() -> None:
    assert choose(options(window_tokens=1 << 20), SMALL, WORKSTATION).window_tokens == 16384


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("threads", 3),
        ("cache_tokens", 9000),
        ("cache_type", "q8_0"),
        ("batch_tokens", 64),
        ("flash_attention", False),
        ("window_tokens", 2048),
    ],
)
def test_what_is_set_is_taken(name: str, value: object) -> None:
    assert getattr(choose(options(**{name: value}), SMALL, LAPTOP), name) == value


def test_layers_that_are_set_are_taken_up_to_what_the_model_has() -> None:
    assert choose(options(gpu_layers=10), SMALL, WORKSTATION).gpu_layers == 10
    assert choose(options(gpu_layers=999), SMALL, WORKSTATION).gpu_layers == 25


@given(
    window=st.integers(0, 1 << 20),
    cache=st.integers(0, 1 << 22),
    batch=st.integers(0, 1 << 14),
    free=st.integers(1 << 20, 64 * GIB),
    trained=st.integers(LEAST_WINDOW_TOKENS, 1 << 18),
)
def test_whatever_is_there_the_parameters_agree_with_each_other(
    window: int, cache: int, batch: int, free: int, trained: int
) -> None:
    needs = ModelNeeds(trained, 24, {"f16": 100_000.0})
    machine = Machine(2, max(free, 8 * GIB), free, has_gpu=False)
    chosen = choose(options(window_tokens=window, cache_tokens=cache, batch_tokens=batch), needs, machine)
    assert 0 < chosen.window_tokens <= trained
    assert chosen.window_tokens <= chosen.cache_tokens
    assert 0 < chosen.physical_batch_tokens <= chosen.batch_tokens


def test_this_machine_can_be_looked_at() -> None:
    machine = look(has_gpu=False)
    assert machine.num_cores >= 1
    assert 0 < machine.free_bytes <= machine.total_bytes


def test_waiting_threads_spin_briefly_unless_the_user_says_otherwise() -> None:
    assert environment({"PATH": "/bin"}) == {"PATH": "/bin", "GOMP_SPINCOUNT": "1000"}
    for own in ({"OMP_WAIT_POLICY": "active"}, {"GOMP_SPINCOUNT": "7"}):
        assert environment(own) == own
