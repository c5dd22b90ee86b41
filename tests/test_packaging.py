"""What is shipped: a wheel with the environment alone, and pins for everything else."""

from __future__ import annotations

import importlib.metadata
import itertools
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

REPOSITORY = Path(__file__).parent.parent


def project() -> dict[str, Any]:
    table = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert isinstance(table, dict)
    return table


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy: setuptools leaves its own files beside the sources."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, source)
    for name in ("bitseq_env", "experiments", "tests"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(REPOSITORY / name, source / name, ignore=ignored)
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out)]
    built = subprocess.run([*command, str(source)], capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    (path,) = out.iterdir()
    return path


def test_the_wheel_holds_the_environment_alone(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    version = project()["version"]
    assert wheel.name == f"bitseq_env-{version}-py3-none-any.whl"
    assert {name.split("/")[0] for name in names} == {
        "bitseq_env",
        f"bitseq_env-{version}.dist-info",
    }
    packed = {name for name in names if name.startswith("bitseq_env/")}
    sources = {path.name for path in (REPOSITORY / "bitseq_env").glob("*.py")}
    assert packed == {f"bitseq_env/{name}" for name in (*sources, "py.typed")}


def test_the_wheel_needs_gymnasium_and_numpy_and_nothing_else(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (name,) = (name for name in archive.namelist() if name.endswith("dist-info/METADATA"))
    metadata = Parser().parsestr(archive.read(name).decode())
    requirements = [Requirement(text) for text in metadata.get_all("Requires-Dist", [])]
    core = {str(r.name) for r in requirements if r.marker is None}
    assert core == {"gymnasium", "numpy"}
    for requirement in requirements:
        assert requirement.marker is None or "extra ==" in str(requirement.marker)
    extras = {"benchmark", "contrib", "experiments", "rendering", "search", "tests", "torchrl"}
    assert set(metadata.get_all("Provides-Extra", [])) == extras
    assert metadata["Name"] == "bitseq-env"
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["License-Expression"] == "MIT"
    assert "# BitSequence" in str(metadata.get_payload())
    assert any(name.endswith("licenses/LICENSE") for name in archive.namelist())


CODE = """
import pathlib, sys
target, libraries = sys.argv[1:]
sys.path[:0] = [target, libraries]
import bitseq_env
import gymnasium as gym
assert pathlib.Path(bitseq_env.__file__).parent == pathlib.Path(target, "bitseq_env")
env = gym.make("BitSequence-v0", n=5, target="10110")
observation, info = env.reset(seed=0)
for bit in (observation["observation"] != observation["desired_goal"]).nonzero()[0]:
    _, reward, terminated, *_ = env.step(int(bit))
assert (reward, terminated) == (1.0, True)
observations, _ = gym.make_vec("BitSequence-v0", num_envs=3, n=5).reset(seed=0)
assert observations["observation"].shape == (3, 5)
for name in ("torch", "stable_baselines3", "pandas", "pygame", "matplotlib"):
    assert name not in sys.modules, name
try:
    import experiments
except ModuleNotFoundError:
    print("alone")
"""


def test_the_wheel_installs_and_works_alone(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "installed"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    install += ["--disable-pip-version-check", "--no-compile", "--target", str(target), str(wheel)]
    subprocess.run(install, check=True)
    # Without the site module no .pth file is read, so the editable install is out of sight.
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", CODE, str(target), sysconfig.get_path("purelib")],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "alone\n"
    assert (target / "bitseq_env" / "py.typed").is_file()


def pins() -> dict[str, str]:
    """constraints.txt: each name and its version."""
    found: dict[str, str] = {}
    for line in (REPOSITORY / "constraints.txt").read_text().splitlines():
        match = re.fullmatch(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([0-9][0-9A-Za-z.]*)", line)
        assert match, line
        name = canonicalize_name(match[1])
        assert name not in found, line
        found[name] = match[2]
    return found


def direct(*without: str) -> dict[str, Requirement]:
    table = project()
    extras = (few for name, few in table["optional-dependencies"].items() if name not in without)
    texts = [*table["dependencies"], *itertools.chain(*extras)]
    return {canonicalize_name(Requirement(text).name): Requirement(text) for text in texts}


def test_every_direct_dependency_is_pinned_to_a_version_it_allows() -> None:
    # A local version ("+cpu"), a URL or a range would fail to match already.
    pinned = pins()
    assert pinned["torch"] == "2.13.0"
    for name, requirement in direct().items():
        assert name in pinned, name
        assert requirement.specifier.contains(pinned[name]), name


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="the pins were frozen on Python 3.11")
def test_what_they_need_is_pinned_as_well() -> None:
    # But for peers that are not installed where the tests run.
    pinned, seen, waiting = pins(), set[str](), list(direct("benchmark", "torchrl"))
    if any(Version(importlib.metadata.version(name)).public != pinned[name] for name in waiting):
        pytest.skip("other versions are installed than the pinned ones")
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        for text in importlib.metadata.requires(name) or []:
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(canonicalize_name(requirement.name))
    # CUDA's libraries come with the PyTorch of one platform, not with that of another.
    accelerators = {name for name in seen if name.startswith(("nvidia-", "cuda-", "triton"))}
    assert seen - accelerators - set(pinned) == set()


def test_the_version_is_told_once() -> None:
    import bitseq_env

    version = project()["version"]
    assert getattr(bitseq_env, "__version__", version) == version
    citation = (REPOSITORY / "CITATION.cff").read_text()
    assert re.search(rf"^version: [\"']?{re.escape(version)}[\"']?$", citation, re.MULTILINE)
    assert version in (REPOSITORY / "CHANGELOG.md").read_text()
