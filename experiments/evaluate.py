"""A trained agent, looked at: ``python -m experiments.evaluate results/mine/runs/<run_id>``."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import tyro
from PIL import Image

from experiments import command_line
from experiments.command_line import DeviceOption, Flag, told
from experiments.config.errors import ConfigError
from experiments.config.streams import Stream, derived_seed
from experiments.config.task import Task
from experiments.evaluation import greedy
from experiments.evaluation.greedy import Policy
from experiments.methods.learner import load_policy
from experiments.records import run_folders
from experiments.records.files import ResultError
from experiments.records.summary import wilson_interval
from experiments.telling import Console

_GIF_FPS = 50
"""Of shorter frames, browsers make tenths of a second."""


@dataclass(frozen=True, kw_only=True)
class EvaluateArguments:
    """Greedy episodes of a saved agent: success rate, steps against the optimum, one episode."""

    run: Annotated[Path, tyro.conf.Positional, told("A run's folder.")]
    episodes: Annotated[
        int | None,
        told(
            "Episodes to count.",
            help_behavior_hint="(default: 1,000; 100 from n = 500; 20 from n = 10,000)",
        ),
    ] = None
    n: Annotated[
        int | None,
        told("Another number of bits than it was trained at (equivariant networks only)."),
    ] = None
    seed: Annotated[int, told("Of the evaluation's starts.")] = 0
    gif: Annotated[
        Path | None, told("Write one episode here as an animation; the name ends with .gif.")
    ] = None
    render: Annotated[
        Literal["ansi", "human"] | None,
        told("Show one episode in the terminal (ansi) or in a window (human)."),
    ] = None
    fps: Annotated[
        int,
        told("Frames in a second of the animation, at most 50, and of what the terminal shows."),
    ] = 4
    device: Annotated[
        DeviceOption, told("Where the network lives; auto is CUDA where there is one.")
    ] = "auto"
    trust: Annotated[
        Flag,
        told("Import the code from outside this project that the run names; it can do anything."),
    ] = False


def evaluate_command(arguments: EvaluateArguments) -> int:
    """Print the figures of a saved agent; the exit status is 0 whatever they are."""
    console = Console()
    command_line.check_count("fps", arguments.fps, 1_000)
    if arguments.gif is not None:
        check_gif(arguments.gif, arguments.fps)
    if arguments.seed < 0:
        raise ConfigError(f"--seed must be at least 0, got {arguments.seed}")
    if arguments.run.is_file():
        raise ResultError(
            f"{str(arguments.run)!r} must be a run's folder, and is a file; pickles and model "
            "archives are not loaded, as they can run any code"
        )
    run = run_folders.read_run(arguments.run)
    task = greedy.task_at(run.config, arguments.n)
    if arguments.episodes is not None:
        command_line.check_count("episodes", arguments.episodes, 10**7)
        task = dataclasses.replace(task, eval_episodes=arguments.episodes)
    device = command_line.device(arguments.device)
    policy = load_policy(run.config, run.policy, task.n, device, trust=arguments.trust)
    seed = derived_seed(task.seed, Stream.EVALUATE_COMMAND, arguments.seed)
    outcome = greedy.evaluate(policy, task, seed)

    trained = f" (trained at n = {run.config.n})" if task.n != run.config.n else ""
    console.print(f"{run.config.run_id}, n = {task.n}{trained}, horizon {task.max_steps}")
    for line in in_words(outcome, task):
        console.print(line)
    if arguments.gif is not None:
        frames = list(play(task, policy, seed, "rgb_array"))
        save_gif(frames, arguments.gif, arguments.fps)
        console.print(f"wrote {arguments.gif}: {len(frames)} frames")
    if arguments.render is not None:
        for frame in play(task, policy, seed, arguments.render):
            if arguments.render == "ansi":
                print(frame, end="\n\n")
                time.sleep(1 / arguments.fps)
    return 0


def in_words(outcome: greedy.Episodes, task: Task) -> Iterator[str]:
    """What episodes came to, in lines."""
    count = len(outcome.reached)
    if outcome.reached.dtype != np.bool_:
        yield (
            f"success rate {outcome.success_rate:.4f}: the policy's own chance to write a right "
            f"string, exact, {'one goal' if count == 1 else f'mean of {count:,} goals'}"
        )
        return
    reached = int(outcome.reached.sum())
    low, high = wilson_interval(reached, count)
    yield (
        f"success rate {outcome.success_rate:.4f}, 95% Wilson interval [{low:.4f}, {high:.4f}], "
        f"{reached:,} of {count:,} greedy episodes"
    )
    if task.start != "random" and task.goal_mode == "fixed":
        yield f"all episodes start alike ({task.start}, one fixed target): one tells all"
    if reached and not task.writes:
        steps = outcome.steps[outcome.reached].mean()
        optimum = outcome.optimum[outcome.reached].mean()
        yield (
            f"steps of the episodes that reached s: {steps:.2f} in the mean, optimum {optimum:.2f} "
            f"(the initial Hamming distance), ratio {steps / optimum:.3f}"
        )


def play(task: Task, policy: Policy, seed: int, render_mode: str) -> Iterator[Any]:
    """The first counted episode, in the environment itself: its frames, the first state's included.

    In mode "human" the environment shows them by itself, and the frames are None.
    """
    first, _ = greedy.evaluation_env(task, seed).reset(seed=seed)
    env = task.single_env(render_mode=render_mode)
    try:
        options = {"state": first["observation"][0], "target": first["desired_goal"][0]}
        observation, _ = env.reset(options=options)
        yield None if render_mode == "human" else env.render()
        ended = False
        while not ended:
            action = policy(observation["observation"][None], observation["desired_goal"][None])[0]
            observation, _, terminated, truncated, _ = env.step(action)
            ended = terminated or truncated
            yield None if render_mode == "human" else env.render()
    finally:
        env.close()


def check_gif(path: Path, fps: int) -> None:
    """Refuse what would be no animation, or one that is slower than asked.

    Raises:
        ConfigError: If the name is not a GIF's, or the format cannot hold the speed.
    """
    if path.suffix.lower() != ".gif":
        raise ConfigError(f"--gif must name a file that ends with .gif, got {str(path)!r}")
    if fps > _GIF_FPS:
        raise ConfigError(
            f"--fps must be at most {_GIF_FPS} with --gif, whose frames last whole hundredths of "
            f"a second and at least two of them, got {fps}"
        )


def save_gif(frames: list[np.ndarray], path: Path, fps: int) -> None:
    """Frames, each (height, width, 3) uint8, as a looping animation that rests on its end.

    Raises:
        ResultError: If the file cannot be written.
    """
    images = [Image.fromarray(frame).quantize(colors=32) for frame in frames]
    # Each frame ends on the hundredth that is nearest: at 30 a second they last 3, 4 and 3.
    ends = np.round(np.arange(len(images)) * 100 / fps)
    durations = [*(10 * np.diff(ends)).astype(int).tolist(), 2000]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        images[0].save(
            path, format="GIF", save_all=True, append_images=images[1:], duration=durations, loop=0
        )
    except OSError as error:
        raise ResultError(f"--gif {str(path)!r} cannot be written: {error.strerror}") from error


def main() -> None:
    """The command line."""
    command_line.run_command(EvaluateArguments, evaluate_command)


if __name__ == "__main__":
    main()
