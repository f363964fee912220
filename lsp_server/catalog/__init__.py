"""Models: which there are, where they lie, how they are run."""
