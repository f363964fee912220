"""How fast the engine evaluates prompts, and so how much text there is time for."""

from __future__ import annotations

from lsp_server.ipc.model_info import ModelInfo
from lsp_server.ipc.requests import Timings

# Fewer evaluated tokens say nothing about many.
MIN_EVALUATED_TOKENS = 64
# With less text around the cursor no model is of use.
MIN_SHORT_TOKENS = 128
_WEIGHT = 0.25  # of the newest measurement


class PrefillSpeed:
    """Tokens a second: what the engine measured as it loaded the model, then what answers took."""

    def __init__(self) -> None:
        self._tokens_per_s: float | None = None

    def learn(self, timings: Timings, model: ModelInfo) -> None:
        """Take note of an answer whose prompt was evaluated to its end."""
        evaluated = timings.prompt_tokens - timings.reused_tokens
        if evaluated >= MIN_EVALUATED_TOKENS and timings.prefill_ms > 0:
            speed = evaluated * 1000 / timings.prefill_ms
            known = self._tokens_per_s or model.prefill_tokens_per_s or speed
            self._tokens_per_s = known + _WEIGHT * (speed - known)

    def affordable_tokens(self, model: ModelInfo, prefill_budget_ms: int) -> int | None:
        """How many tokens can be evaluated in that time; None: as many as you like."""
        tokens_per_s = self._tokens_per_s or model.prefill_tokens_per_s
        if not prefill_budget_ms or not tokens_per_s:
            return None
        return max(MIN_SHORT_TOKENS, int(tokens_per_s * prefill_budget_ms / 1000))
