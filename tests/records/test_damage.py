"""A run's folder with a file missing, torn, foreign or wrong: named, not counted, left in place."""

from __future__ import annotations

import dataclasses
import functools
import json
import math
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
Edit = Callable[[bytes], bytes]


@functools.cache
def sound(seed: int = 0) -> tuple[FinishedRun, Files]:
    """A run, and the files of its folder."""
    run = make_finished_run(seed=seed)
    with tempfile.TemporaryDirectory() as out:
        folder = run_folders.write_run(Path(out), run)
        return run, {name: (folder / name).read_bytes() for name in NAMES}


def without(name: str) -> Damage:
    return lambda content: {other: data for other, data in content.items() if other != name}


def anothers(name: str) -> Damage:
    return lambda content: {**content, name: sound(seed=1)[1][name]}


def edited(name: str, edit: Edit) -> Damage:
    return lambda content: {**content, name: edit(content[name])}


def fields(**changes: Any) -> Edit:
    """Replace keys of a JSON file; ``...`` drops one."""

    def edit(data: bytes) -> bytes:
        changed = json.loads(data) | changes
        return json.dumps({k: value for k, value in changed.items() if value is not ...}).encode()

    return edit


def text(old: bytes, new: bytes) -> Edit:
    return lambda data: data.replace(old, new, 1)


def rows(count: int) -> Edit:
    """The header of a table and its first rows alone."""
    return lambda data: b"".join(data.splitlines(keepends=True)[: 1 + count])


ANY_FILE: dict[str, Edit] = {
    "empty": lambda _: b"",
    "half": lambda data: data[: len(data) // 2],
    "no UTF-8": lambda _: b"\xff\xfe{}\x80",
}
ANY_JSON: dict[str, Edit] = {
    "a list": lambda _: b"[1, 2]",
    "null": lambda _: b"null",
    "deep": lambda _: b"[" * 100_000,
    "long": lambda _: b'{"a": "' + b"x" * 2_000_000,
    "digits": lambda _: b'{"n": ' + b"9" * 5_000 + b"}",
    "cut before its brace": lambda data: data[:-2],
    "no schema": fields(schema_version=...),
    "newer schema": fields(schema_version=9),
    "text schema": fields(schema_version="1"),
}
OWN: dict[str, dict[str, Edit]] = {
    CONFIG: ANY_JSON
    | {
        "hundreds of digits": fields(n=10**400),
        "a layer of gigabytes": fields(hidden=[10**9]),
        "evaluations of gigabytes": fields(n=10**6, eval_episodes=10**7),
        "a thousand layers": fields(hidden=[64] * 1_000),
        "other seed": fields(seed=1),
        "other width": fields(hidden=[64]),
        "unknown field": fields(colour="red"),
        "a field missing": fields(gamma=...),
        "a field empty": fields(gamma=None),
        "NaN": fields(gamma=math.nan),
        "an object for a name": fields(method={}),
    },
    RESULT: ANY_JSON
    | {
        "hundreds of digits": fields(env_steps=10**400),
        "a key missing": fields(success_rate=...),
        "an empty required key": fields(success_rate=None),
        "an empty key": fields(env_steps=None),
        "unknown key": fields(reward=1),
        "NaN": fields(success_rate=math.nan),
        "rate above 1": fields(success_rate=1.5),
        "too large a float": text(b"140.25", b"1e999"),
        "other n": fields(n=4),
        "other device": fields(device="cuda"),
        "other configuration": fields(config_id="her-mlp-n3-0123456789"),
        "no provenance": fields(provenance=...),
        "provenance of another type": fields(provenance="me"),
    },
    CURVE: {
        "header missing": text(b"run_id,", b"name,"),
        "last evaluation missing": rows(2),
        "all evaluations missing": rows(0),
        "cut in its last row": lambda data: data[:-12],
        "rate as text": text(b",0.1,", b",high,"),
        "rate above 1": text(b",0.1,", b",1.5,"),
        "newer schema": text(b",3\n", b",9\n"),
        "too many cells": text(b",3\n", b",3,1\n"),
        "open quote": text(b"her-mlp", b'"her-mlp'),
    },
    POLICY: {
        "a pickle": lambda _: b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00\x8c\x07",
        "one byte short": lambda data: data[:-1],
        "no weights": lambda _: safetensors.numpy.save({}),
        "no name": lambda _: safetensors.numpy.save({"w": np.zeros(2, dtype=np.float32)}),
    },
}
DAMAGE: list[tuple[str, str, Damage]] = [
    *((name, "missing", without(name)) for name in NAMES),
    *((name, "another run's", anothers(name)) for name in NAMES),
    *((n, label, edited(n, edit)) for n in NAMES for label, edit in (ANY_FILE | OWN[n]).items()),
]


@pytest.mark.parametrize(
    ("name", "damage"), [pytest.param(name, edit, id=f"{name}-{of}") for name, of, edit in DAMAGE]
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
    finished, (problem,) = run_folders.scan(tmp_path)
    assert finished == {}
    assert f"{name}/{CONFIG}" in problem
    assert run.config.run_id in problem


def test_what_is_no_run_is_named_and_what_is_unfinished_is_not(tmp_path: Path) -> None:
    run, content = sound()
    assert run_folders.scan(tmp_path / "not there") == ({}, [])
    with_content(tmp_path / "runs" / run.config.run_id, content)
    with_content(tmp_path / "runs" / f".{run.config.run_id}.4711", {CONFIG: b"{"})
    (tmp_path / "runs" / "notes.txt").write_text("mine")
    (tmp_path / "runs" / ".DS_Store").write_bytes(b"\x00")
    finished, (problem,) = run_folders.scan(tmp_path)
    assert finished == {run.config.run_id: run}
    assert "notes.txt" in problem


def read_again(name: str, data: bytes) -> FinishedRun | None:
    """What a run says with another content of a file, None where it is refused."""
    run, content = sound()
    with tempfile.TemporaryDirectory() as out:
        folder = with_content(Path(out) / run.config.run_id, {**content, name: data})
        try:
            return run_folders.read_run(folder)
        except ResultError:
            return None


@given(st.sampled_from(NAMES), st.floats(0, 1, exclude_max=True))
def test_a_cut_off_file_is_refused_or_had_lost_nothing(name: str, share: float) -> None:
    run, content = sound()
    kept = int(share * len(content[name]))
    found = read_again(name, content[name][:kept])
    # Nothing but a line's end, or a schema version that may be left out, can be lost in silence.
    assert found is None or (found == run and kept >= len(content[name]) - 2)


@given(st.sampled_from(NAMES), st.floats(0, 1, exclude_max=True), st.integers(1, 255))
@example(RESULT, 0.0, 0x80)
def test_a_flipped_byte_never_makes_another_run(name: str, share: float, mask: int) -> None:
    run, content = sound()
    data = bytearray(content[name])
    data[int(share * len(data))] ^= mask
    found = read_again(name, bytes(data))
    # The provenance is no figure, and has no checksum.
    assert found is None or dataclasses.replace(found, provenance=run.provenance) == run


@given(st.sampled_from(NAMES), st.binary(max_size=300))
def test_a_foreign_file_is_refused(name: str, data: bytes) -> None:
    assert read_again(name, data) is None
