"""Parameters are chosen from what is there, and the options have the last word as long as there is memory."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.engine.sizing.hardware import Gpu, Machine
from lsp_server.engine.sizing.memory import ModelShape, predict
from lsp_server.engine.sizing.parameters import (
    LAYERS_KEPT_SHARE,
    MIN_CONTEXT_TOKENS,
    Sizing,
    gpu_bytes,
    gpu_room,
)
from lsp_server.ipc.launch import EngineOptions
from lsp_server.ipc.model_info import Parameters

MIB, GIB = 1 << 20, 1 << 30
LAPTOP = Machine(num_cores=4, total_bytes=16 * GIB, free_bytes=8 * GIB)
WORKSTATION = Machine(16, 128 * GIB, 100 * GIB, (Gpu("one", 48 * GIB, 47 * GIB),))


def shape_of(layers: int, width: int, key_values: int, forward: int, context_tokens: int = 16384) -> ModelShape:
    """A model of DeepSeek-Coder's kind, some five bits a weight."""
    layer_bytes = (2 * width * (width + key_values) + 3 * width * forward) * 5 // 8
    embedding = 32256 * width * 5 // 8
    return ModelShape(
        name="model", trained_context_tokens=context_tokens, num_tokens=32256, width=width, input_bytes=embedding,
        output_bytes=embedding, layer_bytes=(layer_bytes,) * layers, cached_keys=(key_values,) * layers,
        cached_values=(key_values,) * layers, attention_values=width + 2 * key_values, forward_values=3 * forward,
        score_values=width // 128, repackable_bytes={}, largest_bytes=embedding, has_tied_output=False,
    )  # fmt: skip


SMALL = shape_of(24, 2048, 2048, 5504)  # 1.3B: 192 KiB a token
LARGE = shape_of(32, 4096, 4096, 11008)  # 6.7B: 512 KiB a token
SHAPES = (SMALL, LARGE, shape_of(28, 3584, 512, 18944), shape_of(32, 4096, 128, 11008))


MIXTURE = replace(  # Qwen3-Coder-30B-A3B in Q8_0: experts are 97 % of a layer
    shape_of(48, 2048, 512, 768, 262144),
    layer_bytes=(660 * MIB,) * 48,
    expert_bytes=(640 * MIB,) * 48,
    largest_bytes=214 * MIB,
)


def options(**values: object) -> EngineOptions:
    return EngineOptions(model_path="model.gguf", **values)


def choose(wanted: EngineOptions, shape: ModelShape, machine: Machine) -> Parameters:
    return Sizing(wanted, shape, machine).choose()


def with_gpus(*free_bytes: int) -> Machine:
    gpus = tuple(Gpu(f"number {number}", free, free) for number, free in enumerate(free_bytes))
    return replace(LAPTOP, gpus=gpus)


def test_a_laptop_gets_every_core_and_short_physical_batches() -> None:
    chosen = choose(options(), SMALL, LAPTOP)
    assert (chosen.threads, chosen.physical_batch_tokens, chosen.gpu_layers) == (4, 128, 0)


def test_a_gpu_takes_every_layer_and_long_physical_batches() -> None:
    chosen = choose(options(), LARGE, WORKSTATION)
    assert (chosen.gpu_layers, chosen.physical_batch_tokens) == (33, 512)


def test_the_cache_holds_several_windows_where_memory_allows() -> None:
    assert choose(options(), SMALL, replace(WORKSTATION, gpus=())).cache_tokens == 4 * 4096


def test_the_cache_takes_no_more_than_its_share_of_the_memory() -> None:
    chosen = choose(options(), SMALL, LAPTOP)
    assert chosen.context_tokens <= chosen.cache_tokens <= 2 * GIB / (192 << 10)


def test_the_window_shrinks_rather_than_take_all_that_is_free() -> None:
    tight = Machine(num_cores=2, total_bytes=4 * GIB, free_bytes=1 * GIB)
    assert choose(options(cache_type="f16"), LARGE, tight).context_tokens == MIN_CONTEXT_TOKENS


def test_no_window_is_larger_than_the_trained_one_and_that_is_said() -> None:
    sizing = Sizing(options(context_tokens=1 << 20), SMALL, WORKSTATION)
    chosen = sizing.choose()
    assert chosen.context_tokens == 16384
    assert any("trained for 16384 tokens" in note for note in sizing.notes(chosen))
    at_most = Sizing(options(context_tokens=16384), SMALL, WORKSTATION)
    assert not at_most.notes(at_most.choose())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("threads", 3),
        ("cache_tokens", 9000),
        ("cache_type", "q8_0"),
        ("batch_tokens", 64),
        ("physical_batch_tokens", 32),
        ("flash_attention", False),
        ("context_tokens", 2048),
    ],
)
def test_what_is_set_is_taken(name: str, value: object) -> None:
    sizing = Sizing(options(**{name: value}), SMALL, LAPTOP)
    chosen = sizing.choose()
    assert getattr(chosen, name) == value
    assert not sizing.notes(chosen)


def test_layers_that_are_set_are_taken_up_to_what_the_model_has() -> None:
    assert choose(options(gpu_layers=10), SMALL, WORKSTATION).gpu_layers == 10
    assert choose(options(gpu_layers=999), SMALL, WORKSTATION).gpu_layers == 25
    assert choose(options(gpu_layers=0), SMALL, WORKSTATION).gpu_layers == 0
    assert choose(options(gpu_layers=10), SMALL, LAPTOP).gpu_layers == 0


def test_without_flash_attention_the_cache_is_not_quantised() -> None:
    wanted = options(cache_type="q8_0", flash_attention=False)
    sizing = Sizing(wanted, SMALL, LAPTOP)
    assert sizing.choose().cache_type == "f16"
    assert "needs flash attention" in sizing.notes(sizing.choose())[0]


def test_the_cache_is_quantised_before_layers_leave_the_gpu() -> None:
    """With ever less memory: f16, q8_0 with every layer, then fewer layers, then none."""
    seen = []
    for free in range(8 * GIB, 0, -64 * MIB):
        chosen = choose(options(cache_tokens=4096), LARGE, with_gpus(free))
        kind = "none" if not chosen.gpu_layers else "some" if chosen.gpu_layers < 33 else chosen.cache_type
        seen += [kind] if kind not in seen[-1:] else []
        assert kind != "some" or chosen.cache_type == "q8_0"
    assert seen == ["f16", "q8_0", "some", "none"]


def test_a_cache_type_that_is_set_stays() -> None:
    chosen = choose(options(cache_type="f16", cache_tokens=4096), LARGE, with_gpus(5 * GIB))
    assert chosen.cache_type == "f16"
    assert 0 < chosen.gpu_layers < 33


def test_fewer_layers_are_said_and_so_is_what_to_do() -> None:
    sizing = Sizing(options(), LARGE, with_gpus(3 * GIB))
    notes = " ".join(sizing.notes(sizing.choose()))
    assert "of 33 layers are on the GPU" in notes
    assert "smaller quantisation" in notes
    nothing = Sizing(options(), LARGE, with_gpus(100 * MIB))
    assert "No layer is on the GPU" in " ".join(nothing.notes(nothing.choose()))


def test_a_cache_that_memory_cannot_hold_is_made_smaller_and_that_is_said() -> None:
    sizing = Sizing(options(cache_tokens=1 << 22), LARGE, LAPTOP)
    chosen = sizing.choose()
    assert chosen.cache_type == "q8_0"
    assert chosen.context_tokens <= chosen.cache_tokens < 1 << 22
    assert predict(LARGE, chosen).total < LAPTOP.free_bytes
    assert "not enough memory for the cache" in sizing.notes(chosen)[0]


@given(
    shape=st.sampled_from(SHAPES),
    free=st.lists(st.integers(0, 40 * GIB), min_size=1, max_size=3),
    cache=st.sampled_from([0, 4096, 16384]),
    cache_type=st.sampled_from(["auto", "f16", "q8_0"]),
    flash_attention=st.booleans(),
)
def test_what_is_put_on_gpus_fits_them(shape, free, cache, cache_type, flash_attention) -> None:
    machine = with_gpus(*free)
    wanted = options(cache_tokens=cache, cache_type=cache_type, flash_attention=flash_attention)
    chosen = choose(wanted, shape, machine)
    assert gpu_bytes(shape, chosen) <= sum(free)
    assert not chosen.gpu_layers or gpu_bytes(shape, chosen) <= gpu_room(machine.gpus, shape, chosen)


@given(
    shape=st.sampled_from(SHAPES),
    free=st.lists(st.integers(0, 40 * GIB), min_size=2, max_size=2).map(sorted),
    cache_type=st.sampled_from(["auto", "f16"]),
)
def test_more_memory_never_means_fewer_layers(shape, free, cache_type) -> None:
    less, more = (choose(options(cache_type=cache_type), shape, with_gpus(each)) for each in free)
    assert less.gpu_layers <= more.gpu_layers


@given(
    shape=st.sampled_from(SHAPES),
    free=st.lists(st.integers(1 << 20, 16 * GIB), min_size=2, max_size=2).map(sorted),
    cache=st.sampled_from([0, 1 << 14, 1 << 20]),
)
def test_more_memory_never_means_a_smaller_window(shape, free, cache) -> None:
    less, more = (choose(options(cache_tokens=cache), shape, replace(LAPTOP, free_bytes=each)) for each in free)
    assert less.context_tokens <= more.context_tokens


@given(
    window=st.integers(0, 1 << 20),
    cache=st.integers(0, 1 << 22),
    batch=st.integers(0, 1 << 14),
    free=st.integers(1 << 20, 64 * GIB),
    trained=st.integers(MIN_CONTEXT_TOKENS, 1 << 18),
    gpu=st.integers(0, 64 * GIB),
)
def test_whatever_is_there_the_parameters_agree_with_each_other(window, cache, batch, free, trained, gpu) -> None:
    machine = Machine(2, max(free, 8 * GIB), free, with_gpus(gpu).gpus if gpu else ())
    wanted = options(context_tokens=window, cache_tokens=cache, batch_tokens=batch)
    chosen = choose(wanted, replace(SMALL, trained_context_tokens=trained), machine)
    assert 0 < chosen.context_tokens <= trained
    assert chosen.context_tokens <= chosen.cache_tokens
    assert 0 < chosen.physical_batch_tokens <= chosen.batch_tokens


@pytest.mark.parametrize("machine", [LAPTOP, WORKSTATION], ids=["CPU", "GPU"])
def test_the_way_down_ends_on_the_cpu_with_the_smallest_cache(machine: Machine) -> None:
    sizing = Sizing(options(cache_tokens=1 << 16), LARGE, machine)
    step, steps = sizing.wanted(), []
    while step is not None:
        steps.append(step)
        assert len(steps) < 100
        step = sizing.next_step_down(step, LAYERS_KEPT_SHARE)
    assert (steps[-1].gpu_layers, steps[-1].cache_tokens) == (0, MIN_CONTEXT_TOKENS)
    layers = [each.gpu_layers for each in steps]
    assert layers == sorted(layers, reverse=True)


# Mixtures of experts


@pytest.mark.parametrize("free", [4, 8, 12, 16, 24])
def test_experts_leave_the_gpu_before_whole_layers_do(free) -> None:
    machine = with_gpus(free * GIB)
    sizing = Sizing(options(), MIXTURE, machine)
    chosen = sizing.choose()
    assert chosen.gpu_layers == 49
    assert 0 < chosen.cpu_expert_layers <= 48
    assert gpu_bytes(MIXTURE, chosen) <= gpu_room(machine.gpus, MIXTURE, chosen)
    assert f"The experts of {chosen.cpu_expert_layers} of 49 layers" in " ".join(sizing.notes(chosen))


def test_more_memory_keeps_more_experts_on_the_gpu() -> None:
    counts = [choose(options(), MIXTURE, with_gpus(free * GIB)).cpu_expert_layers for free in (6, 12, 24, 48)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1] == 0


def test_where_not_even_the_rest_fits_layers_leave_too() -> None:
    chosen = choose(options(), MIXTURE, with_gpus(1500 * MIB))
    assert 0 < chosen.gpu_layers < 49
    assert chosen.cpu_expert_layers == 48


def test_the_experts_of_layers_that_never_were_on_the_gpu_are_not_told() -> None:
    sizing = Sizing(options(gpu_layers=10), MIXTURE, with_gpus(GIB))
    chosen = sizing.next_step_down(replace_type(sizing.choose(), "q8_0"), 1.0)
    assert chosen.gpu_layers == 10
    while chosen.cpu_expert_layers < 40:
        chosen = sizing.next_step_down(chosen, 1.0)
    assert chosen.cpu_expert_layers == 40
    assert "The experts of 1 of 10 layers" in " ".join(sizing.notes(chosen))


def replace_type(parameters: Parameters, cache_type: str) -> Parameters:
    return msgspec.structs.replace(parameters, cache_type=cache_type)


def test_after_failed_allocations_experts_leave_by_the_quarter() -> None:
    sizing = Sizing(options(cache_type="f16", cache_tokens=4096), MIXTURE, with_gpus(100 * GIB))
    step, seen = sizing.wanted(), []
    while step is not None and step.gpu_layers == 49:
        seen.append(step.cpu_expert_layers)
        step = sizing.next_step_down(step, LAYERS_KEPT_SHARE)
    assert seen[:3] == [0, 12, 21]
    assert seen[-1] == 48
    assert len(seen) < 15


@given(free=st.lists(st.integers(0, 40 * GIB), min_size=1, max_size=3), cache=st.sampled_from([0, 4096, 1 << 16]))
def test_whatever_is_put_on_gpus_of_a_mixture_fits_them(free, cache) -> None:
    machine = with_gpus(*free)
    chosen = choose(options(cache_tokens=cache), MIXTURE, machine)
    assert not chosen.gpu_layers or gpu_bytes(MIXTURE, chosen) <= gpu_room(machine.gpus, MIXTURE, chosen)


# Integrated GPUs


def laptop_with_chip(free: int) -> Machine:
    chip = Gpu("chip", 16 * GIB, free, is_integrated=True)
    return replace(LAPTOP, free_bytes=free, gpus=(chip,))


@pytest.mark.parametrize("free", range(1, 15))
def test_what_an_integrated_gpu_takes_fits_the_host(free) -> None:
    machine = laptop_with_chip(free * GIB)
    chosen = choose(options(), LARGE, machine)
    if chosen.gpu_layers:
        room = machine.free_bytes - machine.total_bytes / 16
        assert predict(LARGE, chosen).total + chosen.host_cache_bytes <= room


# Everything that has to fit


@pytest.mark.parametrize("machine", [LAPTOP, replace(LAPTOP, free_bytes=11 * GIB), replace(LAPTOP, free_bytes=6 * GIB)])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("host_cache", [-1, 0, 1 << 40])
def test_saved_documents_are_part_of_what_has_to_fit(machine, shape, host_cache) -> None:
    sizing = Sizing(options(host_cache_bytes=host_cache), shape, machine)
    chosen = sizing.choose()
    left = machine.free_bytes - machine.total_bytes / 16 - predict(shape, chosen).total
    assert chosen.host_cache_bytes <= max(0, left)
    notes = " ".join(sizing.notes(chosen))
    assert ("engine.host_cache_mib" in notes) == (host_cache == 1 << 40)


def test_saved_documents_that_fit_are_kept_as_they_were_wanted() -> None:
    assert choose(options(host_cache_bytes=512 * MIB), SMALL, LAPTOP).host_cache_bytes == 512 * MIB


def test_copies_of_weights_are_given_up_before_the_window_is() -> None:
    """8 GiB with 5.5 free: the copies took 2.2, and the window became 512."""
    shape = replace(LARGE, repackable_bytes={12: 2200 * MIB})
    machine = Machine(4, 8 * GIB, 5 * GIB + 512 * MIB, repacked_types=(12,))
    sizing = Sizing(options(), shape, machine)
    chosen = sizing.choose()
    assert not chosen.repacks_weights
    assert chosen.context_tokens == 4096
    assert "Weights are not copied" in " ".join(sizing.notes(chosen))
    roomy = Sizing(options(), shape, replace(machine, total_bytes=32 * GIB, free_bytes=28 * GIB))
    assert roomy.choose().repacks_weights
    assert not roomy.notes(roomy.choose())


def test_weights_are_copied_only_where_no_gpu_reads_them() -> None:
    shape = replace(SMALL, repackable_bytes={12: 500 * MIB})
    machine = replace(WORKSTATION, repacked_types=(12,))
    for layers, copies in ((-1, 0), (5, 0), (0, 500 * MIB)):
        chosen = choose(options(gpu_layers=layers), shape, machine)
        assert predict(shape, chosen, machine.repacked_types).repacked == copies
