"""Speculative decoding: drafts by look-up or by a draft model, and how long they are."""
