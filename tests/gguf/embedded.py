"""The embedded model, which real engines of tests serve."""

from __future__ import annotations

from lsp_server.catalog.resolve import embedded_model

EMBEDDED = embedded_model()
