"""Errors that commands turn into one line, and that no heavier module has to be imported for."""

from __future__ import annotations


class ClusterError(RuntimeError):
    """Nobody is there to do the work; what is finished is kept."""
