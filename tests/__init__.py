"""Tests of bitseq_env and of the experiments."""
