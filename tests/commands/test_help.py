"""What --help says: every flag, every default, every preset."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable

import pytest

from experiments.command_line import has_flag
from experiments.config import registry
from experiments.config.presets import PRESETS
from experiments.config.registry import Rule
from tests.command_lines import REPOSITORY, Command

COMMANDS = ("train", "compare", "evaluate", "plot")


@pytest.fixture
def help_of(command: Command, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """A command's help without its line breaks, and without spaces, as words are broken too."""
    # Wider terminals have the groups side by side.
    monkeypatch.setenv("COLUMNS", "120")

    def told(name: str) -> str:
        outcome = command(name, "--help")
        assert outcome.status == 0
        return outcome.text.replace(" ", "")

    return told


@pytest.mark.parametrize("name", COMMANDS)
def test_help_shows_every_default(help_of: Callable[[str], str], name: str) -> None:
    text = help_of(name)
    settings = {
        name
        for entry in registry.entries()
        for name, info in entry.settings.model_fields.items()
        if has_flag(info)
    }
    flags = {
        "train": len(settings - {"device"}) + 8,
        "compare": len(settings - {"method", "network", "n", "seed", "device"}) + 16,
        "evaluate": 8,
        "plot": 1,
    }
    assert text.count("(default:") == flags[name]
    assert ("(required)" in text) == (name in ("evaluate", "plot"))
    # Nothing of the source that is no help.
    assert "type:ignore" not in text
    assert "noqa" not in text


@pytest.mark.parametrize("name", ["train", "compare"])
def test_every_setting_is_a_flag_with_its_rule_and_whose_it_is(
    help_of: Callable[[str], str], name: str
) -> None:
    text = help_of(name)
    swept = {"method", "network", "n", "seed", "device"} if name == "compare" else {"device"}
    for entry in registry.METHODS.values():
        for field, info in entry.settings.model_fields.items():
            if field in swept or not has_flag(info):
                continue
            flag = {"budget_env_steps": "budget"}.get(field, field).replace("_", "-")
            assert f"--{flag}" in text
            if isinstance(info.default_factory, Rule):
                # Of a flag that several methods have the first one's rule stands first.
                said = re.escape(info.default_factory.said.replace(" ", ""))
                assert re.search(rf"(\(default:|;{entry.name}:){said}", text)
    order = ["Settingsofeverymethod.", "--budget", "Settingsofdqnandgflownet.", "--replay-share"]
    order += ["Settingsofdqn.", "--one-success", "Settingsofher.", "--goal-strategy"]
    places = [text.index(words) for words in order]
    assert places == sorted(places)


def test_help_names_every_preset_with_its_cost(help_of: Callable[[str], str]) -> None:
    text = help_of("compare")
    for name, preset in PRESETS.items():
        assert f"{name}: {preset.cost}".replace(" ", "") in text


@pytest.mark.parametrize("name", COMMANDS)
def test_help_is_there_where_docstrings_are_dropped(name: str) -> None:
    command = [sys.executable, "-OO", "-m", f"experiments.{name}", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY)
    assert done.returncode == 0, done.stderr
    assert "--help" in done.stdout
