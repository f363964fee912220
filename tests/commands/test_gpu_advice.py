import re
import subprocess

import pytest

from lsp_server.commands import gpu_advice
from lsp_server.commands.gpu_advice import GPUS, advice, drm_vendors

PYTHON = (3, 12)


@pytest.mark.parametrize(
    ("vendor", "build", "wheels"),
    [
        ("NVIDIA", 'CMAKE_ARGS="-DGGML_CUDA=on" pip install', "whl/cu124"),
        ("Apple", 'CMAKE_ARGS="-DGGML_METAL=on" pip install', "whl/metal"),
        ("AMD", 'CMAKE_ARGS="-DGGML_VULKAN=on" pip install', "whl/vulkan"),
        ("Intel", 'CMAKE_ARGS="-DGGML_VULKAN=on" pip install', "whl/vulkan"),
    ],
)
def test_there_is_a_way_with_a_toolkit_and_one_without(vendor, build, wheels):
    there, with_toolkit, without = advice([vendor], "linux", PYTHON).splitlines()
    assert f"There is a GPU by {vendor}" in there
    assert build in with_toolkit
    assert wheels in without


def test_each_shell_of_windows_gets_its_own_command():
    lines = advice(["Intel"], "win32", PYTHON)
    assert 'PowerShell: $env:CMAKE_ARGS = "-DGGML_VULKAN=on"; pip install' in lines
    assert 'cmd: set "CMAKE_ARGS=-DGGML_VULKAN=on" && pip install' in lines
    assert 'CMAKE_ARGS="' not in lines


@pytest.mark.parametrize("vendor", ["NVIDIA", "Apple"])
def test_a_python_without_wheels_is_told(vendor):
    for python, has_wheel in (((3, 9), False), ((3, 10), True), ((3, 12), True), ((3, 13), False), ((4, 0), False)):
        said = advice([vendor], "linux", python)
        assert "the wheels are for Python 3.10 to 3.12" in said
        assert ("--extra-index-url" in said) == has_wheel
        assert "no-binary" in said


@pytest.mark.parametrize("gpu", GPUS, ids=lambda gpu: gpu.vendor)
def test_where_there_is_no_wheel_pip_says_so_and_builds_nothing(gpu):
    assert "--only-binary llama-cpp-python" in advice([gpu.vendor], "linux", PYTHON).splitlines()[-1]


def test_a_posix_shell_understands_the_command():
    command = re.search("CMAKE_ARGS.*", advice(["AMD"], "linux", PYTHON))[0]
    shown = command.replace("pip", "printenv CMAKE_ARGS #", 1)
    assert (
        subprocess.run(["sh", "-c", shown], capture_output=True, text=True, check=True).stdout == "-DGGML_VULKAN=on\n"
    )


def test_where_no_gpu_is_seen_there_is_nothing_to_say():
    assert advice([]) == advice(["Matrox"]) == ""


def test_a_card_beside_an_integrated_gpu_counts():
    assert "NVIDIA" in advice(["Intel", "NVIDIA"], "linux", PYTHON)


def test_linux_lists_the_vendors(tmp_path):
    for number, vendor in enumerate(("0x8086\n", "0x1002\n", "0x102b\n", "", "\xff")):
        device = tmp_path / f"card{number}" / "device"
        device.mkdir(parents=True)
        (device / "vendor").write_text(vendor, encoding="latin-1")
    (tmp_path / "card9" / "device").mkdir(parents=True)
    assert drm_vendors(tmp_path) == {"Intel", "AMD"}
    assert drm_vendors(tmp_path / "nowhere") == set()


def test_doctor_says_it(infill, monkeypatch):
    monkeypatch.setattr(gpu_advice, "advice", lambda: "Buy [a/b] cable.")
    lines = " ".join(infill("doctor").out.split())
    assert ("Buy [a/b] cable." in lines) == ("built for the CPU only" in lines)
