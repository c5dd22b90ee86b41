"""How it is learned: one entry a method, one a network.

Each line here registers one. The entries are light; what learns is imported when it is built.
"""

from experiments.methods import dqn, flip, gflownet, her, networks, plugged, recorded

__all__ = ["dqn", "flip", "gflownet", "her", "networks", "plugged", "recorded"]
