"""What `pip install` brings: the packages inside `sweep`, and the grids and examples with them."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

from sweep.grid.load import load_grid
from sweep.grid.shipped import find_grid, shipped_grids

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Return the names of the files in the wheel, built from a copy, since building leaves files behind."""
    folder = tmp_path_factory.mktemp("wheel")
    leave = shutil.ignore_patterns(".*", "build", "runs", "*.egg-info", "__pycache__", "tests", "*.zarr")
    shutil.copytree(ROOT, folder / "project", symlinks=True, ignore=leave)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*command, "--wheel-dir", str(folder), str(folder / "project")], check=True, timeout=240)
    (file,) = folder.glob("*.whl")
    with zipfile.ZipFile(file) as archive:
        return set(archive.namelist())


def test_it_has_one_package_with_all_rooms_in_it(wheel: set[str]) -> None:
    assert {name.split("/")[0] for name in wheel if ".dist-info" not in name} == {"sweep"}
    modules = {path.relative_to(ROOT) for folder in ("kernels", "analysis") for path in (ROOT / folder).rglob("*.py")}
    own = {path.relative_to(ROOT) for path in (ROOT / "sweep").rglob("*.py")}
    assert {f"sweep/{path}" for path in modules} <= wheel
    assert {str(path) for path in own} <= wheel
    assert "sweep/py.typed" in wheel
    data = [*(ROOT / "analysis/report/templates").iterdir(), *(ROOT / "analysis/exact").glob("*.npz")]
    assert {f"sweep/{path.relative_to(ROOT)}" for path in data} <= wheel


def test_it_carries_the_grids_and_the_examples(wheel: set[str]) -> None:
    data = {path.relative_to(ROOT) for folder in ("grids", "examples") for path in (ROOT / folder).iterdir()}
    assert {f"sweep/{path}" for path in data if path.suffix} <= wheel
    assert not [name for name in wheel if "__pycache__" in name]


def test_a_shipped_grid_is_found_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert set(shipped_grids()) == {
        path.stem for folder in ("grids", "examples") for path in (ROOT / folder).glob("*.yaml")
    }
    assert load_grid(find_grid(Path("quick"))).name == "quick"
    Path("quick").write_text("a file of one's own")
    assert find_grid(Path("quick")) == Path("quick")
    assert find_grid(Path("folder/quick")) == Path("folder/quick")


def test_the_citation_is_of_this_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert (citation["version"], citation["license"]) == (project["version"], project["license"])
    assert citation["references"][0]["doi"] in (ROOT / "README.md").read_text()
