"""Tests of the environment alone: they need nothing of the experiments."""
