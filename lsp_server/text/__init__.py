"""Documents, frozen snapshots, and the rules for reading source text.

Runs in the language server; the index worker and the engine use the pure parts.
"""
