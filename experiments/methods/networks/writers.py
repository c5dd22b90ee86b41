"""Policies that write a string from left to right: logits of the next word, given those before.

They begin uniform, as their last layer is zero.
"""

from __future__ import annotations

import abc
from collections.abc import Sequence
from typing import Any, cast

import torch as th
from torch import nn
from torch.nn import functional

_TOKEN, _HEADS = 64, 4
_FAINT, _SHARP, _LOUD = 0.25, 2.0, 4.0
"""Of a transformer's first weights: words beside places, queries and keys, logits."""
_AWAKE = 32
"""Units of a first layer that sees a goal which are awake at a place; at most half of them."""


class Writer(nn.Module, abc.ABC):
    """What a learner asks of a policy over the words of n bits.

    Args:
        n: Bits.
        word_size: Bits in a word; there are n / word_size steps.
        hidden: Widths of the hidden layers.
        sees_target: False hides the goal; ``goals`` is None then.
    """

    def __init__(self, n: int, word_size: int, hidden: Sequence[int], sees_target: bool) -> None:
        super().__init__()
        self.n, self.word_size, self.sees_target = n, word_size, sees_target
        self.steps, self.words = n // word_size, 2**word_size

    @abc.abstractmethod
    def forward(self, strings: th.Tensor, goals: th.Tensor | None) -> th.Tensor:
        """Twice (batch, n) bits -> (batch, steps, words) logits of each word after those before.

        Bits that are not written yet may be anything, as no logit depends on what follows.
        """

    @abc.abstractmethod
    def begin(self, count: int, goals: th.Tensor | None) -> tuple[th.Tensor, Any]:
        """Logits of the first word of each of count strings, (count, words), and a memory."""

    @abc.abstractmethod
    def go_on(self, memory: Any, step: int, word: th.Tensor) -> tuple[th.Tensor, Any]:
        """Logits after (count,) words were written at a step, and the memory of that."""


class MlpWriter(Writer):
    """A multilayer perceptron of ReLU layers over goal and prefix; weights belong to one n.

    Inputs are -1 and +1, 0 where nothing is written yet, and which word is next. What the first
    layer makes of a prefix is a sum over its bits, so that all prefixes of a string cost it no
    more than the string.

    What is told apart from the beginning is what is to be. Where goals are shown, prefixes say
    nothing yet, and of a wide first layer few units are awake at a place, so that places hardly
    disturb each other. Where no goal is shown, prefixes are told apart. With PyTorch's own first
    weights both take far more strings.
    """

    def __init__(self, n: int, word_size: int, hidden: Sequence[int], sees_target: bool) -> None:
        super().__init__(n, word_size, hidden, sees_target)
        first, *further = hidden
        self.written = nn.Parameter(th.zeros(self.steps, word_size, first))
        if not sees_target:
            nn.init.uniform_(self.written, -3 * n**-0.5, 3 * n**-0.5)
        awake = min(max(_AWAKE / first, 1 / 8), 1 / 2)
        low, high = (2 - 2 / awake, 2.0) if sees_target else (-1.0, 1.0)
        self.place = nn.Parameter(th.empty(self.steps, first).uniform_(low, high))
        self.goal = nn.Linear(n, first, bias=False) if sees_target else None
        layers: list[nn.Module] = [nn.ReLU()]
        for below, above in zip(hidden, further, strict=False):
            layers += [nn.Linear(below, above), nn.ReLU()]
        self.body = nn.Sequential(*layers)
        self.head = _zero(nn.Linear(hidden[-1], self.words))

    def forward(self, strings: th.Tensor, goals: th.Tensor | None) -> th.Tensor:
        """As for any writer."""
        bits = _signs(strings[:, : self.n - self.word_size])
        bits = bits.view(len(strings), self.steps - 1, self.word_size)
        if self.word_size == 1:
            each = bits * self.written[:-1, 0]
        else:
            each = th.einsum("bsw,swh->bsh", bits, self.written[:-1])
        before = functional.pad(each.cumsum(1), (0, 0, 1, 0))
        return cast(th.Tensor, self.head(self.body(before + self._goal(goals, 1) + self.place)))

    def begin(self, count: int, goals: th.Tensor | None) -> tuple[th.Tensor, th.Tensor]:
        """The memory is what the first layer made of goal and prefix, (count, width)."""
        memory = self.place.new_zeros(count, self.place.shape[1]) + self._goal(goals, 0)
        return self._logits(memory, 0), memory

    def go_on(self, memory: Any, step: int, word: th.Tensor) -> tuple[th.Tensor, th.Tensor]:
        """As for any writer."""
        memory = memory + _signs(bits_of(word, self.word_size)) @ self.written[step]
        return self._logits(memory, step + 1), memory

    def _goal(self, goals: th.Tensor | None, further: int) -> th.Tensor | float:
        if self.goal is None or goals is None:
            return 0.0
        made = cast(th.Tensor, self.goal(_signs(goals)))
        return made.unsqueeze(1) if further else made

    def _logits(self, memory: th.Tensor, step: int) -> th.Tensor:
        return cast(th.Tensor, self.head(self.body(memory + self.place[step])))


class TransformerWriter(Writer):
    """A small causal transformer, the words of the goal before those that are written.

    A word of the goal and the word that is written at the same place share a position, and the
    first layer's queries and keys begin alike, so that attention finds the one from the other.
    Tokens are 64 wide, with four heads; ``hidden`` has the width of each layer's perceptron. Layers
    are normed before (Xiong et al., 2020).
    """

    def __init__(self, n: int, word_size: int, hidden: Sequence[int], sees_target: bool) -> None:
        super().__init__(n, word_size, hidden, sees_target)
        width = _TOKEN
        # The last is that of a string that is not begun.
        self.word = nn.Embedding(self.words + 1, width)
        self.goal_word = nn.Embedding(self.words, width) if sees_target else None
        self.place = nn.Embedding(self.steps, width)
        self.blocks = nn.ModuleList(_Block(width, above) for above in hidden)
        self.norm = nn.LayerNorm(width)
        self.head = _zero(nn.Linear(width, self.words))
        self._look_up_places()

    @th.no_grad()
    def _look_up_places(self) -> None:
        for words in (self.word, self.goal_word):
            if words is not None:
                words.weight.mul_(_FAINT)
        mix = cast(_Block, self.blocks[0]).mix
        query, key, _ = mix.weight.chunk(3)
        query.mul_(_SHARP)
        key.copy_(query)
        nn.init.zeros_(mix.bias)

    def forward(self, strings: th.Tensor, goals: th.Tensor | None) -> th.Tensor:
        """As for any writer."""
        written = as_words(strings[:, : self.n - self.word_size], self.word_size)
        before = functional.pad(written, (1, 0), value=self.words)
        tokens = self.word(before) + self.place.weight
        shown = self._shown(goals)
        if shown is not None:
            tokens = th.cat((shown, tokens), dim=1)
        for block in self.blocks:
            tokens, _ = block(tokens, None)
        return self._logits(tokens[:, -self.steps :])

    def begin(self, count: int, goals: th.Tensor | None) -> tuple[th.Tensor, list[Any]]:
        """The memory is each layer's keys and values."""
        start = self.word.weight[self.words].expand(count, 1, -1) + self.place.weight[0]
        shown = self._shown(goals)
        tokens = start if shown is None else th.cat((shown, start), dim=1)
        return self._next(tokens, [None] * len(self.blocks))

    def go_on(self, memory: Any, step: int, word: th.Tensor) -> tuple[th.Tensor, list[Any]]:
        """As for any writer."""
        return self._next((self.word(word) + self.place.weight[step + 1]).unsqueeze(1), memory)

    def _shown(self, goals: th.Tensor | None) -> th.Tensor | None:
        if self.goal_word is None or goals is None:
            return None
        words = self.goal_word(as_words(goals, self.word_size))
        return cast(th.Tensor, words + self.place.weight)

    def _next(self, tokens: th.Tensor, memory: list[Any]) -> tuple[th.Tensor, list[Any]]:
        kept = []
        for block, past in zip(self.blocks, memory, strict=True):
            tokens, now = block(tokens, past)
            kept.append(now)
        return self._logits(tokens[:, -1]), kept

    def _logits(self, tokens: th.Tensor) -> th.Tensor:
        return cast(th.Tensor, _LOUD * self.head(self.norm(tokens)))


class _Block(nn.Module):
    """Attention and a perceptron, each added to what it was given."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.mix = nn.Linear(width, 3 * width)
        self.join = nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, tokens: th.Tensor, past: Any) -> tuple[th.Tensor, Any]:
        """(batch, tokens, width), after a past of keys and values, and those with these."""
        batch, count, width = tokens.shape
        mixed = self.mix(self.norms[0](tokens)).view(batch, count, 3, _HEADS, -1)
        query, key, value = mixed.permute(2, 0, 3, 1, 4)
        if past is not None:
            key, value = th.cat((past[0], key), dim=2), th.cat((past[1], value), dim=2)
        seen = functional.scaled_dot_product_attention(query, key, value, is_causal=count > 1)
        tokens = tokens + self.join(seen.transpose(1, 2).reshape(batch, count, width))
        return tokens + self.down(functional.gelu(self.up(self.norms[1](tokens)))), (key, value)


def as_words(bits: th.Tensor, word_size: int) -> th.Tensor:
    """The words of (batch, n) bits, the most significant bit first: (batch, n / word_size)."""
    parts = bits.to(th.int64).view(len(bits), -1, word_size)
    places = th.arange(word_size - 1, -1, -1, device=bits.device)
    return (parts << places).sum(2)


def bits_of(words: th.Tensor, word_size: int) -> th.Tensor:
    """The bits of words, the most significant first: (..., ) -> (..., word_size)."""
    places = th.arange(word_size - 1, -1, -1, device=words.device)
    return (words.unsqueeze(-1) >> places) & 1


def _signs(bits: th.Tensor) -> th.Tensor:
    return bits.to(th.float32).mul_(2).sub_(1)


def _zero(layer: nn.Linear) -> nn.Linear:
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
