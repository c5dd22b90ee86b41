"""What a writer's logits say of whole strings: the loss, and exact probabilities."""

from __future__ import annotations

import torch as th

from experiments.methods.networks.writers import Writer, as_words

_LOGITS = 2**20
"""Logits that are computed together, at most."""


def log_chances(writer: Writer, strings: th.Tensor, goals: th.Tensor | None) -> th.Tensor:
    """Log P of whole strings, (batch,), by teacher forcing.

    Args:
        writer: The policy.
        strings: (batch, n) bits.
        goals: (batch, n) bits, or None where none is shown.
    """
    logs = th.log_softmax(writer(strings, goals).double(), dim=2)
    words = as_words(strings, writer.word_size)
    return logs.gather(2, words.unsqueeze(2)).squeeze(2).sum(1)


def trajectory_balance(
    log_z: th.Tensor, log_chances: th.Tensor, log_rewards: th.Tensor
) -> th.Tensor:
    """The mean squared imbalance (Malkin et al., 2022, eq. 14), where P_B = 1.

    Squared, and no Huber loss: a string that was just found is far from balanced, and has to count.
    """
    return (log_z + log_chances - log_rewards).square().mean()


@th.no_grad()
def log_chance_right(
    writer: Writer, targets: th.Tensor, free_bits: int, goals: th.Tensor | None
) -> th.Tensor:
    """Log P that what is written is right, (batch,) float64: free bits are summed out.

    Args:
        writer: The policy.
        targets: (batch, n) bits.
        free_bits: How many of the last bits do not matter.
        goals: What is shown of the targets: they themselves or None.
    """
    # Bits before the first word that is not counted whole; and those of it that count.
    whole, counted = divmod(writer.n - free_bits, writer.word_size)
    words = as_words(targets, writer.word_size)
    found = []
    rows = max(1, _LOGITS // (writer.steps * writer.words))
    for some in th.split(th.arange(len(targets), device=targets.device), rows):
        shown = None if goals is None else goals[some]
        logs = th.log_softmax(writer(targets[some], shown).double(), dim=2)
        right = words[some].unsqueeze(2)
        total = logs[:, :whole].gather(2, right[:, :whole]).sum((1, 2))
        if counted:
            free = writer.word_size - counted
            every = th.arange(writer.words, device=targets.device)
            agrees = (every >> free) == (right[:, whole] >> free)
            total = total + logs[:, whole].masked_fill(~agrees, -th.inf).logsumexp(1)
        found.append(total)
    return th.cat(found)
