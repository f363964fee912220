"""Predicts the memory of a model and chooses its parameters. It does not load llama.cpp."""
