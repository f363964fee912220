"""Predicts the memory of a model and chooses its parameters. Runs in any process, without llama.cpp."""
