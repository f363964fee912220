"""On a GPU `llama_decode` returns before the device is done. The times that the scheduler learns are the device's."""

import llama_cpp
import msgspec
import pytest

from lsp_server.engine.backends.llama.backend import LlamaBackend
from lsp_server.ipc.launch import EngineOptions
from lsp_server.ipc.requests import Marker, Text

READ_S, WRITE_S = 1 / 200, 0.02  # a token of prefill, and a decode


class Device:
    """llama.cpp with a device that computes behind the caller's back, by the clock of a bench."""

    def __init__(self, monkeypatch) -> None:
        self.bench = None
        self.busy_s = 0.0
        self.sizes: list[int] = []
        decode, logits = llama_cpp.llama_decode, llama_cpp.llama_get_logits_ith

        def launch(context, batch):
            self.wait()  # for the inputs of the decode before
            self.sizes.append(batch.n_tokens)
            self.busy_s = WRITE_S if batch.n_tokens == 1 else READ_S * batch.n_tokens
            return decode(context, batch)

        monkeypatch.setattr(llama_cpp, "llama_decode", launch)
        monkeypatch.setattr(llama_cpp, "llama_get_logits_ith", lambda *row: (self.wait(), logits(*row))[1])
        monkeypatch.setattr(llama_cpp, "llama_synchronize", lambda _: self.wait())

    def wait(self) -> None:
        if self.bench is not None:
            self.bench.now += self.busy_s
        self.busy_s = 0.0


@pytest.fixture
def bench(make_bench, model_path, monkeypatch):
    device = Device(monkeypatch)
    backend = LlamaBackend(EngineOptions(str(model_path), threads=1, context_tokens=1024, drafts=False))
    backend.can_interrupt = False
    backend.info = msgspec.structs.replace(backend.info, prefill_tokens_per_s=0.0)
    bench = device.bench = make_bench(backend)
    bench.check = bench.scheduler.check_integrity
    bench.device = device
    device.sizes.clear()
    yield bench
    backend.close()


def test_chunks_and_speeds_are_those_of_the_device(bench):
    done = bench.answer("a", prompt=(Marker("begin"), Text("x = compute(y)\n" * 60)), max_tokens=8)
    assert {size for size in bench.device.sizes if size > 1} <= set(range(64, 128)), "of the least size, but the last"
    timings = done.timings
    assert timings.prompt_tokens / timings.prefill_ms * 1000 == pytest.approx(1 / READ_S, rel=0.01)
    assert (timings.decoded_tokens - 1) / timings.decode_ms * 1000 == pytest.approx(1 / WRITE_S, rel=0.2)
    assert timings.total_ms == pytest.approx(timings.prefill_ms + timings.decode_ms)
