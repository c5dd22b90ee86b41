"""How far the suite goes, and the figures of a whole one."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import functools
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
TOLD = pytest.StashKey[dict[str, str]]()
BEGAN = pytest.StashKey[float]()


@dataclasses.dataclass(frozen=True)
class Case:
    """How far a case goes, what it starts, and what it has seen."""

    whole: bool
    """Or the short form that runs with the other tests."""
    tell: Callable[[str], None]
    """Keeps what was seen, in one line."""
    started: contextlib.ExitStack
    random: random.Random

    def of(self, short: T, whole: T) -> T:
        return whole if self.whole else short

    def start(self, process: Any) -> Any:
        """The process, which is ended after the test with all that it has started."""
        self.started.callback(ended, process)
        return process


@pytest.fixture
def case(request: pytest.FixtureRequest) -> Iterator[Case]:
    told = request.config.stash.setdefault(TOLD, {})
    tell = functools.partial(told.__setitem__, request.node.nodeid)
    whole = request.config.getoption("--faults") is not None
    with contextlib.ExitStack() as started:
        yield Case(whole, tell, started, random.Random(20261124))


@pytest.fixture
def whole_case(case: Case) -> Case:
    if not case.whole:
        pytest.skip("only with --faults; what it is made of has tests of its own")
    return case


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--faults") is not None:
        settings.register_profile("faults", max_examples=1_000, deadline=None)
        settings.load_profile("faults")
        config.stash[BEGAN] = time.monotonic()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Write the figures, if every case has passed and has some."""
    if (path := session.config.getoption("--faults")) is None:
        return
    told = session.config.stash.get(TOLD, {})
    rows = {node.rpartition("::")[2][5:].replace("_", " "): line for node, line in told.items()}
    modules = {item.path.name for item in session.items}
    whole = modules == {module.name for module in Path(__file__).parent.glob("test_*.py")}
    if exitstatus or not whole or len(rows) < len(session.items):
        print(f"\n{path} is not written: the suite was not whole, or something failed.")
        print("\n".join(f"{title}: {line}" for title, line in rows.items()))
        return
    minutes = (time.monotonic() - session.config.stash[BEGAN]) / 60
    text = [
        "# Faults",
        "",
        f"Written by `make faults` on {datetime.datetime.now(datetime.UTC):%Y-%m-%d} after all "
        f"{len(rows)} cases had passed, in {minutes:.0f} minutes on {processor()}.",
        "",
        "| case | what was seen |",
        "|---|---|",
        *(f"| {title} | {line} |" for title, line in rows.items()),
        "",
    ]
    files.replace_file(Path(path), "\n".join(text).encode())
