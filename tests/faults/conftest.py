"""How far the suite goes, and the figures of a whole one."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import settings

from experiments.records import files
from experiments.records.provenance import processor
from tests.faults.machines import ended

T = TypeVar("T")
Keep = Callable[[str], None]
Start = Callable[[Any], Any]
FIGURES = pytest.StashKey[dict[str, str]]()
BEGAN = pytest.StashKey[float]()
SEED = 20261124


@dataclasses.dataclass(frozen=True)
class Scale:
    """A whole suite, or the short form that runs with the other tests."""

    whole: bool
    random: random.Random

    def of(self, short: T, whole: T) -> T:
        return whole if self.whole else short


@pytest.fixture
def scale(request: pytest.FixtureRequest) -> Scale:
    return Scale(request.config.getoption("--faults") is not None, random.Random(SEED))


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Keep:
    """Keeps what a case found out, in one line."""
    known = request.config.stash.setdefault(FIGURES, {})

    def keep(line: str) -> None:
        known[request.node.nodeid] = line

    return keep


@pytest.fixture
def start() -> Iterator[Start]:
    """Takes a process, which is ended after the test with all that it has started."""
    with contextlib.ExitStack() as started:

        def take(process: Any) -> Any:
            started.callback(ended, process)
            return process

        yield take


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--faults") is not None:
        settings.register_profile("faults", max_examples=1_000, deadline=None)
        settings.load_profile("faults")
        config.stash[BEGAN] = time.monotonic()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Write the figures, if every case has passed and has some."""
    if (path := session.config.getoption("--faults")) is None:
        return
    known = session.config.stash.get(FIGURES, {})
    modules = {item.path.name for item in session.items}
    whole = modules == {module.name for module in Path(__file__).parent.glob("test_*.py")}
    silent = [item.nodeid for item in session.items if item.nodeid not in known]
    if exitstatus or not whole or silent:
        print(f"\n{path} is not written: the suite was not whole, or something failed.")
        print("\n".join(f"{_title(nodeid)}: {line}" for nodeid, line in known.items()))
        return
    minutes = (time.monotonic() - session.config.stash[BEGAN]) / 60
    rows = [f"| {_title(nodeid)} | {line} |" for nodeid, line in known.items()]
    now = datetime.datetime.now(datetime.UTC)
    text = [
        "# Faults",
        "",
        f"Written by `make faults` on {now:%Y-%m-%d} after all {len(rows)} cases had passed, in "
        f"{minutes:.0f} minutes on {processor()}.",
        "",
        "| case | what was seen |",
        "|---|---|",
        *rows,
        "",
    ]
    files.replace_file(Path(path), "\n".join(text).encode())


def _title(nodeid: str) -> str:
    return nodeid.rpartition("::")[2].removeprefix("test_").replace("_", " ")
