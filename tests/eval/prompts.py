"""The prompts of a hole: those of infill's own plan, and a fresh one at the cursor."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec

from lsp_server.engine.backends.llama.backend import LlamaBackend
from lsp_server.engine.scheduler.placement import num_healed
from lsp_server.engine.scheduler.tokenize import RequestTokenizer
from lsp_server.ipc.requests import Generate, PromptPart, Text
from lsp_server.prompt.families import family_of
from lsp_server.prompt.plan import plan_anchor
from lsp_server.prompt.settled_indentation import is_settled
from lsp_server.settings.model import Settings
from lsp_server.text.excerpts import Block
from tests.eval.scoring import ANSWER_TOKENS, Prompt
from tests.eval.targets import EvalTarget


@dataclass(frozen=True, slots=True)
class Variants:
    """The anchor's tokens, and three prompts with equal text around the cursor.

    fresh: the line so far stands before the suffix marker. anchored: the line so far stands after the middle marker,
    tokenised by itself. healed: as anchored, but the last tokens are removed and the next ones must agree with their
    text. infill sends the healed prompt.
    """

    anchor: list[int]
    fresh: Prompt
    anchored: Prompt
    healed: Prompt


class Prompts:
    """Makes the prompts of holes for one model. `anchored` anchors a family that infill does not anchor, too."""

    def __init__(self, backend: LlamaBackend, *, anchored: bool = False) -> None:
        self._backend = backend
        family = family_of(backend.info)
        self._family = replace(family, anchored=anchored or family.anchored)
        self._request_tokenizer = RequestTokenizer(backend, backend.info.context_tokens)
        self._suffix_share = Settings().context.suffix_share

    def of(self, hole: EvalTarget, blocks: Sequence[Block] = (), *, break_follows: bool = True) -> Variants | None:
        """The prompts, None where the engine would truncate them, so that they would differ in their text."""
        snapshot = hole.snapshot(break_follows=break_follows)
        anchor = plan_anchor(
            snapshot, tuple(blocks), self._backend.info, self._family, ANSWER_TOKENS, self._suffix_share
        )
        typed = snapshot.prefix[len(anchor.prefix) :]
        indented = bool(typed) and is_settled(snapshot)
        tokenized = self._request_tokenizer.tokenize_request(
            Generate(
                anchor.parts,
                ANSWER_TOKENS,
                typed=typed,
                reserve_tokens=anchor.reserve_tokens,
                fixed_indent=indented,
            )
        )
        # The same text as in the anchor: a fresh prompt might have room for more.
        fresh = self._request_tokenizer.tokenize_request(Generate(_with_typed(anchor.parts, typed), 0)).anchor
        if len(tokenized.anchor) < len(self._request_tokenizer.tokenize_request(Generate(anchor.parts, 0)).anchor):
            return None
        expected = hole.expected + "\n" * (not break_follows)
        apart = self._backend.tokenize(expected)
        count = num_healed(tokenized.typed, self._backend, fixed_indent=indented)
        kept, taken = tokenized.typed[: len(tokenized.typed) - count], tokenized.typed[len(tokenized.typed) - count :]
        rest = b"".join(map(self._backend.piece, taken))
        return Variants(
            tokenized.anchor,
            fresh=Prompt(fresh, b"", apart),
            anchored=Prompt(tokenized.anchor + tokenized.typed, b"", apart),
            healed=Prompt(tokenized.anchor + kept, rest, self._behind(kept, typed + expected), indented),
        )

    def _behind(self, kept: list[int], line: str) -> list[int]:
        """The tokens of a whole line after the kept ones. The rest is tokenised apart where no token begins there."""
        tokenize, piece = self._backend.tokenize, self._backend.piece
        whole, size = tokenize(line), sum(len(piece(token)) for token in kept)
        ends = list(itertools.accumulate((len(piece(token)) for token in whole), initial=0))
        return whole[ends.index(size) :] if size in ends else tokenize(line.encode()[size:].decode())


def _with_typed(parts: tuple[PromptPart, ...], typed: str) -> tuple[PromptPart, ...]:
    """An anchor's parts with the typed text at the end of the prefix, as in a fresh prompt."""
    return tuple(
        msgspec.structs.replace(part, text=part.text + typed)
        if isinstance(part, Text) and part.overflow == "keep_tail"
        else part
        for part in parts
    )
