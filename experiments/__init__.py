"""Reproducible experiments on BitSequence.

The commands (``train``, ``compare``, ``evaluate``, ``plot``, ``benchmark``) and what a run and its
files are lie here. ``sweeps`` does many runs on many processes or machines, ``figures`` draws
tables, ``benchmarks`` measures speed: commands use them, and nothing that a run depends on does.
"""
