"""A run, as data: its settings, the rules that fill them, what they may be, its name.

Nothing here imports torch, so that a sweep is planned in milliseconds.
"""
