"""How it is learned: one entry a method, one a network."""
