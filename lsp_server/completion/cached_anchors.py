"""Estimates which anchors are in the engine's KV cache."""

from __future__ import annotations

from lsp_server.base.common_prefix import common_prefix
from lsp_server.base.token_estimate import CHARACTERS_PER_TOKEN, estimate_tokens
from lsp_server.ipc.model_info import ModelInfo
from lsp_server.prompt.anchor import Anchor


class CachedAnchors:
    """An estimate of the anchors that are in the engine's KV cache. It covers all documents.

    The engine does not report evictions. The estimate assumes that the cache evicts the least recently used anchor. It
    keeps as many anchors as the engine's slots and KV cache hold. The cache of a model that was loaded again is empty.
    """

    def __init__(self) -> None:
        self._anchors: list[Anchor] = []  # the most recently used is last
        self._model: ModelInfo | None = None

    def touch(self, anchor: Anchor, model: ModelInfo) -> None:
        """Mark an anchor as the most recently used: the engine has just evaluated it."""
        self._reset_if_reloaded(model)
        self._anchors = [*(other for other in self._anchors if other is not anchor), anchor]
        del self._anchors[: -model.parameters.num_sequences]
        while len(self._anchors) > 1 and sum(map(_tokens, self._anchors)) > model.cache_tokens:
            del self._anchors[0]

    def uncached_tokens(self, anchor: Anchor, model: ModelInfo) -> int:
        """About how many tokens of an anchor need prefill, because no cached anchor shares them."""
        self._reset_if_reloaded(model)
        wanted = anchor.spelling
        known = (common_prefix(wanted, other.spelling) for other in self._anchors)
        return (len(wanted) - max(known, default=0)) // CHARACTERS_PER_TOKEN

    def _reset_if_reloaded(self, model: ModelInfo) -> None:
        if model is not self._model:
            self._model = model
            self._anchors = []


def _tokens(anchor: Anchor) -> int:
    return estimate_tokens(anchor.spelling) + anchor.reserve_tokens
