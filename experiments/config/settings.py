"""Settings as data: each with its help, its range, and the value or the rule that fills it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, get_args, get_origin

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.fields import FieldInfo

from experiments.config.errors import ConfigError

_UNSET: Any = object()


class Settings(BaseModel):
    """A frozen set of settings: every one filled and in its range, or a :class:`ConfigError`."""

    model_config = ConfigDict(
        strict=True, frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True
    )

    def __init__(self, **given: Any) -> None:
        try:
            super().__init__(**given)
        except ValidationError as error:
            raise ConfigError(_in_one_line(type(self), error)) from None

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, given: Any) -> Any:
        """NumPy's numbers are welcome, as in the environment, and kept as Python's."""
        return {
            name: value.item() if isinstance(value, np.generic) else value
            for name, value in given.items()
        }


def setting(
    text: str,
    default: Any = _UNSET,
    *,
    rule: Callable[[dict[str, Any]], Any] | None = None,
    low: float | None = None,
    high: float | None = None,
    neutral: Any = _UNSET,
    flag: bool = True,
) -> Any:
    """A field of :class:`Settings`.

    Args:
        text: What it means, for ``--help``.
        default: Its value where nobody gives one.
        rule: Instead of a default: gives it from the settings that stand above it.
        low: Smallest number allowed.
        high: Largest number allowed.
        neutral: For a setting that is added to runs that exist already, the value at which a run
            is what it was before; fixed for ever, and never part of a run's name.
        flag: Whether commands have a flag for it.
    """
    own: dict[str, Any] = {"flag": flag} | ({} if neutral is _UNSET else {"neutral": neutral})
    filled: dict[str, Any] = {"default_factory": rule} if rule else {"default": default}
    return Field(description=text, ge=low, le=high, json_schema_extra=own, **filled)


def allowed(field: FieldInfo) -> str:
    """What a field may be, in words."""
    hint = field.annotation
    if get_origin(hint) is Literal:
        return f"one of {', '.join(map(repr, get_args(hint)))}"
    if hint is bool:
        return "True or False"
    if get_origin(hint) is tuple:
        widths = get_args(hint)[0]
        inner = FieldInfo.from_annotation(widths)
        most = max(rule.max_length for rule in field.metadata if hasattr(rule, "max_length"))
        return f"a tuple of 1 to {most} widths, each {allowed(inner)}"
    limits = {type(rule).__name__: rule for rule in field.metadata}
    low = limits["Ge"].ge if "Ge" in limits else None
    high = limits["Le"].le if "Le" in limits else None
    if hint is int:
        return f"a whole number of at least {low:,} and at most {high:,}"
    if hint is float:
        return f"a number in [{low:g}, {high:g}]"
    return "text"


def check_at_least(name: str, value: int, low: int) -> None:
    """Refuse a number that other settings make too small.

    Raises:
        ConfigError: Naming the setting, its value and what is allowed.
    """
    if value < low:
        raise ConfigError(f"{name} must be at least {low:,}, got {value}")


def check_at_most(name: str, value: int, high: int) -> None:
    """Refuse a number that other settings make too large.

    Raises:
        ConfigError: Naming the setting, its value and what is allowed.
    """
    if value > high:
        raise ConfigError(f"{name} must be at most {high:,}, got {value}")


def _in_one_line(kind: type[BaseModel], error: ValidationError) -> str:
    """The first thing that is wrong: what it is, what it may be, and what it was."""
    first: Mapping[str, Any] = error.errors()[0]
    if not first["loc"]:  # from a check of several settings
        return str(first["ctx"]["error"])
    name, value = str(first["loc"][0]), first["input"]
    if name not in kind.model_fields:
        return f"unknown setting {name!r}; allowed are {sorted(kind.model_fields)}"
    if first["type"] == "value_error":
        return str(first["ctx"]["error"])
    return f"{name} must be {allowed(kind.model_fields[name])}, got {value!r:.60}"


Width = Annotated[int, Field(ge=1, le=2**16)]
Widths = Annotated[tuple[Width, ...], Field(min_length=1, max_length=64)]
"""Hidden layers' widths, from the input on."""
