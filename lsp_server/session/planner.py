"""Which prompt a request gets: the anchor it continues, or a new one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lsp_server.context.blocks import Neighbour, choose_blocks
from lsp_server.engine.messages import Marker, ModelInfo
from lsp_server.prompt.anchor import Anchor, Continuation
from lsp_server.prompt.formats import FimFormat, format_for
from lsp_server.prompt.plan import plan_anchor
from lsp_server.session.anchors import Anchors
from lsp_server.settings import Settings
from lsp_server.snapshot import Snapshot

# Typed text this long is worth a new anchor once the user pauses: a share of what an anchor lets be typed.
RE_ANCHOR_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Plan:
    """An anchor, the text typed since, and the closers the editor put behind the cursor meanwhile."""

    anchor: Anchor
    continuation: Continuation
    fim_format: FimFormat
    is_new: bool

    def describe(self) -> str:
        """A line for the trace."""
        kept = "new anchor" if self.is_new else "anchor kept"
        return (
            f"{kept} with {len(self.anchor.prefix)} characters before and {len(self.anchor.suffix)} after, "
            f"{len(self.continuation.typed)} typed since, {len(self.anchor.blocks)} blocks"
        )

    def render(self, markers: dict[str, str]) -> str:
        """The prompt as text, markers spelt out."""
        parts = (markers[part.role] if isinstance(part, Marker) else part.text for part in self.anchor.parts)
        return "".join(parts) + self.continuation.typed


class Planner:
    """Plans prompts for one model and one set of settings; remembers the anchors of each document."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._anchors = Anchors()

    def plan(self, snapshot: Snapshot, neighbours: Callable[[], Sequence[Neighbour]], model: ModelInfo) -> Plan:
        """Continue an anchor or make one. Raises `ModelCannotInfillError` if the model's format is unknown."""
        fim_format = format_for(model.name, model.markers)
        if found := self._anchors.find(snapshot):
            return Plan(*found, fim_format, is_new=False)
        anchor = self._new_anchor(snapshot, neighbours, model, fim_format)
        self._anchors.add(snapshot.uri, anchor)
        return Plan(anchor, Continuation(snapshot.prefix[len(anchor.prefix) :]), fim_format, is_new=True)

    def plan_ahead(
        self, snapshot: Snapshot, neighbours: Callable[[], Sequence[Neighbour]], model: ModelInfo
    ) -> Anchor | None:
        """A new anchor for when the user pauses, so that the next burst starts warm; None if the present one will do.

        Give it to `adopt` once it is in the engine's cache.
        """
        fim_format = format_for(model.name, model.markers)
        found = self._anchors.find(snapshot)
        if found is None or not fim_format.anchored:
            return None
        anchor, continuation = found
        typed = continuation.typed
        if len(typed) <= anchor.max_typed_characters * RE_ANCHOR_SHARE or "\n" not in typed:
            return None
        return self._new_anchor(snapshot, neighbours, model, fim_format)

    def adopt(self, uri: str, anchor: Anchor) -> None:
        """Use an anchor from now on."""
        self._anchors.add(uri, anchor)

    def forget(self, uri: str) -> None:
        """Drop a document's anchors."""
        self._anchors.forget(uri)

    def _new_anchor(
        self,
        snapshot: Snapshot,
        neighbours: Callable[[], Sequence[Neighbour]],
        model: ModelInfo,
        fim_format: FimFormat,
    ) -> Anchor:
        context = self.settings.context
        blocks = choose_blocks(snapshot, neighbours(), context.max_tokens)
        max_tokens = self.settings.completion.max_tokens
        return plan_anchor(snapshot, blocks, model, fim_format, max_tokens, context.suffix_share)
