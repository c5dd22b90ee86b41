"""From settings to the JSON that names a run, and back; what a name leaves out is said here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pydantic.fields import FieldInfo

from experiments.config.errors import ConfigError
from experiments.config.settings import Settings


def canonical(run: Settings, fixed: Mapping[str, Any]) -> dict[str, Any]:
    """A run's settings in JSON's types, without those that came later and are neutral.

    Args:
        run: Its settings.
        fixed: Further ones that all runs of its method have.
    """
    fields = type(run).model_fields
    own = {n: value for n, value in run if not (_later(fields[n]) and value == _neutral(fields[n]))}
    lists = {name: list(value) for name, value in own.items() if isinstance(value, tuple)}
    return {**own, **fixed, **lists}


def settings_of(
    stored: Mapping[str, Any], kind: type[Settings], fixed: Mapping[str, Any]
) -> dict[str, Any]:
    """The settings that :func:`canonical` stored, whatever rules would fill today.

    Args:
        stored: What it gave.
        kind: Class of the run.
        fixed: As there.

    Raises:
        ConfigError: If a setting is missing or unknown.
    """
    fields = kind.model_fields
    names = {*fields, *fixed}
    if unknown := sorted(set(stored) - names):
        raise ConfigError(f"unknown field {unknown[0]!r}; allowed are {sorted(names)}")
    neutral = {name: _neutral(field) for name, field in fields.items() if _later(field)}
    if missing := sorted(names - set(stored) - set(neutral)):
        raise ConfigError(f"field {missing[0]!r} is missing")
    lists = {name: tuple(value) for name, value in stored.items() if isinstance(value, list)}
    return {**neutral, **stored, **lists}


def digest(fields: Mapping[str, Any]) -> str:
    """The first digits of the SHA-256 of canonical settings."""
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def _later(field: FieldInfo) -> bool:
    """Whether a setting was added to runs that existed already."""
    extra = field.json_schema_extra
    return isinstance(extra, dict) and "neutral" in extra


def _neutral(field: FieldInfo) -> Any:
    extra: Any = field.json_schema_extra
    return extra["neutral"]
