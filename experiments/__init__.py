"""Reproducible experiments on BitSequence.

The commands (``train``, ``compare``, ``evaluate``, ``plot``, ``benchmark``) and what a run and its
files are lie here. ``sweeps`` does many runs on many processes or machines, ``figures`` draws
tables, ``benchmarks`` measures speed; what a run comes to depends on none of them.
"""
