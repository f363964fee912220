"""Prompts: FIM formats as data, and the plan of a fill within a token budget. Pure."""
