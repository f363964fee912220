"""For rassumfrassum, with which infill stands beside another server in Emacs: the other one comes first, and ghost text
is infill's to give. Everything else is as rassumfrassum has it."""

from rassumfrassum.frassum import LspLogic


class InfillLogic(LspLogic):
    """Sends each request to who can answer it."""

    async def on_client_request(self, method, params, servers):
        """Choose the servers of a request."""
        if method == "textDocument/inlineCompletion":
            return [each for each in servers if each.caps.get("inlineCompletionProvider") is not None][:1]
        return await super().on_client_request(method, params, servers)

    def get_aggregation_timeout_ms(self, method):
        """How long to wait for all servers; one that has not said what it can do by then would never be asked."""
        return 30_000 if method == "initialize" else super().get_aggregation_timeout_ms(method)


def logic_class():
    """What rassumfrassum is to use."""
    return InfillLogic
