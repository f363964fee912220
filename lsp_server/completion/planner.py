"""The prompt of a request: an anchor that the snapshot continues, or a new anchor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lsp_server.base.fim_families import Family
from lsp_server.completion.anchors import Anchors
from lsp_server.completion.cached_anchors import CachedAnchors
from lsp_server.completion.prefill_speed import PrefillSpeed
from lsp_server.context.candidates import Gathered
from lsp_server.context.gate import named
from lsp_server.context.nearest_files import choose_nearest_files
from lsp_server.context.ranking import choose
from lsp_server.ipc.model_info import ModelInfo
from lsp_server.ipc.requests import Timings
from lsp_server.prompt.anchor import Anchor, Continuation, render
from lsp_server.prompt.families import family_of
from lsp_server.prompt.plan import plan_anchor
from lsp_server.settings.model import Settings
from lsp_server.text.excerpts import Block, Neighbour
from lsp_server.text.snapshot import Snapshot

# Typed text of this share of an anchor's limit is worth a new anchor once the user pauses.
RE_ANCHOR_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Plan:
    """An anchor and its continuation: the text typed since, and closers that the editor added behind the cursor."""

    anchor: Anchor
    continuation: Continuation
    family: Family
    is_new: bool

    def describe(self) -> str:
        """The plan as a line of the trace."""
        kept = "new anchor" if self.is_new else "anchor kept"
        kept += ", short to save time," if self.anchor.is_short else ""
        return (
            f"{kept} with {len(self.anchor.prefix)} characters before and {len(self.anchor.suffix)} after, "
            f"{len(self.continuation.typed)} typed since, {len(self.anchor.blocks)} blocks"
        )

    def render(self, markers: dict[str, str]) -> str:
        """The prompt as text, with the markers spelt out."""
        return render(self.anchor.parts, lambda role: markers[role]) + self.continuation.typed


class Planner:
    """Plans prompts for one engine and one set of settings, and remembers the anchors of each document."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._anchors = Anchors()
        self._warm = CachedAnchors()
        self._speed = PrefillSpeed()
        self._blocks: dict[str, tuple[Block, ...]] = {}  # each document's latest

    def needs_blocks(self, snapshot: Snapshot, model: ModelInfo, prefill_budget_ms: int = 0) -> bool:
        """Whether `plan` will make an anchor, and so needs gathered candidates."""
        return self._continued(snapshot, model, prefill_budget_ms if family_of(model).anchored else 0) is None

    def plan(
        self,
        snapshot: Snapshot,
        neighbours: Callable[[], Sequence[Neighbour]],
        model: ModelInfo,
        prefill_budget_ms: int = 0,
        gathered: Gathered | None = None,
    ) -> Plan:
        """Continue an anchor or make one.

        A new anchor is short if prefilling the whole would exceed the budget. Budget 0 sets no limit. Blocks come
        from `gathered`. If it is None, they come from the neighbours, which the user has named then. Report the answer
        to `evaluated`. Raises `ModelCannotInfillError` for a model of no known family.
        """
        family = family_of(model)
        if not family.anchored:
            prefill_budget_ms = 0  # no warm-up would replace a short anchor
        if found := self._continued(snapshot, model, prefill_budget_ms):
            return Plan(*found, family, is_new=False)
        anchor = self._new_anchor(snapshot, neighbours, model, family, gathered, prefill_budget_ms)
        self._anchors.add(snapshot.uri, anchor)
        return Plan(anchor, Continuation(snapshot.prefix[len(anchor.prefix) :]), family, is_new=True)

    def evaluated(self, anchor: Anchor, timings: Timings, model: ModelInfo) -> None:
        """Learn from a planned prompt that was prefilled completely."""
        self._warm.touch(anchor, model)
        self._speed.learn(timings, model)

    def wants_warm_up(self, snapshot: Snapshot, model: ModelInfo) -> bool:
        """Whether the next burst of typing should start from a new anchor instead of the present one."""
        found = self._continued(snapshot, model, self.settings.completion.prefill_budget_ms)
        if found is None or not family_of(model).anchored:
            return False
        anchor, continuation = found
        typed = continuation.typed
        is_long = len(typed) > anchor.max_typed_characters * RE_ANCHOR_SHARE and "\n" in typed
        return is_long or anchor.is_short

    def plan_warm_up(
        self,
        snapshot: Snapshot,
        neighbours: Callable[[], Sequence[Neighbour]],
        model: ModelInfo,
        gathered: Gathered | None = None,
    ) -> Anchor | None:
        """A new anchor to prefill while the user pauses; None if the present one will do.

        Pass the anchor to `adopt` once it is in the KV cache.
        """
        family = family_of(model)
        if not self.wants_warm_up(snapshot, model):
            return None
        return self._new_anchor(snapshot, neighbours, model, family, gathered)

    def adopt(self, uri: str, anchor: Anchor, model: ModelInfo) -> None:
        """Use a prefilled anchor for the next plans. It is in the KV cache."""
        self._anchors.add(uri, anchor)
        self._warm.touch(anchor, model)

    def forget(self, uri: str) -> None:
        """Drop a document's anchors."""
        self._anchors.forget(uri)
        self._blocks.pop(uri, None)

    def _new_anchor(
        self,
        snapshot: Snapshot,
        neighbours: Callable[[], Sequence[Neighbour]],
        model: ModelInfo,
        family: Family,
        gathered: Gathered | None,
        prefill_budget_ms: int = 0,
    ) -> Anchor:
        context = self.settings.context
        if gathered is None:
            blocks = choose_nearest_files(snapshot, named(neighbours()), context.max_tokens)
        else:
            blocks = choose(gathered, context.max_tokens, self._blocks.get(snapshot.uri, ()))
            self._blocks[snapshot.uri] = blocks
        max_tokens = self.settings.completion.max_tokens

        def planned(affordable: int | None = None) -> Anchor:
            return plan_anchor(snapshot, blocks, model, family, max_tokens, context.suffix_share, affordable)

        whole = planned()
        if self._is_affordable(whole, model, prefill_budget_ms):
            return whole
        return planned(self._speed.affordable_tokens(model, prefill_budget_ms))

    def _continued(
        self, snapshot: Snapshot, model: ModelInfo, prefill_budget_ms: int
    ) -> tuple[Anchor, Continuation] | None:
        """The anchor to continue: a whole one within the budget, else a short one. Budget 0 accepts no short one."""
        known = self._anchors.continued(snapshot)
        whole = (
            pair for pair in known if not pair[0].is_short and self._is_affordable(pair[0], model, prefill_budget_ms)
        )
        short = (pair for pair in known if pair[0].is_short and prefill_budget_ms)
        return next(whole, None) or next(short, None)

    def _is_affordable(self, anchor: Anchor, model: ModelInfo, prefill_budget_ms: int) -> bool:
        affordable = self._speed.affordable_tokens(model, prefill_budget_ms)
        return affordable is None or self._warm.uncached_tokens(anchor, model) <= affordable
