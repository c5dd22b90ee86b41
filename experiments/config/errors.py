"""Errors that commands turn into one line, and that no heavier module has to be imported for."""

from __future__ import annotations


class ConfigError(ValueError):
    """A setting that no run can have; the message names it, its value and what is allowed."""


class ClusterError(RuntimeError):
    """Nobody is there to do the work; what is finished is kept."""
