"""Benchmarks of the engine's core beside a peer, llama-server, on the same model and machine: `infill bench`.

What is compared takes turns, sample by sample, and never runs at the same time. Read the ratios: machines differ and
drift. `typing`, `burst`, `cancel` and `decode` measure; `ours` and `peer` are the two targets; `text`, `edits` and
`stats` serve them.
"""
