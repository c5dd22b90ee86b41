"""Deep Q-learning with plain replay: SB3's DQN, with a training step made for this task."""
