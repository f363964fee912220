"""Token counts without a tokeniser. The engine counts exactly, and truncates where this is too low."""

# With the vocabularies of code models, code has some 3 to 4 characters a token. The low end overestimates the tokens,
# so the engine need not truncate most prompts.
CHARACTERS_PER_TOKEN = 3


def estimate_tokens(text: str) -> int:
    """The estimated number of tokens of a text, rounded up."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)
