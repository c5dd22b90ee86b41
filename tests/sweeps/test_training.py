"""What a run leaves of its process and of its log folder: nothing but itself."""

from __future__ import annotations

import os
import pickle
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch as th

from experiments.compare import CompareArguments
from experiments.config.run import RunConfig
from experiments.sweeps.training import train
from experiments.sweeps.transfer import evaluate_at
from tests.command_lines import TINY, Command, trained


def state() -> list[Any]:
    """What belongs to the whole process, as it can be compared."""
    cudnn = th.backends.cudnn
    streams = [random.getstate(), pickle.dumps(np.random.get_state()), th.get_rng_state().tolist()]  # noqa: NPY002
    return [*streams, th.get_num_threads(), cudnn.deterministic, cudnn.benchmark]


@pytest.mark.parametrize("ends", ["well", "with an error", "evaluated"])
def test_a_run_leaves_its_process_as_it_was(ends: str) -> None:
    def on_evaluation(_: dict[str, Any]) -> None:
        raise LookupError("enough")

    run, threads = trained(), th.get_num_threads()
    th.set_num_threads(threads + 1)
    try:
        before = state()
        if ends == "evaluated":
            evaluate_at(run.config.to_dict(), run.policy, run.config.n)
        elif ends == "well":
            assert train(RunConfig.of(**TINY)).provenance["threads"] == 1
        else:
            with pytest.raises(LookupError, match="enough"):
                train(RunConfig.of(**TINY), on_look=on_evaluation)
        assert state() == before
    finally:
        th.set_num_threads(threads)


def test_an_attempt_begins_with_an_empty_log(command: Command, tmp_path: Path) -> None:
    flags = ["--n", "2", "--budget", "60", "--device", "cpu", "--out", "out", "--progress", "False"]
    logs = tmp_path / "out" / "logs" / RunConfig.of(n=2, budget_env_steps=60).run_id
    logs.mkdir(parents=True)
    old = logs / "events.out.tfevents.0.elsewhere.1.0"
    old.write_bytes(b"of an attempt that was killed")
    (logs / "notes.txt").write_text("mine")
    for attempt in ([], ["--force"]):
        assert command("train", *flags, *attempt).status == 0
        (events,) = logs.glob("events.*")
        assert events.name != old.name
        events.rename(old)
    assert (logs / "notes.txt").read_text() == "mine"


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity on this system")
def test_workers_are_as_many_as_the_cores_that_may_be_used() -> None:
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert CompareArguments().workers == 1
    finally:
        os.sched_setaffinity(0, allowed)
