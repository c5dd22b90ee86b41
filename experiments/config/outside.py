"""What lies outside this project and goes by a name, ``package.module:Name``."""

from __future__ import annotations

import functools
import hashlib
import importlib
import importlib.util
import re
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from experiments.config.errors import ConfigError

_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


def is_outside(name: object) -> bool:
    """Whether a name says where something lies, and is no entry of the registry."""
    return isinstance(name, str) and ":" in name


def short_name(name: str) -> str:
    """What runs call it: the last part, in lower case."""
    return name.partition(":")[2].lower()


def check_short_name(setting: str, value: str, name: str) -> None:
    """Refuse another short name than the one that follows, as it is part of a folder's name.

    Raises:
        ConfigError: Naming both; also if the whole name is none.
    """
    if not _NAME.fullmatch(name) or value != short_name(name):
        raise ConfigError(
            f"{setting} {value!r:.60} must be what package.module:Name ends with, in "
            f"lower case, got {name!r:.100}"
        )


def check_name(name: str) -> None:
    """Refuse what is no name of this kind.

    Raises:
        ConfigError: Naming it.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(f"a name from outside must be package.module:Name, got {name!r:.100}")


def imported(name: str) -> Any:
    """What a name stands for; whoever calls this trusts its module.

    Raises:
        ConfigError: If it is no such name, or its module is not there, cannot be imported, or does
            not have it.
    """
    check_name(name)
    place, _, attribute = name.partition(":")
    try:
        module = importlib.import_module(place)
    except Exception as error:
        raise ConfigError(
            f"{name}: module {place!r} cannot be imported: {type(error).__name__}: {error}"
        ) from error
    if not hasattr(module, attribute):
        there = sorted(n for n, value in vars(module).items() if isinstance(value, type))
        raise ConfigError(f"{name}: module {place!r} has no {attribute!r}; it has {there}"[:500])
    return getattr(module, attribute)


@functools.cache
def _distributions() -> Mapping[str, list[str]]:
    """Of each top-level module; reading all that is installed takes a tenth of a second."""
    return metadata.packages_distributions()


def version(name: str) -> str:
    """Which code a name stands for: its distribution's version, or its file's first digits.

    Raises:
        ConfigError: If its module is not there.
    """
    place = name.partition(":")[0]
    for distribution in _distributions().get(place.partition(".")[0], ()):
        return f"{distribution} {metadata.version(distribution)}"
    try:
        spec = importlib.util.find_spec(place)
        content = Path(spec.origin or "").read_bytes() if spec else None
    except (ImportError, OSError, ValueError):
        content = None
    if content is None:
        raise ConfigError(f"{name}: there is no module {place!r} here")
    return f"sha256 {hashlib.sha256(content).hexdigest()[:10]}"
