"""Token counts without a tokeniser; the engine counts exactly and has the last word."""

# Code runs at some 3 to 4 characters a token with the vocabularies of code models; the low end leaves no cut to
# the engine in most files.
CHARACTERS_PER_TOKEN = 3


def estimate_tokens(text: str) -> int:
    """About how many tokens a text has."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)
