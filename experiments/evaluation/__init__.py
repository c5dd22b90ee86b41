"""How an agent is judged: greedy episodes, when they are played, and what chance alone gives."""
