"""Other people's training loops, recorded: the same looks, the same row, no edit of the loop."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
import torch as th

from bitseq_env.env import BitSequenceEnv
from bitseq_env.vector import BitSequenceVectorEnv
from experiments.config.errors import ConfigError
from experiments.config.run import RunConfig
from experiments.evaluation.greedy import Bits, Policy
from experiments.evaluation.looks import Looks
from experiments.records import files, merging, run_folders
from experiments.records.files import ResultError
from experiments.records.provenance import describe
from experiments.sweeps.training import finished

_OF_THE_ENVIRONMENT = (
    *("n", "goal_mode", "start", "reward_type", "max_steps", "continuing_task"),
    "target_seed",
)
Weights = Callable[[], Mapping[str, th.Tensor]]


class Recorder:
    """An environment around which any training loop leaves a run folder and a row.

    It looks at the policy as at every other run's: greedy episodes in environments of its own, when
    they are due, and a fresh look where the budget ends. There the run is written; what the loop
    does after it is not counted. A loop that ends before leaves nothing, and says so.

    Args:
        env: BitSequence-v0, one or many copies, with ``target`` or ``target_seed``; wrappers that
            a learner needs may be around it or around the Recorder.
        act: From (batch, n) int8 states and goals to (batch,) greedy actions, as the learner is
            now.
        out: Results folder.
        method: The loop's name in tables: small letters, digits and _.
        settings: Settings of the run by their names (``budget_env_steps``, ``seed``,
            ``sees_target``, ``learner_reward``, ``hidden``, ...), and whatever else the loop's
            author wants to be part of its name.
        weights: Gives the tensors to keep.
        loader: ``package.module:function`` from those tensors to such a policy, for ``evaluate``.
        force: Record again what is finished.

    Raises:
        ConfigError: If the environment is another one, its target is not known beforehand, or a
            setting has a value that no run can have.
        ResultError: If the run is finished already.
    """

    record: _Record

    def __new__(cls, env: Any, *_: Any, **__: Any) -> Recorder:
        """One for many copies where there are many."""
        if cls is Recorder:
            cls = _RecordedCopies if isinstance(env, gym.vector.VectorEnv) else _RecordedEnv
        return object.__new__(cls)

    def __init__(
        self,
        env: Any,
        act: Policy,
        *,
        out: Path | str,
        method: str,
        settings: Mapping[str, Any] | None = None,
        weights: Weights | None = None,
        loader: str = "",
        force: bool = False,
    ) -> None:
        super().__init__(env)  # type: ignore[call-arg]
        run = recorded_run(env, method, {**(settings or {}), "loader": loader})
        self.record = _Record(run, act, Path(out), weights, force)

    @property
    def updates(self) -> int | None:
        """Gradient updates so far, if the loop keeps this number up to date."""
        return self.record.updates

    @updates.setter
    def updates(self, number: int) -> None:
        self.record.updates = number

    def reset(self, **kwargs: Any) -> Any:
        """As the environment's."""
        self.record.begin()
        return super().reset(**kwargs)  # type: ignore[misc]

    def close(self, **kwargs: Any) -> None:
        """As the environment's, and a warning if the run is not finished."""
        self.record.close()
        super().close(**kwargs)  # type: ignore[misc]


class _RecordedEnv(Recorder, gym.Wrapper):
    def step(self, action: Any) -> Any:
        """As the environment's."""
        told = self.env.step(action)
        _, _, terminated, truncated, info = told
        ended = int(terminated or truncated)
        self.record.step(1, ended, ended * int(info["is_success"]))
        return told


class _RecordedCopies(Recorder, gym.vector.VectorWrapper):
    def __init__(self, env: gym.vector.VectorEnv, *args: Any, **kwargs: Any) -> None:
        super().__init__(env, *args, **kwargs)
        mode = env.metadata.get("autoreset_mode")
        self._next_step = mode == gym.vector.AutoresetMode.NEXT_STEP
        self._resetting = np.zeros(env.num_envs, dtype=np.bool_)
        """Copies whose next step only begins another episode."""

    def reset(self, **kwargs: Any) -> Any:
        """As the environment's."""
        self._resetting[:] = False
        return super().reset(**kwargs)

    def step(self, actions: Any) -> Any:
        """As the environment's."""
        told = self.env.step(actions)
        _, _, terminated, truncated, info = told
        ended = (terminated | truncated) & ~self._resetting
        last = info.get("final_info", info)
        reached = int((ended & np.asarray(last["is_success"], dtype=np.bool_)).sum())
        stepped = int((~self._resetting).sum())
        self._resetting = ended & self._next_step
        self.record.step(stepped, int(ended.sum()), reached)
        return told


class _Record:
    """The run behind a Recorder, from its first step to its folder."""

    def __init__(
        self, run: RunConfig, act: Policy, out: Path, weights: Weights | None, force: bool
    ) -> None:
        self.run, self.act, self.out, self.weights = run, act, out, weights
        self.updates: int | None = None
        self.env_steps = 0
        self.looks = Looks(run, self._checked)
        self.described = describe(run.device)
        self.began: float | None = None
        self.written: Path | None = None
        if out.is_dir():
            merging.check_tables(out)
            if not force and run.run_id in run_folders.scan(out)[0]:
                raise ResultError(f"{run.run_id} is finished; force=True records it again")

    def begin(self) -> None:
        """The loop begins, at its first reset."""
        if self.began is None:
            self.began = time.perf_counter()
            self.looks.begin()

    def step(self, steps: int, ended: int, rewarded: int) -> None:
        """The loop made some steps."""
        if self.written is not None:
            return
        self.env_steps += steps
        self.looks.step(self.env_steps, self.updates, ended, rewarded, dict)
        if self.env_steps >= self.run.budget_env_steps:
            self.looks.end(self.env_steps, self.updates, dict)
            self._write()

    def close(self) -> None:
        """The loop ends."""
        if self.written is None:
            warnings.warn(
                f"{self.run.run_id} is unfinished, and no row: it made {self.env_steps:,} of the "
                f"{self.run.budget_env_steps:,} steps of its budget (settings={{"
                "'budget_env_steps': ...})",
                stacklevel=3,
            )

    def _write(self) -> None:
        weights = {} if self.weights is None else self.weights()
        seconds = time.perf_counter() - (self.began or 0.0)
        done = finished(self.looks, weights, self.described, seconds)
        done.provenance.update(command=None, attempts=1)
        with files.locked(self.out) as out:
            self.written = run_folders.write_run(out, done)
            merging.merge(out, run_folders.scan(out)[0])

    def _checked(self, states: Bits, goals: Bits) -> npt.NDArray[np.int64]:
        """The loop's own policy, its answer checked.

        Raises:
            ConfigError: If it is no action for each state.
        """
        answer: Any = self.act(states, goals)
        actions = np.asarray(answer.cpu() if isinstance(answer, th.Tensor) else answer)
        if actions.shape != (len(states),) or actions.dtype.kind not in "iu":
            raise ConfigError(
                f"act must give whole numbers of shape ({len(states)},), one for each state, got "
                f"{actions.dtype} of shape {actions.shape}"
            )
        return actions.astype(np.int64)


def recorded_run(env: Any, method: str, settings: Mapping[str, Any]) -> RunConfig:
    """The run of a loop over an environment; arguments as for :class:`Recorder`.

    Raises:
        ConfigError: As there.
    """
    asked = [_ask(env, name) for name in _OF_THE_ENVIRONMENT]
    of_env: dict[str, Any] = dict(zip(_OF_THE_ENVIRONMENT, asked, strict=True))
    target_seed = of_env.pop("target_seed")
    copies = env.num_envs if isinstance(env, gym.vector.VectorEnv) else 1
    known = {name: value for name, value in settings.items() if name in _settings()}
    if taken := sorted({*known} & {*of_env, "n_envs", "target"}):
        raise ConfigError(f"settings may not have {taken[0]!r}, which is the environment's")
    rest = {name: value for name, value in settings.items() if name not in known}
    run = {"seed": 0 if target_seed is None else target_seed, **of_env, **known}
    if of_env["goal_mode"] == "fixed" and run["seed"] != target_seed:
        run["target"] = "".join(str(int(bit)) for bit in _ask(env, "target"))
    limit = getattr(env.spec, "max_episode_steps", None)
    run["max_steps"] = min(run["max_steps"], limit or run["max_steps"])
    return RunConfig.of(
        **run, method=method, recorded=True, n_envs=copies, loop_settings=rest, network="own"
    )


def _settings() -> set[str]:
    from experiments.methods.recorded import RecordedRun

    return set(RecordedRun.model_fields) - {"method", "network", "recorded", "loop_settings"}


def _ask(env: Any, name: str) -> Any:
    """An attribute of the environment itself, the same in all copies.

    Raises:
        ConfigError: If it is another environment, or copies differ.
    """
    inner = env.unwrapped
    if isinstance(inner, BitSequenceEnv | BitSequenceVectorEnv):
        values = [_attribute(inner, name)]
    elif isinstance(inner, gym.vector.SyncVectorEnv):
        values = [_ask(copy, name) for copy in inner.envs]
    elif isinstance(inner, gym.vector.AsyncVectorEnv):
        values = list(inner.get_attr(name))
    else:
        raise ConfigError(f"Recorder is for BitSequence-v0, one or many copies, got {inner}")
    if any(np.any(value != values[0]) for value in values):
        raise ConfigError(
            f"the copies must have one {name}, got {values[:3]!r:.100}; pass target or target_seed"
        )
    return values[0]


def _attribute(inner: Any, name: str) -> Any:
    try:
        return getattr(inner, name)
    except AttributeError as error:
        raise ConfigError(
            "the environment's target must be known before it is trained on: make it with target "
            "or target_seed"
        ) from error
