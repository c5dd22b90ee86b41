"""The same weights at other numbers of bits: one table for the console and the page, a figure."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd

from experiments.figures import console, pages, transfer
from experiments.records.summary import rate_interval, summarise_transfers
from experiments.telling import Console
from tests.figures.drawn import heights, labels, lines, marked, panels
from tests.made_tables import DQN, runs_of, together, transfers_of

RATES = {8: (1.0, 1.0, 1.0), 300: (1.0, 1.0, 0.5), 10_000: (1.0, 1.0, 0.0)}
TRANSFERS = transfers_of(RATES)
RUNS = together(runs_of(DQN | {"network": "equivariant"}, 8, (900, 800, 700)))


def test_seeds_are_taken_together() -> None:
    header, rows = pages.transfer_rows(TRANSFERS)
    assert header == ["trained at n", "n", "seeds at 1.0", "lowest", "mean steps", "optimum"]
    assert rows == [
        ["8", "8", "3/3", "1.000", "4.0", "4.0"],
        ["8", "300", "2/3", "0.500", "175.0", "150.0"],
        ["8", "10,000", "2/3", "0.000", "6,666.7", "5,000.0"],
    ]
    low = summarise_transfers(TRANSFERS)["success_rate_low"]
    assert low.tolist() == [rate_interval(some)[0] for some in RATES.values()]


def test_several_agents_are_told_apart() -> None:
    two = pd.concat([TRANSFERS, transfers_of(RATES, network="other", trained_n=12)])
    header, rows = pages.transfer_rows(two)
    assert header[:2] == ["agent", "trained at n"]
    assert rows[2][:3] == ["DQN, equivariant", "8", "10,000"]
    assert rows[3][:3] == ["DQN, other", "12", "8"]
    _, rows = pages.transfer_rows(pd.concat([TRANSFERS, TRANSFERS.assign(config_id="twin")]))
    assert {row[0] for row in rows} == {"dqn-equivariant-n8", "twin"}


def test_the_console_has_the_rows_of_the_page() -> None:
    stream = io.StringIO()
    console.print_transfers(Console(file=stream, width=100), TRANSFERS, RUNS)
    page = transfer.page(TRANSFERS, RUNS) or ""
    for row in pages.transfer_rows(TRANSFERS)[1]:
        assert f"| {' | '.join(row)} |" in page
        shown = [line for line in stream.getvalue().splitlines() if f" {row[1]} " in line]
        assert any(all(cell in line for cell in row) for line in shown)
    assert "DQN, equivariant; 3 seeds; 20 to 1,000 episodes each; horizon n." in page


def test_a_page_without_steps_has_dashes() -> None:
    bare = TRANSFERS.assign(mean_steps=np.nan, optimal_mean_steps=np.nan)
    assert pages.transfer_rows(bare)[1][0] == ["8", "8", "3/3", "1.000", "-", "-"]
    assert transfer.figure(bare, RUNS) is not None


def test_every_seed_is_drawn_with_the_mean_and_the_ratio() -> None:
    figure = transfer.figure(TRANSFERS, RUNS)
    left, right = panels(figure)
    assert left.get_xscale() == "log"
    assert sorted(np.concatenate(marked(left, "."))) == [0.0, 0.5, *[1.0] * 7]
    means = left.containers[0].lines[0]  # type: ignore[attr-defined]
    np.testing.assert_allclose(heights(means), [1, 2.5 / 3, 2 / 3])
    assert heights(lines(right)["DQN, equivariant"]).tolist() == [1, 1, 1]  # median seeds
    assert left.get_xlabel() == "n (bits); dotted: trained at n = 8"
    assert labels(figure) == ["DQN, equivariant", "optimal policy"]


def test_no_transfers_no_figure() -> None:
    for transfers in (None, TRANSFERS.iloc[:0]):
        assert transfer.figure(transfers, RUNS) is None
        assert transfer.page(transfers, RUNS) is None
