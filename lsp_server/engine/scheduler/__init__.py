"""Decides which tokens each decode evaluates: queue, batches, chunked prefill, preemption."""
