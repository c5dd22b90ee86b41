"""The same weights at other numbers of bits: one table for the console and the page, a figure."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from experiments import plot
from experiments.figures import console, pages, transfer
from experiments.records.schema import TRANSFER_COLUMNS
from experiments.records.summary import rate_interval, summarise_transfers
from experiments.records.tables import TableError
from tests.made_tables import DQN, folder_with, runs_of, together, transfers_of

RATES = {8: (1.0, 1.0, 1.0), 300: (1.0, 1.0, 0.5), 10_000: (1.0, 1.0, 0.0)}
RUNS = together(runs_of(DQN | {"network": "equivariant"}, 8, (900, 800, 700)))


def test_seeds_are_taken_together() -> None:
    header, rows = pages.transfer_rows(transfers_of(RATES))
    assert header == ["trained at n", "n", "seeds at 1.0", "lowest", "mean steps", "optimum"]
    assert rows == [
        ["8", "8", "3/3", "1.000", "4.0", "4.0"],
        ["8", "300", "2/3", "0.500", "175.0", "150.0"],
        ["8", "10,000", "2/3", "0.000", "6,666.7", "5,000.0"],
    ]
    low = summarise_transfers(transfers_of(RATES))["success_rate_low"]
    assert low.tolist() == [rate_interval(some)[0] for some in RATES.values()]


def test_several_agents_are_told_apart() -> None:
    two = pd.concat([transfers_of(RATES), transfers_of(RATES, network="other", trained_n=12)])
    header, rows = pages.transfer_rows(two)
    assert header[:2] == ["agent", "trained at n"]
    assert [row[:3] for row in rows[2:4]] == [
        ["DQN, equivariant", "8", "10,000"],
        ["DQN, other", "12", "8"],
    ]
    twins = transfers_of(RATES).assign(config_id="twin")
    _, rows = pages.transfer_rows(pd.concat([transfers_of(RATES), twins]))
    assert {row[0] for row in rows} == {"dqn-equivariant-n8", "twin"}


def test_the_console_has_the_rows_of_the_page() -> None:
    stream = io.StringIO()
    console.print_transfers(Console(file=stream, width=100), transfers_of(RATES))
    page = transfer.page(transfers_of(RATES)) or ""
    for row in pages.transfer_rows(transfers_of(RATES))[1]:
        assert f"| {' | '.join(row)} |" in page
        shown = [line for line in stream.getvalue().splitlines() if f" {row[1]} " in line]
        assert any(all(cell in line for cell in row) for line in shown)
    assert "DQN, equivariant; 3 seeds; 20 to 1,000 episodes each; horizon n." in page


def test_a_page_without_steps_has_dashes() -> None:
    transfers = transfers_of(RATES)
    transfers[["mean_steps", "optimal_mean_steps"]] = np.nan
    assert pages.transfer_rows(transfers)[1][0] == ["8", "8", "3/3", "1.000", "-", "-"]
    assert transfer.transfer(transfers, RUNS) is not None


def test_every_seed_is_drawn_with_the_mean_and_the_ratio() -> None:
    figure = transfer.transfer(transfers_of(RATES), RUNS)
    assert figure is not None
    left, right = figure.subfigs[0].axes
    assert left.get_xscale() == "log"
    dots = [line for line in left.lines if line.get_marker() == "."]
    assert sorted(np.concatenate([np.asarray(line.get_ydata()) for line in dots])) == [
        *(0.0, 0.5),
        *[1.0] * 7,
    ]
    (container,) = left.containers
    means: Any = container
    np.testing.assert_allclose(means.lines[0].get_ydata(), [1, 2.5 / 3, 2 / 3])
    ratios = [line for line in right.lines if line.get_marker() == "o"]
    np.testing.assert_allclose(np.asarray(ratios[0].get_ydata()), [1, 1, 1])  # median seeds
    assert [text.get_text() for text in left.texts] == ["trained at n = 8"]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "DQN, equivariant",
        "optimal policy",
    ]


def test_no_transfers_no_figure() -> None:
    empty = transfers_of(RATES).iloc[:0]
    for transfers in (None, empty):
        assert transfer.transfer(transfers, RUNS) is None
        assert transfer.page(transfers) is None


def test_files_appear(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only: Any = [entry for entry in plot._FIGURES if entry[0] == "transfer"]
    monkeypatch.setattr(plot, "_FIGURES", only)
    assert plot.plot(folder_with(tmp_path / "a", RUNS)) == []
    there = folder_with(tmp_path / "b", RUNS, transfers_of(RATES))
    assert [path.name for path in plot.plot(there)] == [
        "transfer.png",
        "transfer.svg",
        "transfer.md",
    ]


def test_a_wrong_table_is_named(tmp_path: Path) -> None:
    there = folder_with(tmp_path, RUNS)
    required = [name for name, column in TRANSFER_COLUMNS.items() if column.required]
    transfers_of(RATES)[required].drop(columns="trained_n").to_csv(there / "transfer.csv")
    with pytest.raises(TableError, match=r"transfer.csv.*'trained_n': is missing"):
        plot.plot(there)
    assert not (there / "figures").exists()
