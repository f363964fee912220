"""Weights of names in a list. A name that the text has already counts less, a likely one more. Pure."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping

from lsp_server.context.scope import Scope
from lsp_server.languages.syntax import CONSTRUCTORS

KNOWN_NAME_SHARE = 0.35  # of a name that this text has anyway
SIMILARITY_SHARE = 0.5  # of the weight; it depends on the share of the name's words that stand near the cursor
COOCCURRENCE_GAIN = 2.0  # for a name that stands in the most similar chunk of the project
PRIVATE_SHARE, DUNDER_SHARE, CONSTRUCTOR_SHARE = 0.7, 0.05, 0.6
UNPOPULAR_SHARE, POPULAR = 0.6, 40  # of a name that is hardly used; number of places at which a name counts in full
UNUSED_SHARE = 0.8  # of an unused name: it may be new, and about to be used


class NameWeights:
    """How likely names are to be used in one scope.

    `cooccurrence` says for each word how similar its surrounding code is to this text (`similar.cooccurrence`).
    """

    def __init__(self, scope: Scope, cooccurrence: Mapping[str, float]) -> None:
        self._scope = scope
        self._cooccurrence = cooccurrence

    def listing(self, name: str) -> float:
        """The weight of one of a module's names."""
        share = 1 - SIMILARITY_SHARE * (1 - self._scope.similarity(name))
        share *= 1 + COOCCURRENCE_GAIN * self._cooccurrence.get(name, 0.0)
        if name in self._scope.identifiers_present:
            share *= KNOWN_NAME_SHARE
        return share * (PRIVATE_SHARE if name.startswith("_") else 1.0)

    def member(self, name: str) -> float:
        """The weight of a class member. The constructor counts much, because it shows the fields."""
        if name in CONSTRUCTORS:
            return CONSTRUCTOR_SHARE
        if name.startswith("__"):
            return DUNDER_SHARE
        return self.listing(name)


@functools.lru_cache(maxsize=1 << 10)
def popularity_share(num_places: int) -> float:
    """The weight of a name that stands at so many places of the project. A name used elsewhere is used here too."""
    used = max(0, num_places - 1)  # one place is its definition
    if used == 0:
        return UNUSED_SHARE
    return UNPOPULAR_SHARE + (1 - UNPOPULAR_SHARE) * min(1.0, math.log1p(used) / math.log1p(POPULAR))
