"""Documents, frozen snapshots, and the rules for reading source text."""
