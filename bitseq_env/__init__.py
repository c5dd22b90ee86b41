"""Learn to produce one exact bit string from a reward that comes only for the whole of it.

Importing this package registers `BitSequence-v0` with Gymnasium:

    >>> import gymnasium as gym
    >>> import bitseq_env
    >>> env = gym.make("BitSequence-v0", n=30, target_seed=0)
    >>> envs = gym.make_vec("BitSequence-v0", num_envs=1024, n=30, target_seed=0)
"""

from gymnasium.envs.registration import register, registry

from bitseq_env.env import BitSequenceEnv
from bitseq_env.vector import BitSequenceVectorEnv

__all__ = ["BitSequenceEnv", "BitSequenceVectorEnv", "__version__"]

__version__ = "0.1.0"

if "BitSequence-v0" not in registry:  # Gymnasium warns of a second registration
    register(
        id="BitSequence-v0",
        entry_point="bitseq_env.env:BitSequenceEnv",
        vector_entry_point="bitseq_env.vector:BitSequenceVectorEnv",
        # The environment itself refuses what these two wrappers would refuse, and it is all of a
        # microsecond a step: they would be a large share of it.
        order_enforce=False,
        disable_env_checker=True,
    )
