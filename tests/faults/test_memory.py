"""A long sweep of tiny runs needs no more memory at its end than near its beginning."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import numpy as np
import psutil

from tests.command_lines import finish, process
from tests.faults.conftest import Case
from tests.faults.machines import check, finished, run_count, workers_of

ALLOWED = 10e6
"""Bytes that a process may have grown by: what allocators keep and give back."""
COUNT, WARM = 500, 50


def test_memory_is_flat(tmp_path: Path, whole_case: Case) -> None:
    flags = f"--methods her --n 2 --seeds {COUNT} --budget 60 --eval-episodes 20 --workers 2"
    driver = whole_case.start(process("compare", *flags.split(), "--out", tmp_path))
    # Runs that are finished, and the bytes of the driver and of each worker then.
    seen: dict[int, list[tuple[int, int]]] = {}
    while driver.poll() is None:
        done = run_count(tmp_path)
        if WARM <= done < COUNT:
            for one in (psutil.Process(driver.pid), *workers_of(driver)):
                with contextlib.suppress(psutil.Error):
                    seen.setdefault(one.pid, []).append((done, one.memory_info().rss))
        time.sleep(0.5)
    check(finish(driver), 0)
    assert len(finished(tmp_path)) == COUNT
    assert len(seen) == 3
    growth = {pid: _growth(samples) for pid, samples in seen.items()}
    assert max(growth.values()) < ALLOWED, growth
    driver_growth = growth.pop(driver.pid) / 1e6
    whole_case.tell(
        f"{COUNT} tiny runs on {len(growth)} workers: from the {WARM}th to the last the driver "
        f"changed by {driver_growth:+.1f} MB, the workers by "
        + ", ".join(f"{change / 1e6:+.1f} MB" for change in growth.values())
    )


def _growth(samples: list[tuple[int, int]]) -> float:
    """The slope over the runs times their number: no single sample decides."""
    done, bytes_used = np.array(samples, dtype=float).T
    slope = np.polyfit(done, bytes_used, 1)[0]
    return float(slope * (done.max() - done.min()))
