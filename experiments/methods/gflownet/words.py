"""Words and bits as tensors, and what a policy's logits say of whole strings, exactly."""

from __future__ import annotations

import math

import torch as th


def as_words(bits: th.Tensor, word_size: int) -> th.Tensor:
    """The words of (batch, n) bits, the most significant bit first: (batch, n / word_size)."""
    parts = bits.to(th.int64).view(len(bits), -1, word_size)
    return parts @ (2 ** th.arange(word_size - 1, -1, -1, device=bits.device))


def log_chances(logits: th.Tensor, words: th.Tensor) -> th.Tensor:
    """log P of whole strings, (batch,): (batch, steps, words) logits, (batch, steps) words."""
    logs = th.log_softmax(logits, dim=-1)
    return logs.gather(2, words.unsqueeze(2)).squeeze(2).sum(1)
