"""What a person can get wrong: named in a line, and nothing is written."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

import pandas as pd
import pytest
import torch as th

from experiments.records import files, run_folders
from tests.command_lines import Command, Outcome, listing, trained
from tests.made_runs import make_finished_run

NO_CUDA = pytest.mark.skipif(th.cuda.is_available(), reason="there is CUDA here")

MISTAKES = [
    # The command, and what its message must name: the value, and what is allowed.
    ("train --n 0", ["n ", "0", "at least 1"]),
    ("train --n -1", ["-1", "at least 1"]),
    ("train --n 1.5", ["1.5", "--n"]),
    ("train --n True", ["True", "--n"]),
    ("train --n eight", ["eight", "--n"]),
    ("train --n", ["--n"]),
    ("train --method ppo", ["ppo", "dqn", "her"]),
    ("train --network cnn", ["cnn", "mlp", "equivariant"]),
    ("train --device gpu", ["gpu", "auto", "cpu", "cuda"]),
    ("train --goal-mode many", ["many", "fixed", "random"]),
    ("train --start ones", ["ones", "random", "zeros"]),
    ("train --reward-type dense", ["dense", "zero_one", "hamming"]),
    ("train --colour red", ["--colour"]),
    ("train --max-steps 0", ["max_steps", "0", "at least 1"]),
    ("train --n-envs 0", ["n_envs", "0", "at least 1"]),
    ("train --budget 0", ["budget", "0", "at least 1"]),
    ("train --gamma 1.5", ["gamma", "1.5", "[0, 1]"]),
    ("train --gamma nan", ["gamma", "nan", "[0, 1]"]),
    ("train --seed -1", ["seed", "-1", "at least 0"]),
    ("train --seed 4294967296", ["seed", "4294967296", "4,294,967,295"]),
    ("train --method dqn --goal-strategy future", ["goal_strategy", "future", "her"]),
    ("train --replay rewarded", ["replay", "'rewarded'", "'dqn' or 'gflownet' only", "'her'"]),
    ("train --search", ["search", "True", "'dqn' or 'gflownet' only", "'her'"]),
    ("train --method flip --exploration spread", ["exploration", "'spread'", "'dqn' or 'her'"]),
    ("train --method dqn --replay rewarded --replay-share 1", ["replay_share", "between 0 and 1"]),
    ("train --method dqn --search", ["search=True", "replay='rewarded'", "'uniform'"]),
    ("train --method dqn --search --replay rewarded --n 65", ["n ", "1 to 64", "65"]),
    ("train --search-threads 0", ["--search-threads", "0", "at least 1"]),
    ("compare --out new --n 3 --search-threads -1", ["--search-threads", "-1", "at least 1"]),
    ("train --sees-target False", ["sees_target", "her", "without hindsight"]),
    ("train --n 1000001", ["n ", "1000001", "at most 1,000,000"]),
    ("train --hidden 100000", ["hidden", "100000", "at most 65,536"]),
    ("train --batch-size 10000000", ["batch_size", "10000000", "at most 1,000,000"]),
    ("train --buffer-size 1000000000000", ["buffer_size", "1000000000000", "1,000,000,000"]),
    ("train --n-envs 0x10", ["0x10", "--n-envs"]),
    ("train --n 50 --max-steps 100000000 --n-envs 1000", ["100,000,000 times 1,000"]),
    ("train --n 100000 --eval-episodes 20000", ["eval_episodes", "20000", "at most 10,000"]),
    ("train --out a-file", ["--out", "a-file", "folder"]),
    ("train --out a-file/below", ["--out", "a-file/below"]),
    ("train --method nowhere:Name", ["nowhere:Name", "no module 'nowhere'"]),
    ("train --method experiments.api:Nothing", ["has no 'Nothing'", "Trained"]),
    ("train --method a:b:c", ["a:b:c", "package.module:Name"]),
    ("train --method json:JSONDecoder", ["json:JSONDecoder", "BaseAlgorithm", "Learner"]),
    ("train --method stable_baselines3:DQN --algorithm-kwargs {{", ["JSON object", "{"]),
    ("train --method stable_baselines3:DQN --algorithm-kwargs [1]", ["JSON object", "[1]"]),
    ('train --method stable_baselines3:DQN --algorithm-kwargs {{"x":1}}', ["'x'", "learning_rate"]),
    ('train --method stable_baselines3:DQN --algorithm-kwargs {{"seed":1}}', ["'seed'", "itself"]),
    (
        'train --method stable_baselines3:DQN --algorithm-kwargs {{"policy":"No"}}',
        ["cannot be built", '{"policy": "No"}'],
    ),
    ("train --method stable_baselines3:SAC", ["stable_baselines3:SAC cannot be built"]),
    ("train --method stable_baselines3:PPO --hindsight True", ["hindsight", "off-policy", "PPO"]),
    ("train --method dqn --hindsight True", ["hindsight=True", "package.module:Name", "dqn"]),
    ("train --method stable_baselines3:DQN --updates-per-env-step 1", ["0, the untrained", "1.0"]),
    ("train --method stable_baselines3:DQN --network mlp", ["'own'", "'mlp'"]),
    ("train --method stable_baselines3:DQN --implementation stock", ["'fast'", "'stock'"]),
    ("train --method tests.plugins:OwnEnv --withhold-reward True", ["wrappers", "OwnEnv"]),
    ('train --method tests.plugins:Idle --algorithm-kwargs {{"x":1}}', ["'x'", "'patience'"]),
    ("train --method tests.plugins:Idle --hindsight True", ["SB3's classes", "Idle"]),
    ("train --network nowhere:Net", ["nowhere", "cannot be imported"]),
    ("train --network json:JSONDecoder", ["json:JSONDecoder", "BitQNetwork"]),
    ("train --network tests.plugins:Mlp", ["'mlp'", "taken"]),
    ("train --target 01x0", ["target", "01x0", "0 and 1"]),
    ("train --target 0110 --n 5", ["target", "0110", "5 characters"]),
    ("train --target 0110 --goal-mode random", ["0110", "goal_mode 'fixed'"]),
    ("train --target 0000 --start zeros", ["0000", "start='zeros'"]),
    ("train --n 4 --parent {run}", ["n must be 3", "got 4"]),
    ("compare --out new --methods nowhere:Name", ["nowhere:Name", "no module 'nowhere'"]),
    ("compare --out new --target 0110 --n 4 5", ["target", "0110", "5 characters"]),
    pytest.param("train --device cuda", ["cuda", "cpu", "auto"], marks=NO_CUDA),
    ("compare --n 4", ["--out"]),
    ("compare --out new --n 4 0", ["n ", "0", "at least 1"]),
    ("compare --out new --n", ["n"]),
    ("compare --out new --methods dqn sac", ["sac", "dqn", "her"]),
    ("compare --out new --networks rnn", ["rnn", "mlp", "equivariant"]),
    ("compare --out new --preset quickest", ["quickest", "quick", "paper"]),
    ("compare --out new --seeds 0", ["--seeds", "0", "at least 1"]),
    ("compare --out new --seeds 1000000000", ["--seeds", "1000000000", "at most 100,000"]),
    ("compare --out new --workers 0", ["--workers", "0", "at least 1"]),
    ("compare --out new --workers -2", ["--workers", "-2", "at least 1"]),
    ("compare --out new --preset quick --sees-target False", ["sees_target", "her"]),
    ("compare --out new --methods dqn --relabel-done True", ["relabel_done", "True", "her"]),
    ("compare --out new --preset transfer --networks mlp", ["mlp", "equivariant"]),
    ("compare --out a-file --n 4", ["--out", "a-file", "folder"]),
    ("compare --merge not-there", ["--merge", "not-there"]),
    ("compare --merge a-file", ["--merge", "a-file"]),
    *(
        (f"compare --out new --n 3 --scheduler {address}", ["--scheduler", address, "tcp://host"])
        for address in ("here", "host:8786", "http://host:8786", "tcp://host", "tcp://host:0")
    ),
    ("compare --out new --n 3 --scheduler tcp://host:99999", ["tcp://host:99999", "tcp://host"]),
    pytest.param("compare --out new --device cuda", ["cuda", "cpu", "auto"], marks=NO_CUDA),
    ("evaluate", ["A run's folder", "required"]),
    ("evaluate not-there", ["not-there/config.json"]),
    ("evaluate a-file", ["a-file", "folder", "pickles", "not loaded"]),
    ("evaluate empty", ["empty/config.json"]),
    ("evaluate foreign", ["foreign/result.json"]),
    ("evaluate {run} --n 30", ["--n 30", "mlp", "n = 3", "equivariant"]),
    ("evaluate {run} --n 0", ["--n 0"]),
    ("evaluate {run} --episodes 0", ["--episodes", "0", "at least 1"]),
    ("evaluate {run} --episodes 1000000000000", ["--episodes", "1000000000000", "10,000,000"]),
    ("evaluate {run} --fps 0", ["--fps", "0", "at least 1"]),
    ("evaluate {run} --fps 5000", ["--fps", "5000", "at most 1,000"]),
    ("evaluate {run} --seed -1", ["seed", "-1", "at least 0"]),
    ("evaluate {run} --render rgb", ["rgb", "ansi", "human"]),
    ("evaluate {misfit}", ["weights", "her-mlp-n3-s0-"]),
    pytest.param("evaluate {run} --device cuda", ["cuda", "cpu", "auto"], marks=NO_CUDA),
    ("plot", ["A folder with runs.csv", "required"]),
    ("plot not-there", ["not-there"]),
    ("plot a-file", ["a-file"]),
    ("plot empty", ["empty/runs.csv"]),
    ("plot broken", ["broken/runs.csv", "line 2", "high"]),
    *(
        (f"plot tidy --beside {name}", [f"{name}: ", "runs.csv", "benchmark_repeats.csv"])
        for name in ("not-there", "a-file", "empty")
    ),
    ("plot tidy --beside broken", ["broken/runs.csv", "line 2", "high"]),
    ("benchmark --out new --rows speed", ["speed", "--rows"]),
    ("benchmark --out new --repeats 0", ["--repeats", "0", "at least 1"]),
    ("benchmark --out a-file", ["--out", "a-file", "folder"]),
    ("benchmark --out new --scale --panels all", ["all", "--panels"]),
]


def prepare(folder: Path) -> dict[str, Path]:
    """What the mistakes are about; the names that stand in their lines."""
    (folder / "a-file").write_text("mine")
    (folder / "empty").mkdir()
    run = run_folders.write_run(folder / "trained", trained())
    misfit = run_folders.write_run(folder / "made", make_finished_run())
    (folder / "foreign").mkdir()
    (folder / "foreign" / run_folders.CONFIG).write_bytes((run / run_folders.CONFIG).read_bytes())
    header = "run_id,config_id,method,network,n,seed,success_rate"
    for name, rate in (("broken", "high"), ("tidy", "1")):
        (folder / name).mkdir()
        (folder / name / "runs.csv").write_text(f"{header}\na,b,dqn,mlp,3,0,{rate}\n")
    return {"run": run, "misfit": misfit}


def check_named(outcome: Outcome, named: list[str]) -> None:
    assert outcome.status == 2
    for word in named:
        assert word in outcome.text
    assert "Traceback" not in outcome.text


@pytest.mark.parametrize(("line", "named"), MISTAKES)
def test_a_mistake_is_named_and_nothing_is_written(
    command: Command, tmp_path: Path, line: str, named: list[str]
) -> None:
    names = prepare(tmp_path)
    before = listing(tmp_path)
    check_named(command(*(part.format(**names) for part in line.split())), named)
    assert listing(tmp_path) == before
    assert (tmp_path / "a-file").read_text() == "mine"


def test_a_folder_that_another_run_writes_to_is_refused(command: Command, tmp_path: Path) -> None:
    with files.locked(tmp_path / "out"):
        before = listing(tmp_path)
        for line in ("compare --out out --n 1", "train --out out --n 1", "compare --merge out"):
            outcome = command(*line.split())
            assert outcome.status == 2
            assert "another run is writing to" in outcome.text
            assert listing(tmp_path) == before


def test_a_malformed_table_stops_a_merge(command: Command, tmp_path: Path) -> None:
    (tmp_path / "runs.csv").write_text("what,is,this\n1,2,3\n")
    outcome = command("compare", "--merge", tmp_path)
    assert outcome.status == 2
    assert "runs.csv" in outcome.text
    assert (tmp_path / "runs.csv").read_text() == "what,is,this\n1,2,3\n"
    assert not (tmp_path / "summary.csv").exists()


@pytest.mark.parametrize("table", ["runs.csv", "curves.csv", "provenance.csv"])
@pytest.mark.parametrize("line", ["compare --n 2", "train --n 2 --budget 20 --progress False"])
def test_a_malformed_table_stops_a_sweep_before_it_trains(
    command: Command, tmp_path: Path, table: str, line: str
) -> None:
    (tmp_path / "out" / "runs").mkdir(parents=True)
    (tmp_path / "out" / table).write_text("what,is,this\n1,2,3\n")
    before = listing(tmp_path)
    outcome = command(*line.split(), "--out", "out")
    assert outcome.status == 2
    assert f"out/{table}" in outcome.text
    assert [name for name in listing(tmp_path) if not name.endswith(".lock")] == before


def test_a_full_disk_ends_in_one_line(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, content: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(files, "write_synced", full)
    outcome = command("compare", "--merge", tmp_path)
    assert outcome.status == 1
    assert "No space left on device" in outcome.err
    assert str(tmp_path) in outcome.err


# What needs no training.


def test_a_dry_run_prints_the_grid_and_writes_nothing(command: Command, tmp_path: Path) -> None:
    outcome = command("compare", "--preset", "quick", "--dry-run", "True", "--out", "new")
    assert outcome.status == 0
    assert "44 runs" in outcome.text
    assert len(re.findall(r"(?:dqn|her)-mlp-n\d+-s\d-[0-9a-f]{10}", outcome.text)) == 44
    assert listing(tmp_path) == []


def test_flags_override_a_preset(command: Command) -> None:
    flags = "--preset quick --dry-run True --n 6 7 --seeds 1 --networks equivariant --budget 5000"
    text = command("compare", *flags.split()).text
    names = re.findall(r"((?:dqn|her)-\w+-n\d+-s\d)-[0-9a-f]{10}", text)
    # The last are nulls.
    methods = ("dqn", "her", "her")
    assert names == [f"{method}-equivariant-n{n}-s0" for method in methods for n in (6, 7)]
    assert text.count(" 5,000 ") == 6


def test_a_merge_says_what_it_does_not_count(command: Command, tmp_path: Path) -> None:
    whole = run_folders.write_run(tmp_path / "out", make_finished_run(seed=0))
    torn = run_folders.write_run(tmp_path / "out", make_finished_run(seed=1))
    (torn / run_folders.POLICY).write_bytes(b"\x08")
    outcome = command("compare", "--merge", "out")
    assert outcome.status == 0
    assert f"not counted: out/runs/{torn.name}/{run_folders.POLICY}" in outcome.text
    table = pd.read_csv(tmp_path / "out" / "runs.csv")
    assert list(table["run_id"]) == [whole.name]
    assert torn.is_dir()
