"""Code actions: where each applies, the hole that it makes in a document, and what is to be written there."""
