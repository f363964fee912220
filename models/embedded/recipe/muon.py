"""Muon: momentum, orthogonalised. Keller Jordan and others, 2024, <https://kellerjordan.github.io/posts/muon/>.

PyTorch has one, which works in bfloat16 and on one matrix at a time: on a CPU, that was two thirds of a step. Here
matrices of one shape go together, in the numbers that the machine multiplies best. Updates are scaled to AdamW's size,
so that learning rates compare (Moonlight, arXiv:2502.16982, section 2.2).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

MOMENTUM = 0.95
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # of the page above
NEWTON_SCHULZ_STEPS = 5
SIZE_OF_ADAMW = 0.2


class Muon(torch.optim.Optimizer):
    """For two-dimensional weights inside a network. `dtype` is what they are orthogonalised in."""

    def __init__(self, matrices: Iterable[Tensor], lr: float, weight_decay: float, dtype: torch.dtype) -> None:
        super().__init__(matrices, {"lr": lr, "weight_decay": weight_decay})
        self._dtype = dtype

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # noqa: ARG002  (the signature of an optimiser)
        """Update every matrix that has a gradient."""
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[Tensor]] = defaultdict(list)
            for matrix in group["params"]:
                if matrix.grad is not None:
                    by_shape[matrix.shape].append(matrix)
            for shape, matrices in by_shape.items():
                updates = orthogonalised(torch.stack([self._with_momentum(each) for each in matrices]).to(self._dtype))
                size = group["lr"] * SIZE_OF_ADAMW * max(shape) ** 0.5
                for matrix, update in zip(matrices, updates, strict=True):
                    matrix.mul_(1 - group["lr"] * group["weight_decay"]).sub_(update.to(matrix.dtype), alpha=size)

    def _with_momentum(self, matrix: Tensor) -> Tensor:
        """A gradient, looking ahead along its running mean (Nesterov)."""
        state = self.state[matrix]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(matrix)
        assert matrix.grad is not None
        mean: Tensor = state["momentum"].lerp_(matrix.grad, 1 - MOMENTUM)
        return matrix.grad.lerp(mean, MOMENTUM)


def orthogonalised(matrices: Tensor) -> Tensor:
    """The nearest (semi-)orthogonal matrices, roughly: (count, rows, columns) to the same."""
    wide = matrices if matrices.shape[1] <= matrices.shape[2] else matrices.mT
    wide = wide / (wide.norm(dim=(1, 2), keepdim=True) + 1e-7)
    a, b, c = NEWTON_SCHULZ
    for _ in range(NEWTON_SCHULZ_STEPS):
        gram = wide @ wide.mT
        wide = a * wide + (b * gram + c * gram @ gram) @ wide
    return wide if matrices.shape[1] <= matrices.shape[2] else wide.mT
