"""Code actions: where each applies, the range that it replaces, and what is to be written there."""
