"""The machine, and the environment llama.cpp is run in."""

from __future__ import annotations

from lsp_server.engine.backends.llama.devices import find_gpus
from lsp_server.engine.sizing.hardware import detect_machine, environment


def test_this_machine_can_be_looked_at() -> None:
    machine = detect_machine()
    assert machine.num_cores >= 1
    assert 0 < machine.free_bytes <= machine.total_bytes


def test_devices_are_listed_by_ggml_itself(caplog) -> None:
    """Where there is a GPU its memory is known; where there is none, that is known too, and not for an error."""
    gpus = find_gpus()
    assert not caplog.records
    assert all(gpu.name and 0 < gpu.free_bytes <= gpu.total_bytes for gpu in gpus)


def test_waiting_threads_spin_briefly_unless_the_user_says_otherwise() -> None:
    assert environment({"PATH": "/bin"}) == {"PATH": "/bin", "GOMP_SPINCOUNT": "1000"}
    for own in ({"OMP_WAIT_POLICY": "active"}, {"GOMP_SPINCOUNT": "7"}):
        assert environment(own) == own
