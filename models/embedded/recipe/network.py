"""A llama as llama.cpp has it: rotary positions in adjacent pairs, grouped queries, SwiGLU, RMS norms, tied ends."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812  (its usual name)
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of a model."""

    vocabulary: int
    width: int
    layers: int
    heads: int
    key_value_heads: int
    feed_forward: int
    context: int
    rope_base: float = 10_000.0
    norm_epsilon: float = 1e-6

    @property
    def head_width(self) -> int:
        """Values of one head."""
        return self.width // self.heads


class Attention(nn.Module):
    """Causal self-attention."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        key_value_width = shape.key_value_heads * shape.head_width
        self.query = nn.Linear(shape.width, shape.width, bias=False)
        self.key = nn.Linear(shape.width, key_value_width, bias=False)
        self.value = nn.Linear(shape.width, key_value_width, bias=False)
        self.output = nn.Linear(shape.width, shape.width, bias=False)

    def forward(self, hidden: Tensor, rotation: Tensor) -> Tensor:
        """(batch, length, width) to the same."""
        batch, length, width = hidden.shape
        query, key, value = (
            linear(hidden).view(batch, length, -1, self.shape.head_width).transpose(1, 2)
            for linear in (self.query, self.key, self.value)
        )
        query, key = rotate(query, rotation), rotate(key, rotation)
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True, enable_gqa=True)
        mixed = mixed.transpose(1, 2).reshape(batch, length, width)
        result: Tensor = self.output(mixed)
        return result


class FeedForward(nn.Module):
    """SwiGLU."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.gate = nn.Linear(shape.width, shape.feed_forward, bias=False)
        self.up = nn.Linear(shape.width, shape.feed_forward, bias=False)
        self.down = nn.Linear(shape.feed_forward, shape.width, bias=False)

    def forward(self, hidden: Tensor) -> Tensor:
        """(batch, length, width) to the same."""
        result: Tensor = self.down(F.silu(self.gate(hidden)) * self.up(hidden))
        return result


class Layer(nn.Module):
    """Attention and feed-forward, each with its norm before it and added to what came in."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.attention_norm = nn.RMSNorm(shape.width, eps=shape.norm_epsilon)
        self.attention = Attention(shape)
        self.feed_forward_norm = nn.RMSNorm(shape.width, eps=shape.norm_epsilon)
        self.feed_forward = FeedForward(shape)

    def forward(self, hidden: Tensor, rotation: Tensor) -> Tensor:
        """(batch, length, width) to the same."""
        hidden = hidden + self.attention(self.attention_norm(hidden), rotation)
        result: Tensor = hidden + self.feed_forward(self.feed_forward_norm(hidden))
        return result


class Llama(nn.Module):
    """The whole model."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.vocabulary, shape.width)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.norm = nn.RMSNorm(shape.width, eps=shape.norm_epsilon)
        self._initialize()

    def _initialize(self) -> None:
        nn.init.normal_(self.embedding.weight, std=0.02)
        for name, parameter in self.layers.named_parameters():
            if parameter.ndim == 2:
                into_residual = name.endswith(("output.weight", "down.weight"))
                std = parameter.shape[1] ** -0.5 * ((2 * self.shape.layers) ** -0.5 if into_residual else 1.0)
                nn.init.normal_(parameter, std=std)

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits (batch, length, vocabulary) of what follows each of the tokens (batch, length)."""
        hidden = self.embedding(tokens)
        rotation = rotation_of(self.shape, tokens.shape[1], hidden.device)
        for layer in self.layers:
            hidden = layer(hidden, rotation)
        return F.linear(self.norm(hidden), self.embedding.weight)


def rotation_of(shape: Shape, length: int, device: torch.device) -> Tensor:
    """Cosines and sines of every position's angles: (2, length, half a head)."""
    half = torch.arange(0, shape.head_width, 2, device=device, dtype=torch.float32)
    frequencies = shape.rope_base ** (-half / shape.head_width)
    angles = torch.outer(torch.arange(length, device=device, dtype=torch.float32), frequencies)
    return torch.stack([angles.cos(), angles.sin()])


def rotate(heads: Tensor, rotation: Tensor) -> Tensor:
    """Turn each adjacent pair of values by its position's angle."""
    cosine, sine = rotation.to(heads.dtype)
    even, odd = heads[..., 0::2], heads[..., 1::2]
    return torch.stack([even * cosine - odd * sine, even * sine + odd * cosine], dim=-1).flatten(-2)
