"""Speculative decoding: drafts by look-up, and how long they are."""
