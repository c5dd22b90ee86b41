"""Reproducible experiments on BitSequence.

The modules here are the commands; the folders say what each of them is for. Settings go one way:
commands, then sweeps, then methods, evaluation and records, then config.
"""

import experiments.methods  # noqa: F401  (fills the registry)
