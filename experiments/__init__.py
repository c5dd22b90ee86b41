"""Reproducible experiments on BitSequence."""
