"""Common slips at the command: each is understood, or answered with what was meant."""

from __future__ import annotations

import sys
from pathlib import Path
from unittest import mock

import pytest
import yaml
from launching import GRID
from typer.testing import CliRunner

import sweep
from sweep.cli.commands import app
from sweep.cli.console import out
from sweep.errors import SweepError
from sweep.grid.yaml_text import lines_of

INLINE = ("--executor", "inline")
ODD = """
import sweep
@sweep.kernel(outputs={})
def ODD(length: float = sweep.parameter("a length in [sites] of the :x: axis", default=1.0)): ...
@sweep.kernel(outputs={"y": sweep.Output((), (), "float64")})
def BARE(heat: float):
    return heat
"""


HOT = "name: hot\nseed: 1\nstages:\n  hot: {kernel: 'odd:BARE', axes: {heat: [2.0, critical]}}\n"


@pytest.fixture(scope="module")
def launched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a grid and its store."""
    folder = tmp_path_factory.mktemp("launched")
    (folder / "toy.yaml").write_text(yaml.safe_dump(GRID, sort_keys=False))
    (folder / "odd.py").write_text(ODD)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert do("launch", "toy.yaml", *INLINE).startswith("throw:")
        (folder / "hot.yaml").write_text(HOT)
        patch.syspath_prepend(folder)
        do("launch", "hot.yaml", "--store", "hot.zarr", *INLINE)
    return folder


@pytest.fixture
def here(launched: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(launched)
    return launched


def do(*words: str) -> str:
    """Return what the command says."""
    with mock.patch.object(out, "_width", 150):  # it was made with that of the tests: 80 where they run side by side
        result = CliRunner().invoke(app, words)
    if isinstance(result.exception, SweepError):
        return str(result.exception)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_store_where_a_grid_is_wanted_and_the_reverse(here: Path) -> None:
    assert "All done: runs/toy.zarr" in do("launch", "runs/toy.zarr", *INLINE)
    assert "nothing left to do" in do("plan", "runs/toy.zarr")
    assert "toy: runs/toy.zarr" in do("status", "toy.yaml")
    assert do("status", "runs").endswith("did you mean runs/toy.zarr?")
    for part in ("walk", "walk/blocks"):
        assert do("status", f"runs/toy.zarr/{part}").endswith("is a part of a store; the store is runs/toy.zarr")
    (here / "other.yaml").write_text((here / "toy.yaml").read_text().replace("name: toy", "name: other"))
    assert do("status", "other.yaml") == "other.yaml: is a grid; wanted a store, and there is none at runs/other.zarr"


@pytest.mark.parametrize("way", ["file://{}/a%20b.zarr", "file:{}/a%20b.zarr", "~/a b.zarr"])
def test_paths_by_other_names(here: Path, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    monkeypatch.setenv("HOME", str(here))
    place = way.format(here)
    do("launch", "toy.yaml", "--store", place, *INLINE)
    assert (here / "a b.zarr/zarr.json").exists()
    assert f"toy: {here}/a b.zarr" in do("status", place)
    assert str(here / "a b.report") in do("report", place)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (("-h",), "Usage:"),
        (("launch", "-h"), "--quiet"),
        (("--version",), f"sweep {sweep.__version__}"),
        (("launch", "toy.yaml", "-q", *INLINE), "All done: runs/toy.zarr\nLook at it: sweep report runs/toy.zarr\n"),
        (("kernels", "ising"), "energy_correlation"),
        (("kernels", "isng"), "isng: no kernel 'isng'; did you mean 'ising'? or give module:NAME"),
        (("report", "toy.yaml", "--out", "/proc/none"), "/proc/none: cannot write the report there: No such file"),
        (("plan", "toy.yaml", "--set", "walk.params.steps=3"), "did you mean stages.walk.params.steps?"),
        (("plan", "toy.yaml", "--set", "params.throws=3"), "did you mean stages.throw.params.throws?"),
        (("plan", "toy.yaml", "--set", "params.steps=3"), "did you mean stages.walk.params.steps?"),
        (("plan", "toy.yaml", "--set", "steps=3"), "did you mean stages.walk.params.steps?"),
        (("plan", "toy.yaml", "--set", "stages.walk.steps=3"), "unknown key; did you mean stages.walk.params.steps?"),
        (("plan", "toy.yaml", "--set", "stages.walk.size=3"), "unknown key; did you mean stages.walk.axes.size?"),
        (("plan", "toy.yaml", "--set", "stages.wlak.params.steps=3"), "there is no stage 'wlak'; did you mean 'walk'?"),
        (("rerun", "hot.zarr", "--stage", "hot", "--at", "heat=crit"), "found 'crit'; did you mean critical?"),
        (("check", "odd:BARE"), "odd:BARE: has no `example` to be run at"),
        (("plan", "toy.yaml", "--store", "s3:/b/x"), "s3:/b/x: found a URL with one slash; did you mean s3://b/x?"),
        (("plan", "toy.yaml", "--store", ""), "the store: found an empty path; wanted one such as runs/NAME.zarr"),
        (("status", "file://toy.zarr"), "file://toy.zarr: wanted a path, or a URL with three slashes: file:///folder"),
        (("kernels", "nowhere:x:y"), "nowhere:x:y: cannot import 'nowhere'"),
        (("kernels", "odd:ODD"), "a length in [sites] of the :x: axis"),
        (("plan", "toy.yaml", "--set", "sed=3"), "--set sed=3: found 'sed' to begin with; wanted name, seed, stages"),
    ],
)
def test_slips(words: tuple[str, ...], answer: str) -> None:
    assert answer in do(*words)


def test_a_stage_may_be_added_by_its_parts(here: Path) -> None:
    parts = ("stages.more.kernel=toys:THROW", "stages.more.axes.size=[3]")
    assert "more " in do("plan", "toy.yaml", "--set", parts[1], "--set", parts[0])


def test_a_key_is_told_with_its_line(here: Path) -> None:
    text = "name: x\nseed: 1\nstages:\n  a.b:\n    kernel: ising\n    axes:\n      temperature: [crit]\n"
    (here / "wrong.yaml").write_text(text)
    said = do("plan", "wrong.yaml")
    where = "wrong.yaml:7: stages.a.b.axes.temperature"
    assert f"{where}: found 'crit' (a word); wanted a number; did you mean critical?" in said
    assert lines_of(text, ["stages", "stages.a.b.axes.size", "none"]) == [3, 6, None]


def test_what_is_complete_starts_no_ray(here: Path) -> None:
    before = "ray" in sys.modules
    assert "starting Ray" not in do("launch", "toy.yaml")
    assert before or "ray" not in sys.modules
    (chunk,) = (here / "runs/toy.zarr/walk/mean/c/0").glob("0")
    chunk.unlink()
    assert "starting Ray" in do("launch", "toy.yaml"), "what is gone is computed again"
    assert chunk.exists()
