"""`infill models show` and `recommend`: what is printed, of files that are here and of those that are not."""

from __future__ import annotations

import re

import pytest

from lsp_server.commands import models_recommend
from lsp_server.engine.sizing.hardware import LlamaFeatures, Machine, Rates
from tests.gguf.embedded import EMBEDDED

GIB = 1 << 30
SLOW = Rates(dict.fromkeys((8, 12, 14), 17e9), dict.fromkeys((8, 12, 14), 6e10))


def mebibytes(text: str) -> list[int]:
    return [int(number.replace(",", "")) for number in re.findall(r"([\d,]+) MiB", text)]


def test_a_file_s_memory_is_predicted_by_part(infill):
    found = infill("models", "show", str(EMBEDDED))
    assert found.status == 0, found.err
    lines = " ".join(found.out.split())
    assert "tiny-fim" in lines
    total, *parts = mebibytes(lines[lines.index("memory") :])
    assert len(parts) == 4
    assert abs(total - sum(parts)) <= 3


def test_a_model_that_is_not_here_is_estimated_and_said_to_be(infill, monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    lines = " ".join(infill("models", "show", "deepseek-coder-1.3b-base").out.split())
    assert re.search(r"some \d\.\d GiB, an estimate from its size", lines)


def test_a_path_without_a_file_is_said(infill):
    assert "nowhere.gguf" in infill("models", "show", "nowhere.gguf").sentence()


@pytest.fixture
def machine(monkeypatch):
    """Say what machine this is, and how fast."""

    def be(total_gib: float, rates: Rates) -> None:
        here = Machine(4, int(total_gib * GIB), int(total_gib * GIB * 0.9))
        monkeypatch.setattr(models_recommend, "llama_features", lambda: LlamaFeatures("", False, "", here))

        monkeypatch.setattr(models_recommend, "measured_rates", lambda _: rates)

    return be


def test_the_first_is_marked_with_the_command_that_gets_it(infill, machine):
    machine(16, SLOW)
    found = infill("models", "recommend")
    assert found.status == 0
    (marked,) = [line for line in found.out.splitlines() if line.startswith("→")]
    name = marked.split()[1]
    assert f"infill models pull {name}" in found.out
    assert "Estimates" in found.out
    assert "Not for commercial use." in " ".join(found.out.split())
    assert "opencoder-8b-base" not in found.out


def test_where_nothing_fits_the_status_says_so(infill, machine):
    machine(0.1, SLOW)
    found = infill("models", "recommend")
    assert found.status == 1
    assert "No model of the catalogue fits" in found.out
