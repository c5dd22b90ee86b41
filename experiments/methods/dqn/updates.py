"""One gradient update: of flat weights, and on a GPU as one recorded CUDA graph.

The weights of a network are views of one flat tensor, so that clipping, Adam and the target's
running average are each one operation instead of one for every layer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple, cast

import torch as th
from torch import nn

from experiments.methods.dqn.replay import Drawn
from experiments.methods.networks.base import BitPolicy, BitQNetwork, Observation


class Minibatch(NamedTuple):
    """The tensors that an update reads: no dictionary, and no bit twice."""

    state: th.Tensor
    """(batch, n) int8."""
    following: th.Tensor
    """(batch, n) int8 next states."""
    goal: th.Tensor
    """(batch, n) int8."""
    actions: th.Tensor
    """(batch, 1) int64."""
    rewards: th.Tensor
    """(batch, 1) float32."""
    dones: th.Tensor
    """(batch, 1) float32, 1 where no value follows."""
    weights: th.Tensor | None = None
    """(batch, 1) float32, of each transition's loss; None counts all alike."""

    @classmethod
    def deal(cls, drawn: Drawn, count: int) -> list[Minibatch]:
        """One large draw as ``count`` minibatches.

        Rows are dealt out in turn, so that each minibatch keeps the draw's share of relabelled
        rows, which stand together at its front.
        """
        parts: tuple[th.Tensor, ...] = (
            drawn.observations["observation"],
            drawn.next_observations["observation"],
            drawn.observations["desired_goal"],
            drawn.actions,
            drawn.rewards,
            drawn.dones,
        )
        parts += () if drawn.weights is None else (drawn.weights,)
        return [cls(*(part[first::count] for part in parts)) for first in range(count)]

    def each(self, change: Callable[[th.Tensor], th.Tensor]) -> Minibatch:
        """The same with another tensor for each."""
        changed: Any = (None if part is None else change(part) for part in self)
        return Minibatch(*changed)

    @staticmethod
    def collect(dealt: list[th.Tensor]) -> th.Tensor:
        """What each of the minibatches gave, (batch, 1), in the order of the draw."""
        return th.stack(dealt, dim=1).reshape(-1, 1)


class Update:
    """A step of Adam down the Huber loss to the one-step target, as in SB3's DQN.

    The target network follows each step: a running average with weight ``tau``.

    Args:
        policy: Its optimizer is replaced by the same over the flat weights.
        gamma: Discount.
        tau: Share of the online network in the target network, at each update.
        max_grad_norm: Gradients are clipped to this norm.
    """

    def __init__(self, policy: BitPolicy, gamma: float, tau: float, max_grad_norm: float) -> None:
        self.q_net = cast(BitQNetwork, policy.q_net)
        self.q_net_target = cast(BitQNetwork, policy.q_net_target)
        self.gamma, self.tau, self.max_grad_norm = gamma, tau, max_grad_norm
        self.target_weights = flatten(self.q_net_target)
        self.weights = nn.Parameter(flatten(self.q_net))
        self.weights.grad = self.gradient = th.zeros_like(self.weights)
        (group,) = policy.optimizer.param_groups
        settings: dict[str, Any] = {"lr": group["lr"], **policy.optimizer_kwargs}
        if self.weights.device.type == "cuda":
            settings["capturable"] = True  # its counter lives on the GPU, to be recorded
        self.optimizer = policy.optimizer = policy.optimizer_class([self.weights], **settings)
        self.loss = th.zeros((), device=self.weights.device)
        """Sum over the updates since it was last set to zero: to be read once in many."""

    def __call__(self, data: Minibatch) -> th.Tensor:
        """One update, without waiting for the device; the (batch, 1) errors are from before it."""
        before: Observation = {"observation": data.state, "desired_goal": data.goal}
        after: Observation = {"observation": data.following, "desired_goal": data.goal}
        with th.no_grad():
            wanted = self.q_net_target.best(after)
            wanted = wanted.mul_(1 - data.dones).mul_(self.gamma).add_(data.rewards)
        loss, gradients, errors = self.q_net.loss_and_gradients(
            before, data.actions, wanted, data.weights
        )
        with th.no_grad():
            th.cat([gradient.reshape(-1) for gradient in gradients], out=self.gradient)
            # Without a branch on the norm, which would have to wait for it.
            norm = th.linalg.vector_norm(self.gradient)
            self.gradient.mul_(self.max_grad_norm / norm.clamp_(min=self.max_grad_norm))
            self.optimizer.step()
            self.target_weights.lerp_(self.weights, self.tau)
            self.loss += loss
        return errors


class CapturedUpdate:
    """The same update as a CUDA graph: one launch instead of some thirty.

    What it records are addresses: a network or an optimizer that gets other tensors needs another
    recording, and so does another learning rate.

    Args:
        update: On a GPU.
    """

    WARM_UP = 3
    """Real updates before the recording, so that every library is set up."""

    def __init__(self, update: Update) -> None:
        self.update = update
        self._graphs: dict[int, th.cuda.CUDAGraph] = {}
        self._inputs: dict[int, Minibatch] = {}
        self._errors: dict[int, th.Tensor] = {}
        self._calls: Counter[int] = Counter()

    @property
    def recorded(self) -> set[int]:
        """Sizes of minibatches whose updates are recorded."""
        return set(self._graphs)

    def __call__(self, data: Minibatch) -> th.Tensor:
        """One update; the first few with a new size of minibatch are not recorded ones.

        The errors of a recorded one are good until the next.
        """
        size = len(data.rewards)
        if size not in self._inputs:
            self._inputs[size] = data.each(th.Tensor.clone)
        inputs = self._inputs[size]
        for mine, new in zip(inputs, data, strict=True):
            if mine is not None and new is not None:
                mine.copy_(new)
        if size not in self._graphs:
            self._calls[size] += 1
            if self._calls[size] <= self.WARM_UP:
                return self._aside(inputs)
            graph = th.cuda.CUDAGraph()
            with th.cuda.graph(graph):  # records, and runs nothing
                self._errors[size] = self.update(inputs)
            self._graphs[size] = graph
        self._graphs[size].replay()
        return self._errors[size]

    def _aside(self, inputs: Minibatch) -> th.Tensor:
        """One update on another stream, as a recording needs it before."""
        stream = th.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(th.cuda.current_stream())
        with th.cuda.stream(stream):
            errors = self.update(inputs)
        th.cuda.current_stream().wait_stream(stream)
        return errors


def flatten(net: nn.Module) -> th.Tensor:
    """Turn a network's weights into views of one flat tensor, which is returned."""
    flat = th.cat([weight.detach().reshape(-1) for weight in net.parameters()])
    end = 0
    for weight in net.parameters():
        begin, end = end, end + weight.numel()
        weight.data = flat[begin:end].view_as(weight)
    return flat
