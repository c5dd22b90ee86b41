"""Learn to produce one exact bit string from a reward that comes only for the whole of it.

Importing this package registers two environments with Gymnasium. In `BitSequence-v0` the string is
edited, a bit flipped at a time; in `BitSequenceAppend-v0` it is written from left to right:

    >>> import gymnasium as gym
    >>> import bitseq_env
    >>> env = gym.make("BitSequence-v0", n=30, target_seed=0)
    >>> envs = gym.make_vec("BitSequence-v0", num_envs=1024, n=30, target_seed=0)
    >>> writes = gym.make("BitSequenceAppend-v0", n=16, target_seed=0)
"""

from gymnasium.envs.registration import register, registry

from bitseq_env.append_env import BitSequenceAppendEnv
from bitseq_env.append_vector import BitSequenceAppendVectorEnv
from bitseq_env.env import BitSequenceEnv
from bitseq_env.vector import BitSequenceVectorEnv

__all__ = [
    "BitSequenceAppendEnv",
    "BitSequenceAppendVectorEnv",
    "BitSequenceEnv",
    "BitSequenceVectorEnv",
    "__version__",
]

__version__ = "0.1.0"

for _id, _entry_point, _vector_entry_point in (
    ("BitSequence-v0", "env:BitSequenceEnv", "vector:BitSequenceVectorEnv"),
    (
        "BitSequenceAppend-v0",
        "append_env:BitSequenceAppendEnv",
        "append_vector:BitSequenceAppendVectorEnv",
    ),
):
    if _id not in registry:  # Gymnasium warns of a second registration
        register(
            id=_id,
            entry_point=f"bitseq_env.{_entry_point}",
            vector_entry_point=f"bitseq_env.{_vector_entry_point}",
            # The environments themselves refuse what these two wrappers would refuse, and are all
            # of a microsecond a step: they would be a large share of it.
            order_enforce=False,
            disable_env_checker=True,
        )
