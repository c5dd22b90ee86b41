"""What every method's learner is asked, whatever it is made of."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import safetensors.torch
import torch as th
from safetensors import SafetensorError
from torch import nn

from experiments.config import registry
from experiments.config.errors import ConfigError
from experiments.config.run import RunConfig
from experiments.evaluation.greedy import Policy
from experiments.evaluation.looks import Looks
from experiments.methods.first_success import Episode
from experiments.records.files import ResultError


class Learner(abc.ABC):
    """A method at work on one run.

    Args:
        run: Of the method's settings.
    """

    model: Any = None
    """The library's own object, where there is one: SB3's algorithm, say."""

    @abc.abstractmethod
    def __init__(self, run: Any) -> None: ...

    def given(self, episode: Episode) -> None:
        """Begin with an episode that reached the target; only some methods' runs ask for it."""
        raise NotImplementedError(f"{type(self).__name__} begins with nothing")

    @abc.abstractmethod
    def learn(self, looks: Looks, logs: Path | None = None) -> None:
        """Learn until the budget is used, or ``looks.step`` says that it is enough.

        Args:
            looks: Told of every step, and of the beginning and the end.
            logs: A folder for curves of one's own; nothing is logged without it.
        """

    @property
    @abc.abstractmethod
    def act(self) -> Policy:
        """How the learner acts greedily now."""

    @abc.abstractmethod
    def weights(self) -> Mapping[str, th.Tensor]:
        """What is kept of it: enough for :meth:`load`."""

    @staticmethod
    @abc.abstractmethod
    def load(run: Any, weights: bytes, n: int, device: str) -> Policy:
        """How a run's kept weights act greedily at n bits.

        Raises:
            ResultError: If they do not fit the run.
        """


def learner_of(run: RunConfig) -> Learner:
    """A fresh learner of a run."""
    learner: Learner = registry.load(registry.method(run.method).module)(run)
    return learner


def load_policy(run: RunConfig, weights: bytes, n: int, device: str) -> Policy:
    """How a run's kept weights act greedily at n bits; see :meth:`Learner.load`."""
    policy: Policy = registry.load(registry.method(run.method).module).load(run, weights, n, device)
    return policy


def fitted(make: Any, weights: bytes, of: str) -> nn.Module:
    """A network with the weights of a safetensors file, without pickle.

    Args:
        make: Makes the network. It is called without memory first, so that a configuration from
            outside does not have gigabytes allocated for a file that has bytes.
        weights: The file's content.
        of: The run's name, for an error.

    Raises:
        ResultError: If the weights do not fit the network.
    """
    try:
        found = safetensors.torch.load(weights)
        with th.device("meta"):
            wanted = {name: value.shape for name, value in make().state_dict().items()}
        if differing := sorted(wanted.items() ^ {n: v.shape for n, v in found.items()}.items()):
            name, shape = differing[0]
            raise ResultError(f"the weights of {of} do not fit its network: {name} {[*shape]}")
        network: nn.Module = make()
        network.load_state_dict(found)
    except (RuntimeError, SafetensorError) as error:
        raise ResultError(f"the weights of {of} do not fit its network: {error}") from error
    return network


def resolve_device(name: str) -> Literal["cpu", "cuda"]:
    """``auto`` is CUDA where there is one.

    Raises:
        ConfigError: If the name is unknown, or CUDA is asked for where there is none.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise ConfigError(f"device must be one of 'auto', 'cpu', 'cuda', got {name!r}")
    available = th.cuda.is_available()
    if name == "cuda" and not available:
        raise ConfigError(
            "device 'cuda' was asked for, but torch finds none here; allowed are 'cpu' and 'auto'"
        )
    return "cuda" if available and name != "cpu" else "cpu"
