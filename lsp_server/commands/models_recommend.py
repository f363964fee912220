"""`infill models recommend`: the catalogue's models, the best for this machine first, with reasons."""

from __future__ import annotations

import argparse

from rich.console import Console
from rich.table import Table

from lsp_server.catalog.models import catalog
from lsp_server.catalog.recommend import TYPES, Recommendation, Verdict, recommend
from lsp_server.commands.console import coloured
from lsp_server.commands.machine import llama_features, measured_rates
from lsp_server.engine.sizing.hardware import Machine

_COLOURS = {Verdict.GOOD: "green", Verdict.SLOW: "yellow", Verdict.TIGHT: "yellow", Verdict.TOO_LARGE: "red"}


def run(_: argparse.Namespace, console: Console) -> int:
    """Print the models, the best first. The status is 1 if none suits."""
    machine = llama_features().machine
    with Console(stderr=True).status("measuring this machine…"):
        rates = measured_rates({kind for types in TYPES.values() for kind in types})
    found = recommend(catalog().values(), machine, rates)
    best = found[0] if found and found[0].verdict is not Verdict.TOO_LARGE else None
    console.print(_describe(machine), soft_wrap=True)
    console.print(_table(found, best))
    console.print(
        "\nEstimates, for one document of 4,096 tokens: memory from files' sizes, speed from how fast this CPU "
        "multiplies weights, the best that was ever measured here.",
        soft_wrap=True,
    )
    if best is None:
        console.print("No model of the catalogue fits this machine; the embedded one runs.", soft_wrap=True)
        return 1
    console.print(
        coloured("", "\nGet the first: "), coloured("bold", f"infill models pull {best.name}"), sep="", soft_wrap=True
    )
    return 0


def _describe(machine: Machine) -> str:
    gpus = ", ".join(f"{gpu.name} with {_gib(gpu.free_bytes)} free" for gpu in machine.gpus) or "no GPU for llama.cpp"
    memory = f"{_gib(machine.free_bytes)} free of {_gib(machine.total_bytes)}"
    return f"This machine: {machine.num_cores} cores, {memory}, {gpus}."


def _table(found: list[Recommendation], best: Recommendation | None) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("")
    table.add_column("model", no_wrap=True)
    for heading in ("memory", "prefill/s", "decode/s"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict")
    for each in found:
        table.add_row(
            "→" if each is best else "",
            each.name,
            _gib(each.memory_bytes),
            "GPU" if each.on_gpu else f"{each.prefill_tokens_per_s:,.0f}",
            "GPU" if each.on_gpu else f"{each.decode_tokens_per_s:,.1f}",
            coloured(_COLOURS[each.verdict], each.reason),
        )
    return table


def _gib(num_bytes: int) -> str:
    return f"{num_bytes / (1 << 30):.1f} GiB"
