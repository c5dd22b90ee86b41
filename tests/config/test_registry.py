"""Methods and networks as entries: what they bring, and what nobody else has to know."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest

from experiments.config import registry
from experiments.config.errors import ConfigError
from experiments.config.registry import Method, Network, Rule
from experiments.config.run import RunConfig
from experiments.config.settings import setting
from experiments.methods.her import HerRun
from tests.config.test_run import BASES, OTHER


class LaterRun(HerRun):
    """Hindsight with a setting that did not exist when the first runs were named."""

    patience: int = setting("Of ours.", 3, low=1, high=9, neutral=3)
    hurry: int = setting("Of runs since.", 2, low=1, high=9, neutral=1)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = registry.method("her")
    changed = Method(name="her", title="HER", settings=LaterRun, module=entry.module)
    monkeypatch.setitem(registry.METHODS, "her", changed)


def test_a_setting_that_is_added_later_renames_no_run(request: pytest.FixtureRequest) -> None:
    before = RunConfig.of(n=7)
    request.getfixturevalue("later")
    now = RunConfig.of(n=7, hurry=1)
    assert now.run_id == before.run_id
    assert now.to_dict() == before.to_dict()
    # Also where today's default is another one.
    assert RunConfig.from_dict(before.to_dict()) == now != RunConfig.of(n=7)
    other = RunConfig.of(n=7, hurry=1, patience=4)
    assert other.run_id != before.run_id
    assert RunConfig.from_dict(other.to_dict()) == other
    with pytest.raises(ConfigError, match=r"patience must be .* at most 9, got 10"):
        RunConfig.of(patience=10)
    with pytest.raises(ConfigError, match=r"patience=4 is for method 'her' only, got 'dqn'"):
        RunConfig.of(method="dqn", patience=4)


def test_a_network_has_rules_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = Rule("batch_size", "n + 1", lambda run: run["n"] + 1)
    wide = Network(name="wide", module="nowhere:Wide", rules={"batch_size": rule})
    monkeypatch.setitem(registry.NETWORKS, "wide", wide)
    run: Any = RunConfig.of(network="wide", n=9)
    assert (run.batch_size, run.hidden) == (10, (256,))
    assert "batch_size" in registry.followers()["network"]


def test_a_method_has_rules_of_its_own_where_they_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    few = Rule("n_envs", "2 for one bit", lambda _: 2, holds=lambda run: run["n"] == 1)
    entry = dataclasses.replace(registry.method("her"), rules=registry.rules(few))
    monkeypatch.setitem(registry.METHODS, "her", entry)
    copies = [RunConfig.of(method=m, n=n).n_envs for m in ("her", "dqn") for n in (1, 2)]
    assert copies == [2, 8, 8, 8]
    # A network's own goes before it.
    assert RunConfig.of(network="equivariant", n=1).n_envs == 1
    followers = registry.followers()
    assert "n_envs" in followers["method"] & followers["n"]


@pytest.mark.parametrize("name", [name for name in HerRun.model_fields if name in OTHER])
def test_a_changed_setting_changes_only_what_follows_from_it(name: str) -> None:
    base = BASES.get(name, {})
    one, other = (dict(RunConfig.of(**{**base, **new})) for new in ({}, {name: OTHER[name]}))
    differing = {n for n in one.keys() & other.keys() if one[n] != other[n]}
    followers, found = registry.followers(), {name}
    while further := {f for known in found for f in followers.get(known, ())} - found:
        found |= further
    assert differing <= found


def test_what_follows_from_what_is_read_off_the_rules() -> None:
    followers = registry.followers()
    assert followers["implementation"] == {
        *("learner_reward", "relabel_done", "gamma", "tau", "target_update_interval"),
        "acting_weights",
    }
    assert followers["goal_mode"] == {"budget_env_steps", "eval_episodes"}
    assert "seed" not in followers


def test_no_code_outside_an_entry_knows_a_method_or_a_network_by_name() -> None:
    """Presets and what people read may name them: they are data."""
    names = "|".join([*registry.METHODS, *registry.NETWORKS])
    branch = re.compile(rf"(?:==|!=|\bin\b|\bcase\b)\s*[(\[{{]?\s*[\"'](?:{names})[\"']")
    found = [
        f"{path}: {line.strip()}"
        for path in sorted(Path(registry.__file__).parents[1].rglob("*.py"))
        for line in path.read_text().splitlines()
        if branch.search(line)
    ]
    assert found == []
