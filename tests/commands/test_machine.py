"""The rates of this machine: measured in a process of its own, and the best is kept."""

from __future__ import annotations

import msgspec
import pytest

from lsp_server.commands import machine
from lsp_server.commands.machine import measured_rates
from lsp_server.engine.backends.llama import rates
from lsp_server.engine.sizing.hardware import Machine, Rates

Q8_0, Q4_K = 8, 12


@pytest.fixture
def measured(monkeypatch):
    """Sets what a measurement finds."""

    def set_to(decode: float, prefill: float) -> None:
        monkeypatch.setattr(machine, "_ask", lambda *_: Rates({Q4_K: decode}, {Q4_K: prefill}))

    return set_to


def test_llama_cpp_multiplies_weights_of_each_type(monkeypatch):
    monkeypatch.setattr(rates, "_ROWS", 256)
    monkeypatch.setattr(rates, "_COLUMNS", 256)
    found = rates.measure(Machine(2, 1, 1, repacked_types=(Q4_K,)), (Q8_0, Q4_K))
    for each in (found.bytes_per_s, found.parameters_per_s):
        assert set(each) == {Q8_0, Q4_K}
        assert min(each.values()) > 0


def test_the_best_that_was_ever_measured_counts(measured, tmp_path):
    file = tmp_path / "a" / "rates.json"
    for now, best in (((5, 90), (5, 90)), ((9, 20), (9, 90)), ((1, 1), (9, 90))):
        measured(*now)
        assert measured_rates([Q4_K], file) == Rates({Q4_K: best[0]}, {Q4_K: best[1]})


def test_another_machine_has_rates_of_its_own(measured, tmp_path, monkeypatch):
    file = tmp_path / "rates.json"
    measured(9, 9)
    measured_rates([Q4_K], file)
    monkeypatch.setattr(machine, "_identity", lambda: "another")
    measured(2, 2)
    assert measured_rates([Q4_K], file) == Rates({Q4_K: 2}, {Q4_K: 2})
    assert len(msgspec.json.decode(file.read_bytes())) == 2


@pytest.mark.parametrize("content", [b"", b"\xff", b"[]", b'{"a": 1}', b'{"a": {"bytes_per_s": {"x": 1}}}'])
def test_a_file_that_is_damaged_is_written_anew(measured, tmp_path, content):
    file = tmp_path / "rates.json"
    file.write_bytes(content)
    measured(3, 4)
    assert measured_rates([Q4_K], file) == measured_rates([Q4_K], file) == Rates({Q4_K: 3}, {Q4_K: 4})


def test_where_nothing_can_be_kept_it_is_measured_each_time(measured, tmp_path):
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    measured(3, 4)
    assert measured_rates([Q4_K], tmp_path / "file" / "rates.json") == Rates({Q4_K: 3}, {Q4_K: 4})
