"""The paths that other programs may ask. The engine answers them, and the gateway hands them on."""

from __future__ import annotations

# Method and path. `compat.handlers` has a handler for each.
ROUTES = (
    ("POST", "/infill"),
    ("POST", "/tokenize"),
    ("POST", "/v1/completions"),
    ("POST", "/v1/chat/completions"),
    ("GET", "/v1/models"),
)
