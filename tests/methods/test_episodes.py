"""The index of episodes against a list of all steps that were ever stored."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from stable_baselines3.her.goal_selection_strategy import GoalSelectionStrategy

from experiments.methods.her.episodes import EpisodeIndex

LONGEST = 5


@st.composite
def histories(draw: st.DrawFn) -> tuple[int, list[list[bool]]]:
    """Slots of a ring, and for each step which copies end; none is longer than LONGEST steps."""
    slots, copies = draw(st.integers(LONGEST + 1, 14)), draw(st.integers(1, 4))
    ages, steps = [0] * copies, []
    for _ in range(draw(st.integers(1, 60))):
        ended = [age + 1 == LONGEST or draw(st.booleans()) for age in ages]
        ages = [0 if end else age + 1 for age, end in zip(ages, ended, strict=True)]
        steps.append(ended)
    return slots, steps


def whole_episodes(slots: int, steps: list[list[bool]], copy: int) -> list[list[int]]:
    """Times of each finished episode of a copy that is still whole in the ring."""
    episodes: list[list[int]] = [[]]
    for time, ended in enumerate(steps):
        episodes[-1].append(time)
        if ended[copy]:
            episodes.append([])
    oldest = len(steps) - slots
    return [times for times in episodes[:-1] if times[0] >= oldest]


@given(histories())
def test_index_is_the_list_of_whole_episodes(history: tuple[int, list[list[bool]]]) -> None:
    slots, steps = history
    copies = len(steps[0])
    index = EpisodeIndex(slots, copies)
    for time, ended in enumerate(steps):
        index.add(time % slots, np.array(ended))
    rng = np.random.default_rng(0)
    # Row -> the rows of its episode from it on, the episode's last, and all of it.
    expected: dict[int, tuple[set[int], set[int], set[int]]] = {}
    for copy in range(copies):
        for times in whole_episodes(slots, steps, copy):
            rows = [time % slots * copies + copy for time in times]
            for place, row in enumerate(rows):
                expected[row] = set(rows[place:]), {rows[-1]}, set(rows)
    assert index.count.sum() == len(expected)
    if not expected:
        return
    drawn = index.draw(rng, 40 * len(expected))
    assert set(drawn.tolist()) == set(expected)
    for kind, strategy in enumerate(
        (
            GoalSelectionStrategy.FUTURE,
            GoalSelectionStrategy.FINAL,
            GoalSelectionStrategy.EPISODE,
        )
    ):
        goals = index.draw_goals(rng, drawn, strategy)
        for row, goal in zip(drawn.tolist(), goals.tolist(), strict=True):
            assert goal in expected[row][kind]
