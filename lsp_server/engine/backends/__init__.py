"""What evaluates a model: the interface, llama.cpp, and a fake for tests."""
