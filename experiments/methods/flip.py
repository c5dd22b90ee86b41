"""Flip what differs: what a reader who is told s would write by hand. It learns nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt
from pydantic import model_validator

from experiments.config import registry
from experiments.config.errors import ConfigError
from experiments.config.registry import OWN, Method
from experiments.config.run import RunConfig
from experiments.config.run_settings import FLIP

if TYPE_CHECKING:
    import torch as th

    from experiments.evaluation.greedy import Bits, Policy
    from experiments.evaluation.looks import Looks


class FlipRun(RunConfig):
    """A run of the control; its budget is not used."""

    @model_validator(mode="after")
    def _is_told(self) -> Self:
        if not self.sees_target or self.withhold_reward:
            raise ConfigError(
                "method 'flip' is told s and asks for no reward: sees_target=True and "
                f"withhold_reward=False, got {self.sees_target} and {self.withhold_reward}"
            )
        return self


def first_that_differs(state: Bits, goal: Bits) -> npt.NDArray[np.int64]:
    """The first bit of each state, (batch, n), that is not its goal's."""
    wrong: npt.NDArray[np.int64] = (state != goal).argmax(axis=1)
    return wrong


class FlipLearner:
    """See :class:`experiments.methods.learner.Learner`, which would bring torch with it."""

    model = None

    def __init__(self, run: FlipRun) -> None:
        self.act: Policy = first_that_differs

    def learn(self, looks: Looks, logs: Path | None = None) -> None:
        """Nothing; it is only looked at."""
        looks.begin()
        looks.end(0, 0, dict)

    def weights(self) -> Mapping[str, th.Tensor]:
        """None."""
        return {}

    @staticmethod
    def load(run: Any, weights: bytes, n: int, device: str) -> Policy:
        """The same policy."""
        return first_that_differs


registry.register(
    Method(
        name="flip",
        title="flip what differs",
        settings=FlipRun,
        module="experiments.methods.flip:FlipLearner",
        network=OWN,
        env=FLIP,
        because="as nothing that is written can be flipped",
    )
)
