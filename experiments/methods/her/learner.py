"""DQN with a replay buffer that has hindsight."""

from __future__ import annotations

from typing import Any

from stable_baselines3 import HerReplayBuffer

from experiments.methods.dqn.learner import DeepQLearner
from experiments.methods.her import HerRun
from experiments.methods.her.replay import HindsightReplayBuffer


class HerLearner(DeepQLearner):
    """The same learner with hindsight: ours, or SB3's own where the run is a stock one."""

    run: HerRun

    def replay(self) -> dict[str, Any]:
        """The replay buffer's class and arguments, as SB3 takes them."""
        run = self.run
        if run.implementation == "stock":
            return {
                "replay_buffer_class": HerReplayBuffer,
                "replay_buffer_kwargs": {
                    "n_sampled_goal": round(run.sampled_goals),
                    "goal_selection_strategy": run.goal_strategy,
                },
            }
        own = {
            "relabel_share": run.relabel_share,
            "relabel_done": run.relabel_done,
            "goal_selection_strategy": run.goal_strategy,
        }
        return {
            "replay_buffer_class": HindsightReplayBuffer,
            "replay_buffer_kwargs": self.stored() | own,
        }
