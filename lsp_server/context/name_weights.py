"""What is left of the score of one of many names: less where it stands here anyway, more where it is likely. Pure."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping

from lsp_server.context.scope import Scope
from lsp_server.languages.syntax import CONSTRUCTORS

KNOWN_NAME_SHARE = 0.35  # where the name stands in the text anyway
LIKENESS_SHARE = 0.5  # for the share of its words that stand near the cursor
COMPANY_GAIN = 2.0  # for a name that stands in the most similar chunk of the project
PRIVATE_SHARE, DUNDER_SHARE, CONSTRUCTOR_SHARE = 0.7, 0.05, 0.6
UNPOPULAR_SHARE, POPULAR = 0.6, 40  # of a name that hardly anybody uses; places of one that counts in full
UNUSED_SHARE = 0.8  # of one that nobody uses: it may be new, and about to be


class NameWeights:
    """Which names are likely in one scope.

    `cooccurrence` is, for each word, how similar the code around it is to the text at hand (`similar.cooccurrence`).
    """

    def __init__(self, scope: Scope, cooccurrence: Mapping[str, float]) -> None:
        self._scope = scope
        self._company = cooccurrence

    def listing(self, name: str) -> float:
        """Of one of a module's names."""
        share = 1 - LIKENESS_SHARE * (1 - self._scope.similarity(name))
        share *= 1 + COMPANY_GAIN * self._company.get(name, 0.0)
        if name in self._scope.identifiers_present:
            share *= KNOWN_NAME_SHARE
        return share * (PRIVATE_SHARE if name.startswith("_") else 1.0)

    def member(self, name: str) -> float:
        """Of a member of a class, where the constructor tells what there is."""
        if name in CONSTRUCTORS:
            return CONSTRUCTOR_SHARE
        if name.startswith("__"):
            return DUNDER_SHARE
        return self.listing(name)


@functools.lru_cache(maxsize=1 << 10)
def popularity_share(num_places: int) -> float:
    """Of a name that stands at so many places of the project: what others use is what is used here."""
    used = max(0, num_places - 1)  # it stands where it is defined
    if used == 0:
        return UNUSED_SHARE
    return UNPOPULAR_SHARE + (1 - UNPOPULAR_SHARE) * min(1.0, math.log1p(used) / math.log1p(POPULAR))
