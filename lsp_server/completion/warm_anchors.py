"""Which anchors are likely to be in the engine's cache."""

from __future__ import annotations

from lsp_server.base.common_prefix import common_prefix
from lsp_server.base.token_estimate import CHARACTERS_PER_TOKEN, estimate_tokens
from lsp_server.ipc.model_info import ModelInfo
from lsp_server.prompt.anchor import Anchor


class WarmAnchors:
    """The anchors used last, of all documents, as many as the engine's sequences and cache hold.

    What an engine evicts it does not tell; this is what it would evict first, by estimate. A model that was loaded
    anew has nothing in its cache.
    """

    def __init__(self) -> None:
        self._anchors: list[Anchor] = []  # the one used last at the end
        self._model: ModelInfo | None = None

    def touch(self, anchor: Anchor, model: ModelInfo) -> None:
        """An anchor was evaluated."""
        self._look_at(model)
        self._anchors = [*(other for other in self._anchors if other is not anchor), anchor]
        del self._anchors[: -model.parameters.num_sequences]
        while len(self._anchors) > 1 and sum(map(_tokens, self._anchors)) > model.cache_tokens:
            del self._anchors[0]

    def missing_tokens(self, anchor: Anchor, model: ModelInfo) -> int:
        """About how many tokens of a prompt are still to be evaluated."""
        self._look_at(model)
        wanted = anchor.spelling
        known = (common_prefix(wanted, other.spelling) for other in self._anchors)
        return (len(wanted) - max(known, default=0)) // CHARACTERS_PER_TOKEN

    def _look_at(self, model: ModelInfo) -> None:
        if model is not self._model:
            self._model = model
            self._anchors = []


def _tokens(anchor: Anchor) -> int:
    return estimate_tokens(anchor.spelling) + anchor.reserve_tokens
