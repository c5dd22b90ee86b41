"""The same DQN with Hindsight Experience Replay (Andrychowicz et al., 2017)."""
