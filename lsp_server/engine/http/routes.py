"""The paths for other programs. The engine answers them, and the gateway forwards them."""

from __future__ import annotations

# Method and path. `compat.handlers` has a handler for each.
ROUTES = (
    ("POST", "/infill"),
    ("POST", "/tokenize"),
    ("POST", "/v1/completions"),
    ("POST", "/v1/chat/completions"),
    ("GET", "/v1/models"),
)
