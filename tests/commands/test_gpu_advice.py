from dataclasses import replace

import pytest

from lsp_server.commands import gpu_advice
from lsp_server.commands.gpu_advice import GPUS, advice


def only(name):
    """A machine with that kind of GPU and no other."""
    return tuple(replace(gpu, is_there=lambda is_it=gpu.name == name: is_it) for gpu in GPUS)


@pytest.mark.parametrize(
    ("name", "build", "wheels"),
    [
        ("NVIDIA", 'CMAKE_ARGS="-DGGML_CUDA=on" pip install', "whl/cu124"),
        ("Apple", 'CMAKE_ARGS="-DGGML_METAL=on" pip install', "whl/metal"),
        ("AMD", 'CMAKE_ARGS="-DGGML_VULKAN=on" pip install', "whl/vulkan"),
    ],
)
def test_there_is_a_way_with_a_toolkit_and_one_without(name, build, wheels):
    with_toolkit, without = advice(only(name)).splitlines()
    assert build in with_toolkit
    assert f"There is an {name} GPU" in with_toolkit
    assert wheels in without


def test_where_no_gpu_is_seen_there_is_nothing_to_say():
    assert advice(only("none")) == ""


def test_doctor_says_it(infill, monkeypatch):
    monkeypatch.setattr(gpu_advice, "advice", lambda: "Buy a cable.")
    lines = " ".join(infill("doctor").out.split())
    assert ("Buy a cable." in lines) == ("built for the CPU only" in lines)
