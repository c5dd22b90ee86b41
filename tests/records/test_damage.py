"""A run's folder with a file missing, torn, foreign or wrong: named, not counted, left in place."""

from __future__ import annotations

import functools
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import example, given
from hypothesis import strategies as st

from experiments.records import merging, run_folders
from experiments.records.files import ResultError
from experiments.records.run_folders import CONFIG, CURVE, POLICY, RESULT, FinishedRun
from tests.made_runs import NAMES, TABLES, Files, make_finished_run, tree, with_content

Damage = Callable[[Files], Files]


@functools.cache
def sound() -> tuple[FinishedRun, Files]:
    """A run, and the files of its folder."""
    run = make_finished_run()
    with tempfile.TemporaryDirectory() as out:
        folder = run_folders.write_run(Path(out), run)
        return run, {name: (folder / name).read_bytes() for name in NAMES}


def edit_json(name: str, **changes: Any) -> Damage:
    """Replace keys of a JSON file; ``...`` drops one."""

    def edit(content: Files) -> Files:
        fields = json.loads(content[name]) | changes
        kept = {key: value for key, value in fields.items() if value is not ...}
        return {**content, name: json.dumps(kept).encode()}

    return edit


def missing(name: str) -> Damage:
    return lambda content: {other: data for other, data in content.items() if other != name}


def replace(name: str, data: bytes) -> Damage:
    return lambda content: {**content, name: data}


def edit_text(name: str, old: str, new: str) -> Damage:
    return lambda content: {**content, name: content[name].replace(old.encode(), new.encode(), 1)}


def cut(name: str, keep: Callable[[int], int]) -> Damage:
    """The first bytes of a file alone."""
    return lambda content: {**content, name: content[name][: keep(len(content[name]))]}


def without_rows(count: int) -> Damage:
    """The curve without its last evaluations: cut off between two lines."""
    return lambda content: {
        **content,
        CURVE: b"".join(content[CURVE].splitlines(keepends=True)[:-count]),
    }


def swapped(name: str, **settings: Any) -> Damage:
    """A file of another run, itself sound."""

    def edit(content: Files) -> Files:
        with tempfile.TemporaryDirectory() as out:
            folder = run_folders.write_run(Path(out), make_finished_run(**settings))
            return {**content, name: (folder / name).read_bytes()}

    return edit


DAMAGE: list[tuple[str, str, Damage]] = [
    *((name, "missing", missing(name)) for name in NAMES),
    *((name, "empty", replace(name, b"")) for name in NAMES),
    *((name, "one byte", cut(name, lambda _: 1)) for name in NAMES),
    *((name, "half", cut(name, lambda size: size // 2)) for name in NAMES),
    *((name, "zeros", replace(name, bytes(200))) for name in NAMES),
    *((name, "no UTF-8", replace(name, b"\xff\xfe{}\x80")) for name in NAMES),
    *((name, "text", replace(name, b"hello\n")) for name in NAMES),
    *((name, "another seed's", swapped(name, seed=1)) for name in NAMES),
    *((name, "another method's", swapped(name, method="dqn")) for name in NAMES),
    *((name, "a list", replace(name, b"[1, 2]")) for name in (CONFIG, RESULT)),
    *((name, "null", replace(name, b"null")) for name in (CONFIG, RESULT)),
    *((name, "deep", replace(name, b"[" * 100_000)) for name in (CONFIG, RESULT)),
    *((name, "long", replace(name, b'{"a": "' + b"x" * 2_000_000)) for name in (CONFIG, RESULT)),
    *(
        (name, "digits", replace(name, b'{"n": ' + b"9" * 5_000 + b"}"))
        for name in (CONFIG, RESULT)
    ),
    (RESULT, "hundreds of digits", edit_json(RESULT, env_steps=10**400)),
    (CONFIG, "hundreds of digits", edit_json(CONFIG, n=10**400)),
    (CONFIG, "a layer of gigabytes", edit_json(CONFIG, hidden=[10**9])),
    (CONFIG, "evaluations of gigabytes", edit_json(CONFIG, n=10**6, eval_episodes=10**7)),
    (CONFIG, "a thousand layers", edit_json(CONFIG, hidden=[64] * 1_000)),
    *(
        (name, "cut before its brace", cut(name, lambda size: size - 2))
        for name in (CONFIG, RESULT)
    ),
    *((name, "no schema", edit_json(name, schema_version=...)) for name in (CONFIG, RESULT)),
    *((name, "newer schema", edit_json(name, schema_version=2)) for name in (CONFIG, RESULT)),
    *((name, "text schema", edit_json(name, schema_version="1")) for name in (CONFIG, RESULT)),
    (CONFIG, "other seed", edit_json(CONFIG, seed=1)),
    (CONFIG, "other width", edit_json(CONFIG, hidden=[64])),
    (CONFIG, "no such method", edit_json(CONFIG, method="ppo")),
    (CONFIG, "unknown field", edit_json(CONFIG, colour="red")),
    (CONFIG, "a field missing", edit_json(CONFIG, gamma=...)),
    (CONFIG, "a field empty", edit_json(CONFIG, gamma=None)),
    (CONFIG, "NaN", edit_json(CONFIG, gamma=float("nan"))),
    (CONFIG, "a list for a number", edit_json(CONFIG, n=[3])),
    (CONFIG, "an object for a name", edit_json(CONFIG, method={})),
    (RESULT, "a key missing", edit_json(RESULT, success_rate=...)),
    (RESULT, "an empty required key", edit_json(RESULT, success_rate=None)),
    (RESULT, "an empty key", edit_json(RESULT, env_steps=None)),
    (RESULT, "unknown key", edit_json(RESULT, reward=1)),
    (RESULT, "NaN", edit_json(RESULT, success_rate=float("nan"))),
    (RESULT, "infinity", edit_json(RESULT, train_seconds=float("inf"))),
    (RESULT, "too large a float", edit_text(RESULT, "140.25", "1e999")),
    (RESULT, "rate above 1", edit_json(RESULT, success_rate=1.5)),
    (RESULT, "rate as text", edit_json(RESULT, success_rate="1.0")),
    (RESULT, "rate as list", edit_json(RESULT, success_rate=[1.0])),
    (RESULT, "negative steps", edit_json(RESULT, env_steps=-1)),
    (RESULT, "half a step", edit_json(RESULT, env_steps=0.5)),
    (RESULT, "steps as flag", edit_json(RESULT, env_steps=True)),
    (RESULT, "solved as text", edit_json(RESULT, solved="yes")),
    (RESULT, "other n", edit_json(RESULT, n=4)),
    (RESULT, "other device", edit_json(RESULT, device="cuda")),
    (RESULT, "other configuration", edit_json(RESULT, config_id="her-mlp-n3-0123456789")),
    (RESULT, "no provenance", edit_json(RESULT, provenance=...)),
    (RESULT, "provenance of another type", edit_json(RESULT, provenance="me")),
    (CURVE, "header missing", edit_text(CURVE, "run_id,", "name,")),
    (CURVE, "last evaluation missing", without_rows(1)),
    (CURVE, "all evaluations missing", without_rows(3)),
    (CURVE, "cut in its last row", cut(CURVE, lambda size: size - 12)),
    (CURVE, "rate above 1", edit_text(CURVE, ",0.1,", ",1.5,")),
    (CURVE, "rate as text", edit_text(CURVE, ",0.1,", ",high,")),
    (CURVE, "rate not there", edit_text(CURVE, ",0.1,", ",,")),
    (CURVE, "NaN rate", edit_text(CURVE, ",0.1,", ",nan,")),
    (CURVE, "newer schema", edit_text(CURVE, ",1\n", ",2\n")),
    (CURVE, "too many cells", edit_text(CURVE, ",1\n", ",1,1\n")),
    (CURVE, "open quote", edit_text(CURVE, "her-mlp", '"her-mlp')),
    (POLICY, "a pickle", replace(POLICY, b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00\x8c\x07")),
    (POLICY, "a zip", replace(POLICY, b"PK\x03\x04" + bytes(100))),
    (POLICY, "one byte short", cut(POLICY, lambda size: size - 1)),
    (POLICY, "no weights", replace(POLICY, safetensors.numpy.save({}))),
    (
        POLICY,
        "weights without a name",
        replace(POLICY, safetensors.numpy.save({"w": np.zeros(2, dtype=np.float32)})),
    ),
]


@pytest.mark.parametrize(
    ("name", "damage"), [(row[0], row[2]) for row in DAMAGE], ids=[f"{r[0]}-{r[1]}" for r in DAMAGE]
)
def test_damage_is_named_not_counted_and_left_in_place(
    tmp_path: Path, name: str, damage: Damage
) -> None:
    run, content = sound()
    damaged = damage(content)
    assert damaged != content
    folder = with_content(tmp_path / "runs" / run.config.run_id, damaged)
    run_folders.write_run(tmp_path, make_finished_run(seed=7))
    before = tree(tmp_path)

    with pytest.raises(ResultError) as caught:
        run_folders.read_run(folder)
    assert str(folder / name) in str(caught.value)

    finished, problems = run_folders.scan(tmp_path)
    assert [found.config.seed for found in finished.values()] == [7]
    assert len(problems) == 1
    assert str(folder / name) in problems[0]
    assert list(merging.merge(tmp_path, finished)["seed"]) == [7]
    assert {path: data for path, data in tree(tmp_path).items() if path not in TABLES} == before


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_in_the_place_of_a_file_is_named(tmp_path: Path, name: str) -> None:
    run, content = sound()
    folder = with_content(tmp_path / "runs" / run.config.run_id, content)
    (folder / name).unlink()
    (folder / name).mkdir()
    with pytest.raises(ResultError, match=name):
        run_folders.read_run(folder)


@pytest.mark.parametrize(
    "name", ["her-mlp-n3-s0-0000000000", "copy of a run", "her-mlp-n3-s1-7bbebd3935"]
)
def test_a_run_under_another_name_is_not_counted(tmp_path: Path, name: str) -> None:
    run, content = sound()
    folder = with_content(tmp_path / "runs" / name, content)
    assert run_folders.read_run(folder) == run
    finished, problems = run_folders.scan(tmp_path)
    assert finished == {}
    (problem,) = problems
    assert f"{name}/{CONFIG}" in problem
    assert run.config.run_id in problem


def test_what_is_no_run_is_named_and_what_is_unfinished_is_not(tmp_path: Path) -> None:
    run, content = sound()
    with_content(tmp_path / "runs" / run.config.run_id, content)
    with_content(tmp_path / "runs" / f".{run.config.run_id}.4711", {CONFIG: b"{"})
    (tmp_path / "runs" / "notes.txt").write_text("mine")
    (tmp_path / "runs" / ".DS_Store").write_bytes(b"\x00")
    finished, problems = run_folders.scan(tmp_path)
    assert finished == {run.config.run_id: run}
    (problem,) = problems
    assert "notes.txt" in problem


def test_a_folder_without_runs_has_none(tmp_path: Path) -> None:
    assert run_folders.scan(tmp_path) == ({}, [])
    assert run_folders.scan(tmp_path / "not there") == ({}, [])
    assert not (tmp_path / "not there").exists()


def read_again(content: Files) -> FinishedRun | None:
    """What the files say, None where they are refused."""
    run, _ = sound()
    with tempfile.TemporaryDirectory() as out:
        folder = with_content(Path(out) / run.config.run_id, content)
        try:
            return run_folders.read_run(folder)
        except ResultError:
            return None


@given(st.sampled_from(NAMES), st.floats(0, 1, exclude_max=True))
def test_a_cut_off_file_is_refused_or_had_lost_nothing(name: str, share: float) -> None:
    run, content = sound()
    kept = int(share * len(content[name]))
    found = read_again({**content, name: content[name][:kept]})
    assert found is None or found == run
    # Nothing but a line's end, or a schema version that may be left out, can be lost in silence.
    assert found is None or kept >= len(content[name]) - 2


@given(st.sampled_from(NAMES), st.floats(0, 1, exclude_max=True), st.integers(1, 255))
@example(RESULT, 0.0, 0x80)
def test_a_flipped_byte_never_makes_another_run(name: str, share: float, mask: int) -> None:
    run, content = sound()
    data = bytearray(content[name])
    data[int(share * len(data))] ^= mask
    found = read_again({**content, name: bytes(data)})
    if found is None:
        return
    assert found.config == run.config
    # A measured number may be another number: but of its kind, in its range, and of this run.
    for column in ("run_id", "config_id", "method", "network", "n", "seed", "budget_env_steps"):
        assert found.result[column] == run.result[column]
    assert 0 <= found.result["success_rate"] <= 1
    assert [len(row) for row in found.curve] == [len(row) for row in run.curve]
    if name in (CONFIG, CURVE, POLICY):
        assert found.result == run.result
    if name != POLICY:
        assert found.policy == run.policy


@given(st.sampled_from(NAMES), st.binary(max_size=300))
def test_a_foreign_file_is_refused(name: str, data: bytes) -> None:
    _, content = sound()
    assert read_again({**content, name: data}) is None
