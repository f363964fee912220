"""The engine: everything that runs a model. README.md says which folder runs in which process."""
