"""The engine's prefill speed, and the number of tokens that a prefill time budget allows."""

from __future__ import annotations

from lsp_server.ipc.model_info import ModelInfo
from lsp_server.ipc.requests import Timings

# A prefill of fewer tokens says nothing about a long one.
MIN_EVALUATED_TOKENS = 64
# No model is of use with less text around the cursor.
MIN_SHORT_TOKENS = 128
_WEIGHT = 0.25  # of the newest measurement


class PrefillSpeed:
    """Prefilled tokens a second. The engine measures them at load; answers then correct the figure."""

    def __init__(self) -> None:
        self._tokens_per_s: float | None = None

    def learn(self, timings: Timings, model: ModelInfo) -> None:
        """Learn from an answer whose prompt was prefilled completely."""
        evaluated = timings.prompt_tokens - timings.reused_tokens
        if evaluated >= MIN_EVALUATED_TOKENS and timings.prefill_ms > 0:
            speed = evaluated * 1000 / timings.prefill_ms
            known = self._tokens_per_s or model.prefill_tokens_per_s or speed
            self._tokens_per_s = known + _WEIGHT * (speed - known)

    def affordable_tokens(self, model: ModelInfo, prefill_budget_ms: int) -> int | None:
        """How many tokens the engine prefills within a budget in milliseconds; None for no limit. Budget 0 has none."""
        tokens_per_s = self._tokens_per_s or model.prefill_tokens_per_s
        if not prefill_budget_ms or not tokens_per_s:
            return None
        return max(MIN_SHORT_TOKENS, int(tokens_per_s * prefill_budget_ms / 1000))
