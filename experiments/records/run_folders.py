"""The files of a results folder: written whole or not at all, read with suspicion.

``runs/<run_id>/`` holds a finished run (config.json, result.json, curve.csv, policy.safetensors).
Whatever is being written has a name that starts with a dot.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from experiments.config import registry
from experiments.config.errors import ConfigError
from experiments.config.run import RunConfig
from experiments.records import files, tables
from experiments.records.files import ResultError
from experiments.records.schema import (
    CURVE_COLUMNS,
    RUN_COLUMNS,
    SCHEMA_VERSION,
    SETTING_COLUMNS,
    WRITTEN_COLUMNS,
)
from experiments.records.tables import TableError, typed_table

IDENTITY = ("run_id", "config_id", "method", "network", "n", "seed")
"""What a row of any table says of its run."""
CHECKSUMS = "sha256"
"""Key of a run's provenance: what its files were when they were written."""
CONFIGURATION = "configuration"
"""Key of a run's provenance: its settings, as they stand in config.json too."""
CONFIG, RESULT, CURVE, POLICY = "config.json", "result.json", "curve.csv", "policy.safetensors"

_NEVER_EMPTY = frozenset(
    {"run_id", "config_id", "method", "network", "n", "seed", "env", "told", "method_settings"}
    | {"env_steps", "episodes", "success_rate", "solved", "held_share"}
    | {"stopped_early", "rollout_successes", "wall_seconds", "train_seconds", "threads"}
)


@dataclass(frozen=True)
class FinishedRun:
    """Everything that a run's folder holds.

    ``result`` has the columns of runs.csv, ``curve`` a row for each evaluation, ``policy`` the
    weights as safetensors, ``provenance`` where it all comes from.
    """

    config: RunConfig
    result: dict[str, Any]
    curve: list[dict[str, Any]]
    policy: bytes
    provenance: dict[str, Any]


def settings_row(run: RunConfig) -> dict[str, Any]:
    """What a row of runs.csv says of a run's settings, ``method_settings`` as JSON of the rest."""
    fixed = registry.method_of(dict(run)).fixed
    hidden = None if run.hidden is None else "x".join(map(str, run.hidden))
    named = {"run_id": run.run_id, "config_id": run.config_id, "told": run.told}
    known = {**dict(run), **fixed, **named, "hidden": hidden, "parent": run.parent or None}
    rest = {name: value for name, value in run.to_dict().items() if name not in SETTING_COLUMNS}
    row = {name: known.get(name) for name in SETTING_COLUMNS}
    return {**row, "method_settings": json.dumps(rest, sort_keys=True)}


def run_of(row: Mapping[str, Any]) -> RunConfig:
    """The run that a row of runs.csv tells of.

    Raises:
        ConfigError: If it tells of none.
    """
    fields = {n: row[n] for n in SETTING_COLUMNS if n in row and not pd.isna(row[n])}
    fields |= json.loads(fields.pop("method_settings", "{}"))
    entry = registry.method_of(fields)
    if "hidden" in fields:
        fields["hidden"] = [int(width) for width in str(fields["hidden"]).split("x")]
    own = entry.settings.model_fields
    fields = {n: None for n in SETTING_COLUMNS if n in own and own[n].default is None} | fields
    known = {*own, *entry.fixed}
    return RunConfig.from_dict({n: value for n, value in fields.items() if n in known})


def write_run(out: Path, run: FinishedRun) -> Path:
    """Put a finished run into its folder: under a dotted name first, then renamed as a whole.

    A finished run that was there is replaced; anything else that was there is kept beside it, under
    a dotted name.

    Args:
        out: The results folder.
        run: What it holds.

    Returns:
        The run's folder.

    Raises:
        OSError: If it cannot be written; what was there is there still.
    """
    final = out / "runs" / run.config.run_id
    unfinished = out / "runs" / f".{run.config.run_id}.{os.getpid()}"
    for left in files.left_by_killed_writers(final):
        shutil.rmtree(left, ignore_errors=True)
    unfinished.mkdir(parents=True)
    try:
        files.write_synced(
            unfinished / CONFIG,
            files.json_bytes({"schema_version": SCHEMA_VERSION, **run.config.to_dict()}),
        )
        curve = files.csv_bytes(curve_frame(run))
        provenance = {
            CONFIGURATION: run.config.to_dict(),
            **run.provenance,
            CHECKSUMS: _checksums(run.result, curve, run.policy),
        }
        result = {**run.result, "schema_version": SCHEMA_VERSION, "provenance": provenance}
        files.write_synced(unfinished / RESULT, files.json_bytes(result))
        files.write_synced(unfinished / CURVE, curve)
        files.write_synced(unfinished / POLICY, run.policy)
        files.sync_folder(unfinished)
        if os.path.lexists(final) and not _is_finished(final):
            final.rename(_free_name(final))
        if final.exists():
            _replace(final, unfinished)
        else:
            unfinished.rename(final)
            files.sync_folder(final.parent)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    return final


def _is_finished(folder: Path) -> bool:
    try:
        _read(folder, folder.name)
    except ResultError:
        return False
    return True


def _free_name(folder: Path) -> Path:
    """Where a folder that cannot be believed is kept, so that nothing in it is lost."""
    names = (folder.with_name(f".{folder.name}.damaged-{k}") for k in itertools.count(1))
    return next(name for name in names if not os.path.lexists(name))


def _replace(final: Path, unfinished: Path) -> None:
    """Put a folder in another's place; a writer killed in between leaves one of them whole."""
    replaced = final.with_name(f".{final.name}{files.ASIDE}")
    _remove(replaced)
    final.rename(replaced)
    try:
        unfinished.rename(final)
    except BaseException:
        replaced.rename(final)
        raise
    files.sync_folder(final.parent)
    _remove(replaced)


def _remove(folder: Path) -> None:
    if folder.is_symlink():  # whose run is elsewhere, and stays there
        folder.unlink()
    else:
        shutil.rmtree(folder, ignore_errors=True)


def curve_frame(run: FinishedRun) -> pd.DataFrame:
    """A run's learning curve with the columns of curves.csv."""
    named = {name: run.result[name] for name in IDENTITY}
    rows = [{**named, **row, "schema_version": SCHEMA_VERSION} for row in run.curve]
    return typed_table(rows, CURVE_COLUMNS)


def read_run(folder: Path) -> FinishedRun:
    """A finished run, every file of it checked; its folder may have any name.

    Raises:
        ResultError: If a file is missing, cut off, or belongs to another run; it is named.
        OSError: If a file may be sound and cannot be read.
    """
    return _read(folder)


def _read(folder: Path, name: str | None = None) -> FinishedRun:
    """A finished run, of a name if it must have one."""
    fields = _read_object(folder / CONFIG)
    try:
        config = RunConfig.from_dict(fields)
    except (ConfigError, TypeError) as error:
        raise ResultError(f"{folder / CONFIG}: {error}") from error
    if name not in (None, config.run_id):
        raise ResultError(f"{folder / CONFIG}: describes run {config.run_id!r}, not {name!r}")
    result = _read_object(folder / RESULT)
    provenance = result.pop("provenance", None)
    if not isinstance(provenance, dict):
        raise ResultError(f"{folder / RESULT}: 'provenance' is missing or no object")
    _check_result(folder / RESULT, result, config)
    curve = _read_curve(folder / CURVE, result, config)
    policy = files.read_weights(folder / POLICY, config.run_id)
    # Runs of earlier versions have neither.
    if (kept := provenance.pop(CONFIGURATION, None)) not in (None, fields):
        raise ResultError(f"{folder / RESULT}: {CONFIGURATION!r} differs from {CONFIG}")
    if (kept := provenance.pop(CHECKSUMS, None)) is not None:
        found = _checksums(result, files.read_bytes(folder / CURVE), policy)
        for name, checksum in found.items():
            if not isinstance(kept, dict) or kept.get(name) != checksum:
                raise ResultError(f"{folder / name}: was changed after it was written (SHA-256)")
    return FinishedRun(config, result, curve, policy, provenance)


def _checksums(result: Mapping[str, Any], curve: bytes, policy: bytes) -> dict[str, str]:
    """SHA-256 of what a run measured; config.json has its own in the folder's name."""
    content = {RESULT: files.json_bytes(result), CURVE: curve, POLICY: policy}
    return {name: hashlib.sha256(data).hexdigest() for name, data in content.items()}


def _read_curve(path: Path, result: Mapping[str, Any], config: RunConfig) -> list[dict[str, Any]]:
    """The rows of a run's curve, which ends where the run ended, and leaves out its search."""
    try:
        curve = tables.read_curves(path)
    except TableError as error:
        raise ResultError(str(error)) from error
    if strange := set(curve["run_id"]) - {config.run_id}:
        raise ResultError(f"{path}: holds run {sorted(strange)[0]!r}")
    own = [name for name in CURVE_COLUMNS if name not in (*IDENTITY, "schema_version")]
    rows: list[Any] = curve.astype(object).where(curve.notna(), None)[own].to_dict("records")
    end = rows[-1]["env_steps"] if rows else None
    if end != (ended := result["env_steps"] - (result["search_env_steps"] or 0)):
        raise ResultError(f"{path}: ends at env step {end}, the run at {ended}")
    return rows


def scan(out: Path) -> tuple[dict[str, FinishedRun], list[str]]:
    """The finished runs of a results folder by name, and what is wrong with the others.

    Raises:
        OSError: If a file may be sound and cannot be read: nobody should train that run again.
    """
    finished: dict[str, FinishedRun] = {}
    problems: list[str] = []
    folder = out / "runs"
    for entry in sorted(folder.iterdir()) if folder.is_dir() else []:
        if entry.name.startswith("."):
            continue
        if not entry.is_dir():
            problems.append(f"{entry}: is no run's folder")
            continue
        try:
            finished[entry.name] = _read(entry, entry.name)
        except ResultError as error:
            problems.append(str(error))
    return finished, problems


def _read_object(path: Path) -> dict[str, Any]:
    content = files.read_json(path)
    if (version := content.pop("schema_version", None)) != SCHEMA_VERSION:
        raise ResultError(f"{path}: schema_version must be {SCHEMA_VERSION}, got {version!r}")
    return content


def _check_result(path: Path, result: Mapping[str, Any], config: RunConfig) -> None:
    """Every column there, of its type, and in agreement with the configuration."""
    wanted_keys = set(RUN_COLUMNS) - {"schema_version"} - (WRITTEN_COLUMNS - set(result))
    if differing := sorted(wanted_keys ^ set(result)):
        state = "missing" if differing[0] in RUN_COLUMNS else "unknown"
        raise ResultError(f"{path}: key {differing[0]!r} is {state}")
    wanted = settings_row(config)
    # Runs of before a setting existed do not name it.
    later = set(dict(config)) - set(config.to_dict())
    for name, value in result.items():
        if value is None and name in _NEVER_EMPTY:
            raise ResultError(f"{path}: {name} is empty")
        if value is None and name in later:
            continue
        if name in wanted and tables.disagree(name, wanted[name], value):
            raise ResultError(
                f"{path}: {name} is {value!r}, but {wanted[name]!r} in {path.with_name(CONFIG)}"
            )
        try:
            RUN_COLUMNS[name].check(value)
        except ValueError as error:
            raise ResultError(f"{path}, column {name!r}: {error}") from error
