"""Prompts: the FIM family of a model, the plan of a prompt within a token budget, and chat templates. Pure."""
