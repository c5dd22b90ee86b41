"""The schema of the CSV files: their columns, what a cell may hold, and how it is read."""

from __future__ import annotations

import math
import numbers
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import pandas as pd

SCHEMA_VERSION = 3
"""2: new names; 3: new meanings (a run uses its whole budget, and solved has to be held)."""
HELD_FROM = 0.9
"""Share of the looks of the second half that have to be, as a single one is often lucky."""

_EMPTY = {"", "nan", "na", "n/a", "none", "null", "<na>"}
_FLAGS = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class Column:
    """One column: what its cells hold, and whether they may be empty (or the column absent)."""

    name: str
    kind: Literal["text", "integer", "number", "flag"]
    low: float = 0
    high: float = math.inf
    required: bool = False

    @property
    def dtype(self) -> str:
        """The pandas type of the column; each of them has a missing value."""
        names = {"text": "string", "integer": "Int64", "number": "float64", "flag": "boolean"}
        return names[self.kind]

    @property
    def allowed(self) -> str:
        """What a cell may hold, in words."""
        if self.kind == "text":
            return "text"
        if self.kind == "flag":
            return "true or false"
        if self.low == self.high:
            return f"{self.low:g}"
        name = "a whole number" if self.kind == "integer" else "a number"
        if math.isfinite(self.high):
            return f"{name} in [{self.low:g}, {self.high:g}]"
        return f"{name} of at least {self.low:g}" if math.isfinite(self.low) else name

    def parse(self, cell: str) -> Any:
        """The value of a cell's text, None where it is empty.

        Raises:
            ValueError: If the cell cannot be understood; the message says what is allowed.
        """
        # A text may well read "none": that is what a run without hindsight has for a strategy.
        empty = cell == "" if self.kind == "text" else cell.lower() in _EMPTY
        value: Any = None
        if self.kind == "text":
            value = cell or None
        elif self.kind == "flag":
            value = _FLAGS.get(cell.lower())
        elif _NUMBER.fullmatch(cell):
            value = self._number(float(cell))
        if value is None and (self.required or not empty):
            raise ValueError(f"must be {self.allowed}, got {_short(cell)!r}")
        return value

    def check(self, value: Any) -> None:
        """Refuse a value that a cell of this column cannot hold; None and NaN are empty.

        Raises:
            ValueError: Naming the value and what is allowed.
        """
        empty = value is None or value is pd.NA or value != value
        if self.kind == "text":
            good = isinstance(value, str) and value != ""
        elif self.kind == "flag":
            good = isinstance(value, bool | np.bool_)
        else:
            real = isinstance(value, numbers.Real) and not isinstance(value, bool)
            try:
                good = real and self._number(float(value)) is not None
            except OverflowError:  # JSON has whole numbers of any length
                good = False
        if not good and (self.required or not empty):
            raise ValueError(f"must be {self.allowed}, got {_short(repr(value))}")

    def _number(self, value: float) -> int | float | None:
        """The number in the column's type; None if it is outside what is allowed."""
        if not (math.isfinite(value) and self.low <= value <= self.high):
            return None
        if self.kind == "number":
            return value
        # Spreadsheets write 200.0 and 1E+5; beyond 2**53 such a number is not exact.
        return int(value) if value.is_integer() and abs(value) <= 2**53 else None


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:40]}..."


def _by_name(*columns: Column) -> Mapping[str, Column]:
    return MappingProxyType({column.name: column for column in columns})


_IDENTITY = (
    Column("run_id", "text", required=True),
    Column("config_id", "text", required=True),
    Column("method", "text", required=True),
    Column("network", "text", required=True),
    Column("n", "integer", 1, required=True),
    Column("seed", "integer", required=True),
)
_VERSION = Column("schema_version", "integer", 1, SCHEMA_VERSION)

SETTING_COLUMNS: Mapping[str, Column] = _by_name(
    *_IDENTITY,
    Column("env", "text"),
    Column("told", "text"),
    Column("goal_mode", "text"),
    Column("start", "text"),
    Column("reward_type", "text"),
    Column("max_steps", "integer", 1),
    Column("continuing_task", "flag"),
    Column("n_envs", "integer", 1),
    Column("budget_env_steps", "integer", 1),
    Column("updates_per_env_step", "number"),
    Column("withhold_reward", "flag"),
    Column("relabel_done", "flag"),
    Column("learner_reward", "text"),
    Column("relabel_share", "number", 0, 1),
    Column("goal_strategy", "text"),
    Column("replay", "text"),
    Column("exploration", "text"),
    Column("search", "flag"),
    Column("sees_target", "flag"),
    Column("implementation", "text"),
    Column("hidden", "text"),
    Column("batch_size", "integer", 1),
    Column("learning_rate", "number"),
    Column("gamma", "number", 0, 1),
    Column("method_settings", "text"),
    Column("device", "text"),
    Column("parent", "text"),
)
"""Which run it was: what a row says of its settings; ``method_settings`` is JSON of the rest."""

_WRITTEN = (
    Column("reward_queries", "integer"),
    Column("samples", "integer", 1),
    Column("wrong_samples", "integer"),
    Column("right_strings", "integer"),
    Column("kl_to_uniform", "number"),
)
WRITTEN_COLUMNS = frozenset(column.name for column in _WRITTEN)
"""What is measured only where strings are written; the last four where several are right."""

RUN_COLUMNS: Mapping[str, Column] = _by_name(
    *SETTING_COLUMNS.values(),
    Column("env_steps", "integer"),
    Column("gradient_updates", "integer"),
    Column("episodes", "integer"),
    Column("success_rate", "number", 0, 1, required=True),
    Column("solved", "flag"),
    Column("held_share", "number", 0, 1),
    Column("stopped_early", "flag"),
    Column("env_steps_to_solve", "integer"),
    Column("episodes_to_solve", "integer"),
    Column("seconds_to_solve", "number"),
    Column("env_steps_to_first_pass", "integer"),
    Column("env_steps_to_first_reward", "integer"),
    Column("rollout_successes", "integer"),
    *_WRITTEN,
    Column("search_env_steps", "integer"),
    Column("search_seconds", "number"),
    Column("wall_seconds", "number"),
    Column("train_seconds", "number"),
    Column("threads", "integer", 1),
    _VERSION,
)
"""``runs.csv``: a row a finished run."""

CURVE_COLUMNS: Mapping[str, Column] = _by_name(
    *_IDENTITY,
    Column("env_steps", "integer", required=True),
    Column("gradient_updates", "integer"),
    Column("episodes", "integer"),
    Column("train_seconds", "number"),
    Column("success_rate", "number", 0, 1, required=True),
    Column("mean_steps", "number"),
    Column("rollout_success_rate", "number", 0, 1),
    Column("rollout_reward", "number", -math.inf),
    Column("loss", "number", -math.inf),
    Column("epsilon", "number", 0, 1),
    _VERSION,
)
"""``curves.csv``: a row an evaluation."""

TRANSFER_COLUMNS: Mapping[str, Column] = _by_name(
    *_IDENTITY,
    Column("trained_n", "integer", 1, required=True),
    Column("max_steps", "integer", 1),
    Column("episodes", "integer", 1, required=True),
    Column("success_rate", "number", 0, 1, required=True),
    Column("mean_steps", "number"),
    Column("optimal_mean_steps", "number"),
    Column("seconds", "number"),
    _VERSION,
)
"""``transfer.csv``: a row for an agent at one number of bits."""

PROVENANCE_COLUMNS: Mapping[str, Column] = _by_name(
    Column("run_id", "text", required=True),
    Column("commit", "text"),
    Column("clean", "flag"),
    Column("versions", "text"),
    Column("processor", "text"),
)
"""``provenance.csv``: a row a finished run, whose code and machine it was; no host, no path."""

CLOCK_COLUMNS = frozenset(
    {"wall_seconds", "train_seconds", "seconds_to_solve", "search_seconds", "seconds"}
)
"""What no two machines agree on."""

RESULT_COLUMNS = frozenset(RUN_COLUMNS) - frozenset(SETTING_COLUMNS) - {"schema_version"}
"""What a run measured."""
