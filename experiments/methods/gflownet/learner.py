"""A GFlowNet at work: strings are sampled in the environment, and each batch is learned from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch as th
from torch import nn

from bitseq_env.rules import OPEN
from experiments.config import registry
from experiments.config.streams import Stream, derived_seed, generator
from experiments.evaluation.greedy import Bits, Policy
from experiments.evaluation.looks import Looks
from experiments.methods.first_success import Episode
from experiments.methods.gflownet import GFlowNetRun
from experiments.methods.gflownet.exact import (
    log_chance_right,
    log_chances,
    trajectory_balance,
)
from experiments.methods.gflownet.memory import Kept, Latest
from experiments.methods.learner import Learner, fitted, fitting
from experiments.methods.networks.writers import Writer, bits_of

_BETAS = (0.9, 0.9)
"""Adam's. As chances come close to 1, gradients fall faster than larger ones are forgotten with
0.999, and then little moves."""


class Flow(nn.Module):
    """All that is learned: the policy, and log Z."""

    def __init__(self, run: GFlowNetRun) -> None:
        super().__init__()
        kind: type[Writer] = registry.load(registry.network_of(dict(run)).writer)
        self.writer = kind(run.n, run.word_size, run.hidden, run.sees_target)
        self.log_z = nn.Parameter(th.tensor(run.first_log_z, dtype=th.float64))


@dataclass(frozen=True)
class Written:
    """Strings that are whole: (count, n) bits each, and (count,) rewards."""

    strings: Bits
    goals: Bits | None
    """None where no goal is shown."""
    rewards: npt.NDArray[np.float64]


class WritingPolicy:
    """See :class:`experiments.evaluation.greedy.Writer`."""

    def __init__(self, writer: Writer, free_bits: int) -> None:
        self.writer, self.free_bits = writer, free_bits

    def __call__(self, state: Bits, goal: Bits) -> npt.NDArray[np.int64]:
        """The likeliest next word of each state, (batch,)."""
        likeliest: npt.NDArray[np.int64] = self.log_probs(state, goal).argmax(axis=1)
        return likeliest

    @th.no_grad()
    def log_probs(self, state: Bits, goal: Bits) -> npt.NDArray[np.float64]:
        """Of each next word, (batch, words)."""
        written = (state != OPEN).sum(1) // self.writer.word_size
        logits = self.writer(self._bits(np.where(state == OPEN, 0, state)), self._shown(goal))
        following = logits[th.arange(len(state)), th.as_tensor(written)]
        logs: npt.NDArray[np.float64] = th.log_softmax(following.double(), 1).cpu().numpy()
        return logs

    def chances(self, goal: Bits) -> npt.NDArray[np.float64]:
        """By teacher forcing, free bits summed out."""
        logs = log_chance_right(self.writer, self._bits(goal), self.free_bits, self._shown(goal))
        right: npt.NDArray[np.float64] = logs.exp().cpu().numpy()
        return right

    def _shown(self, goal: Bits) -> th.Tensor | None:
        return self._bits(goal) if self.writer.sees_target else None

    def _bits(self, strings: Bits) -> th.Tensor:
        device = next(self.writer.parameters()).device
        return th.as_tensor(np.asarray(strings, dtype=np.int8), device=device)


class GFlowNetLearner(Learner):
    """Trajectory balance, or the likelihood of relabelled strings in its place."""

    run: GFlowNetRun

    def __init__(self, run: GFlowNetRun) -> None:
        super().__init__(run)
        with th.random.fork_rng(devices=()):
            th.manual_seed(derived_seed(run.seed, Stream.NETWORK))
            self.flow = Flow(run).to(run.device)
        groups: list[dict[str, Any]] = [
            {"params": [*self.flow.writer.parameters()], "lr": run.learning_rate},
            {"params": [self.flow.log_z], "lr": run.log_z_learning_rate},
        ]
        self.optimizer = th.optim.Adam(groups, betas=_BETAS, eps=run.adam_eps, fused=True)
        self.sampler = th.Generator()
        self.sampler.manual_seed(derived_seed(run.seed, Stream.EXPLORATION))
        self.rng = generator(run.seed, Stream.REPLAY)
        self.kept = Kept(self.rng)
        self.latest = Latest(run.n, self.rng)
        self.updates = 0
        self.losses: list[th.Tensor] = []
        """Of the updates since the last look."""

    def learn(self, looks: Looks, logs: Path | None = None) -> None:
        """See :meth:`Learner.learn`."""
        looks.begin()
        observation, _ = self.env.reset(seed=self.run.seed)
        go_on = True
        while go_on:
            written, observation, go_on = self._write(observation, looks)
            if written is not None:
                self._keep(written)
                self._slow_down(looks.env_steps)
                for _ in range(self.run.updates_a_batch):
                    self._update(self._batch(written))
        looks.end(looks.env_steps, self.updates, self._rollout)

    @property
    def act(self) -> Policy:
        """See :class:`WritingPolicy`."""
        return WritingPolicy(self.flow.writer, self.run.free_bits)

    def reward_queries(self) -> int | None:
        """As for any learner; the likelihood asks for none."""
        return 0 if self.run.loss == "likelihood" else super().reward_queries()

    def weights(self) -> Mapping[str, th.Tensor]:
        """Those of the policy, and log Z."""
        return self.flow.state_dict()

    def adopt(self, weights: bytes) -> None:
        """See :meth:`Learner.adopt`."""
        self.flow.load_state_dict(fitting(self.flow, weights, self.run.parent))

    @staticmethod
    def load(run: Any, weights: bytes, n: int, device: str) -> Policy:
        """See :meth:`Learner.load`; weights belong to one n."""
        registry.load(registry.network_of(dict(run)).writer)  # before memory is withheld
        flow: Any = fitted(lambda: Flow(run), weights, run.run_id).to(device)
        return WritingPolicy(flow.writer, run.free_bits)

    def given(self, episode: Episode) -> None:
        """See :meth:`Learner.given`; rewarded replay keeps the string."""
        self.kept.add(episode.states[-1], episode.goal if self.run.sees_target else None)

    @th.no_grad()
    def _write(
        self, observation: dict[str, Bits], looks: Looks
    ) -> tuple[Written | None, dict[str, Bits], bool]:
        """A string in each copy, None if the run ends before; what begins next; if it goes on."""
        run, writer = self.run, self.flow.writer
        goals = observation.get("desired_goal")
        logits, memory = writer.begin(run.n_envs, self._tensor(goals))
        words: list[th.Tensor] = []
        while True:
            words.append(self._drawn(logits))
            observation, rewards, terminated, truncated, info = self.env.step(
                words[-1].cpu().numpy()
            )
            whole = len(words) == run.max_steps
            go_on = looks.step_copies(terminated, truncated, info, self.updates, self._rollout)
            if whole:
                break
            if not go_on:
                return None, observation, False
            logits, memory = writer.go_on(memory, len(words) - 1, words[-1])
        bits = bits_of(th.stack(words, dim=1), run.word_size).flatten(1)
        strings = bits.to(th.int8).cpu().numpy()
        return Written(strings, goals, rewards), observation, go_on

    def _drawn(self, logits: th.Tensor) -> th.Tensor:
        """The next word of each string, (count,), from (count, words) logits."""
        shares = th.softmax(logits.double(), dim=1).cpu()
        if self.run.exploration_eps:
            shares = th.lerp(
                shares, th.full_like(shares, 1 / shares.shape[1]), self.run.exploration_eps
            )
        return th.multinomial(shares, 1, generator=self.sampler).squeeze(1).to(logits.device)

    def _keep(self, written: Written) -> None:
        if self.run.relabel_share:
            self.latest.add(written.strings)
        if self.run.replay_share:
            for place in np.flatnonzero(written.rewards > 0):
                goal = None if written.goals is None else written.goals[place]
                self.kept.add(written.strings[place], goal)

    def _batch(self, written: Written) -> Written:
        """What an update learns from: relabelled, rewarded and fresh strings."""
        relabelled, rewarded = self.run.shares
        parts = []
        if relabelled:
            parts.append(self._relabelled(relabelled))
        if rewarded and self.kept:
            parts.append(Written(*self.kept.sample(rewarded), np.ones(rewarded)))
        if fresh := self.run.batch_size - relabelled - rewarded:
            goals = None if written.goals is None else written.goals[:fresh]
            parts.append(Written(written.strings[:fresh], goals, written.rewards[:fresh]))
        return Written(
            np.concatenate([part.strings for part in parts]),
            None if written.goals is None else np.concatenate([part.goals for part in parts]),
            np.concatenate([part.rewards for part in parts]),
        )

    def _relabelled(self, count: int) -> Written:
        """Strings that were written, each as what its goal had been; bits are free in both."""
        strings = self.latest.sample(count)
        goals = strings.copy()
        free = goals[:, self.run.n - self.run.free_bits :]
        free[:] = self.rng.integers(2, size=free.shape, dtype=np.int8)
        if self.run.loss == "likelihood":  # asks for none
            return Written(strings, goals, np.ones(count))
        return Written(strings, goals, self.env.compute_reward(strings, goals, {}))

    def _slow_down(self, env_steps: int) -> None:
        if self.run.learning_rate_schedule == "linear":
            left = max(0.0, 1 - env_steps / self.run.budget_env_steps)
            self.optimizer.param_groups[0]["lr"] = left * self.run.learning_rate

    def _update(self, batch: Written) -> None:
        strings = th.as_tensor(batch.strings, device=self.run.device)
        chances = log_chances(self.flow.writer, strings, self._tensor(batch.goals))
        if self.run.loss == "likelihood":
            loss = -chances.mean()
        else:
            logs = np.where(batch.rewards > 0, 0.0, self.run.log_epsilon)
            rewards = th.as_tensor(logs, device=self.run.device)
            loss = trajectory_balance(self.flow.log_z, chances, rewards)
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.updates += 1
        self.losses.append(loss.detach())

    def _rollout(self) -> dict[str, float | None]:
        """Columns of a look: the mean loss since the one before."""
        loss = float(th.stack(self.losses).mean()) if self.losses else None
        self.losses.clear()
        return {"loss": loss}

    def _tensor(self, strings: Bits | None) -> th.Tensor | None:
        return None if strings is None else th.as_tensor(strings, device=self.run.device)
