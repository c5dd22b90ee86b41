"""Importing the package: harmless anywhere, quick, and light."""

from __future__ import annotations

import importlib
import importlib.metadata
import multiprocessing
import subprocess
import sys

import gymnasium as gym
import numpy as np
import pytest

import bitseq_env


def python(code: str) -> str:
    """What a fresh interpreter prints, with warnings as errors."""
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_twice_is_once() -> None:
    code = (
        "import importlib, gymnasium, bitseq_env; importlib.reload(bitseq_env);"
        "print([name for name in gymnasium.registry if 'BitSequence' in name])"
    )
    assert python(code) == "['BitSequence-v0', 'BitSequenceAppend-v0']"
    importlib.reload(bitseq_env)  # here too, where warnings are errors


def test_the_module_prefix_imports_it() -> None:
    code = "import gymnasium as gym; print(gym.make('bitseq_env:BitSequence-v0', n=30).n)"
    assert python(code) == "30"


def test_it_is_light_and_quick() -> None:
    code = (
        "import sys, time; before = set(sys.modules); began = time.perf_counter();"
        "import bitseq_env; took = time.perf_counter() - began;"
        "print(took, *sorted({name.split('.')[0] for name in set(sys.modules) - before}))"
    )
    tries = [python(code).split() for _ in range(3)]
    assert min(float(took) for took, *_ in tries) < 0.8
    heavy = {"torch", "stable_baselines3", "pygame", "matplotlib", "pandas", "scipy", "experiments"}
    assert not heavy & set(tries[0])
    assert "bitseq_env" in tries[0]


def test_the_rules_need_numpy_alone() -> None:
    # The package's __init__ imports Gymnasium; the file itself must not.
    code = (
        "import runpy, sys; runpy.run_path(sys.argv[1]);"
        "print('numpy' in sys.modules, 'gymnasium' in sys.modules)"
    )
    command = [sys.executable, "-c", code, bitseq_env.rules.__file__]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert printed.split() == ["True", "False"]


def first_state(seed: int) -> list[int]:
    """The first state of an environment, in whatever process this runs."""
    env = gym.make("bitseq_env:BitSequence-v0", n=20, target_seed=0)
    state: list[int] = env.reset(seed=seed)[0]["observation"].tolist()
    return state


def test_under_spawn() -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(first_state, [3, 4]) == [first_state(3), first_state(4)]


@pytest.mark.parametrize("context", ["spawn"])
def test_gymnasiums_processes(context: str) -> None:
    envs = gym.make_vec(
        "BitSequence-v0",
        num_envs=2,
        vectorization_mode="async",
        vector_kwargs={"context": context},
        n=20,
        target_seed=0,
    )
    observation, _ = envs.reset(seed=[3, 4])  # type: ignore[arg-type]
    envs.close()
    np.testing.assert_array_equal(observation["observation"], [first_state(3), first_state(4)])


def test_the_version_is_the_distributions() -> None:
    assert bitseq_env.__version__ == importlib.metadata.version("bitseq-env")
