"""Chooses which text of other files goes into a prompt, and in what order."""
