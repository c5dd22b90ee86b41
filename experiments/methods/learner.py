"""What every method's learner is asked, whatever it is made of."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import safetensors.torch
import torch as th
from safetensors import SafetensorError
from torch import nn

from experiments.config import registry
from experiments.config.errors import ConfigError
from experiments.config.run import RunConfig
from experiments.evaluation.greedy import Policy
from experiments.evaluation.looks import Looks
from experiments.methods import wrappers
from experiments.methods.first_success import Episode
from experiments.records.files import ResultError


class Learner(abc.ABC):
    """A method at work on one run.

    Args:
        run: Of the method's settings.
    """

    model: Any = None
    """The library's own object, where there is one: SB3's algorithm, say."""
    defaults: ClassVar[Mapping[str, Any]] = {}
    """For a method from outside: its own arguments (``--algorithm-kwargs``) and their values."""

    def __init__(self, run: Any) -> None:
        self.run = run
        self.env: Any = self.make_env()

    def make_env(self) -> Any:
        """The training environment; controls, r-1 and ``sees_target`` are wrappers around it."""
        return wrappers.learner_env(self.run)

    def reward_queries(self) -> int | None:
        """Strings whose reward it was told so far; None where bits are flipped."""
        return wrappers.reward_queries(self.env)

    def adopt(self, weights: bytes) -> None:
        """Begin with the weights that another run of the method kept.

        Raises:
            ConfigError: If the method cannot.
            ResultError: If they do not fit.
        """
        raise ConfigError(f"method {self.run.method!r} cannot go on from the weights of a run")

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


def learner_of(run: RunConfig, weights: bytes | None = None) -> Learner:
    """A fresh learner of a run, which begins with its parent's weights if it has one.

    Raises:
        ConfigError: If there is a parent and no weights, or the other way round.
    """
    if (weights is None) != (run.parent == ""):
        raise ConfigError(f"parent={run.parent!r} goes with the weights of that run")
    learner: Learner = _kind(run)(run)
    if weights is not None:
        learner.adopt(weights)
    return learner


def load_policy(
    run: RunConfig, weights: bytes, n: int, device: str, *, trust: bool = False
) -> Policy:
    """How a run's kept weights act greedily at n bits; see :meth:`Learner.load`.

    Args:
        run: The run.
        weights: What it kept.
        n: Bits.
        device: Where to.
        trust: Whether code from outside the project that the run names may be imported.

    Raises:
        ResultError: If there is such code and no trust, or the weights do not fit.
    """
    if run.outside and not trust:
        raise ResultError(
            f"{run.run_id} needs {', '.join(run.outside)}, which is not this project's and can do "
            "anything; --trust imports it"
        )
    policy: Policy = _kind(run).load(run, weights, n, device)
    return policy


def _kind(run: RunConfig) -> Any:
    """The class of a run's learner."""
    found = registry.load(registry.method_of(dict(run)).module)
    return found if isinstance(found, type) else found(run)


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
    with th.device("meta"):
        bare = make()
    fitting(bare, weights, of)
    network: nn.Module = make()
    network.load_state_dict(fitting(network, weights, of))
    return network


def fitting(network: nn.Module, weights: bytes, of: str) -> dict[str, th.Tensor]:
    """The tensors of a safetensors file, which are those of a network.

    Raises:
        ResultError: If they are not.
    """
    try:
        found = safetensors.torch.load(weights)
    except (RuntimeError, SafetensorError) as error:
        raise ResultError(f"the weights of {of} do not fit its network: {error}") from error
    wanted = {name: value.shape for name, value in network.state_dict().items()}
    if differing := sorted(wanted.items() ^ {n: v.shape for n, v in found.items()}.items()):
        name, shape = differing[0]
        raise ResultError(f"the weights of {of} do not fit its network: {name} {[*shape]}")
    return found


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
