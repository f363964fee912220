"""The engine has a handler for each path that the gateway hands on."""

from lsp_server.engine.compat.handlers import HANDLERS
from lsp_server.engine.http.routes import ROUTES


def test_every_path_that_is_handed_on_has_a_handler_and_no_other_has():
    assert set(HANDLERS) == set(ROUTES)
    assert len(ROUTES) == len(set(ROUTES))
