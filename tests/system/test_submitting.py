"""A launch from outside a cluster: what it needs travels, its words come back, and leaving it does it no harm."""

from __future__ import annotations

import os
import shlex
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import SWEEP, environment, running
from heads import Head, free_port, head, plain_environment
from launching import load
from terminal import needs_tmux, terminal

from sweep.errors import SweepError
from sweep.grid.grid import Grid
from sweep.grid.load import load_grid
from sweep.run.jobs import pack, submit
from sweep.store.launches import read_launches
from sweep.store.storage import Location

TOKEN = "5" * 64
GRID = """
name: own
seed: 1
stages:
  own: {kernel: "ownkernel:OWN", axes: {row: [0, 1, 2, 3]}, params: {file: data/numbers.txt}}
"""
KERNEL = """
import time
from dataclasses import dataclass
import ownparts.reading
from sweep.kernels.contract import Kernel, Output, parameter

@dataclass(frozen=True)
class Params:
    row: int = parameter("row of the file")
    file: str = parameter("file of numbers")

def advance(params, state, rng, inputs):
    time.sleep(0.5)
    return state, {"y": ownparts.reading.read(params.file)[params.row]}

OWN = Kernel(
    name="own", version=1, params=Params, example=Params(0, "x"), advance=advance, init=lambda params, rng, inputs: (),
    outputs=lambda params: {"y": Output((), (), "float64", "", "y")}, cost=lambda params: 0.5, blocks=lambda params: 1,
)
"""
READING = "def read(file):\n    return [float(word) for word in open(file).read().split()]\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a grid, its kernel, a package beside it, and data, and work there."""
    texts = {"grids/own.yaml": GRID, "grids/ownkernel.py": KERNEL, "grids/ownparts/reading.py": READING}
    texts |= {"grids/ownparts/__init__.py": "", "data/numbers.txt": "4 3 2 1", "grids/notes.txt": "private"}
    for name, text in texts.items():
        (tmp_path / "here" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "here" / name).write_text(text)
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.syspath_prepend(tmp_path / "here/grids")
    yield tmp_path / "here"
    for name in [name for name in sys.modules if name.startswith(("ownkernel", "ownparts"))]:
        del sys.modules[name]


@pytest.fixture
def grid(project: Path) -> Grid:
    return load_grid(project / "grids/own.yaml", ())


def test_what_a_grid_needs_travels_and_no_more(grid: Grid, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    assert pack(grid, tmp_path / "there") == "own.yaml"
    found = {str(path.relative_to(tmp_path / "there")) for path in (tmp_path / "there").rglob("*") if path.is_file()}
    assert found == {
        "own.yaml",
        "ownkernel.py",
        "ownparts/__init__.py",
        "ownparts/reading.py",
        "data/numbers.txt",
    }


def test_data_from_elsewhere_is_refused(project: Path, tmp_path: Path) -> None:
    (tmp_path / "numbers.txt").write_text("1")
    (tmp_path / "there").mkdir()
    grid = load_grid(project / "grids/own.yaml", ["stages.own.params.file=../numbers.txt"])
    with pytest.raises(SweepError, match=r"^\.\./numbers\.txt: .* does not travel"):
        pack(grid, tmp_path / "there")


def test_nobody_there_is_said_in_one_line(grid: Grid) -> None:
    with pytest.raises(SweepError, match=r"^--submit http://127\.0\.0\.1:\d+: .*http://HOST:8265") as caught:
        submit(f"http://127.0.0.1:{free_port()}", grid, [])
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("store", [[], ["--store", "runs/own.zarr"]])
def test_a_store_that_only_this_machine_sees_is_refused(project: Path, store: list[str]) -> None:
    with running("launch", "grids/own.yaml", "--submit", "http://127.0.0.1:1", *store, cwd=project) as launch:
        assert launch.end()[0] == 2
    assert launch.said.startswith("--store: ")


@pytest.fixture(scope="module")
def dashboard() -> Iterator[tuple[Head, str]]:
    """Start a head that takes jobs, from who knows the token."""
    port = free_port()
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    given = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": TOKEN, "PATH": path}
    with head("--include-dashboard=true", f"--dashboard-port={port}", **given) as started:
        yield started, f"http://127.0.0.1:{port}"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_left_seen_again_and_followed_to_its_end(
    dashboard: tuple[Head, str], project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "own.zarr"
    line = ["launch", "grids/own.yaml", "--submit", dashboard[1], "--store", str(store), "--workers", "1"]
    for name, value in plain_environment(HOME=str(tmp_path), RAY_AUTH_TOKEN="wrong").items():
        monkeypatch.setenv(name, value)
    with running(*line, cwd=project) as refused:
        assert refused.end()[0] == 2
        assert "the one that is here is another" in refused.said
    monkeypatch.setenv("RAY_AUTH_TOKEN", TOKEN)
    with running(*line, cwd=project) as left:
        left.wait_for("joining the Ray cluster")
        left.send(signal.SIGINT)
        assert left.end()[0] == 130
    with running(*line, "--wait", cwd=project) as followed:
        assert followed.end(seconds=120)[0] == 0, followed.said
    assert f"All done: {store}" in followed.said
    assert load(store)["own/y"].values.tolist() == [4.0, 3.0, 2.0, 1.0]
    first = read_launches(Location(str(store)))[1]
    assert first is not None
    assert first["reached"]["own"]["done"] == 4  # by the one that was left


@needs_tmux
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_in_a_terminal_the_store_is_seen_below_the_words(
    dashboard: tuple[Head, str], project: Path, tmp_path: Path
) -> None:
    store = tmp_path / "own.zarr"
    line = ["launch", "grids/own.yaml", "--submit", dashboard[1], "--store", str(store), "--workers", "1"]
    settings = environment() | plain_environment(HOME=str(tmp_path), RAY_AUTH_TOKEN=TOKEN)
    with terminal(project, settings) as mine:
        mine.type(shlex.join([*SWEEP, *line]))
        mine.wait_for(r"at work now: (?!nobody)", seconds=120)
        mine.wait_for(r"own .* 4 of 4")
        mine.wait_for(r"\n\$ *\n")
        whole = mine.all()
    assert f"All done: {store}" in whole.replace("\n", "")
    assert whole.count("at work now") == 1, f"redrawn in place:\n{whole}"
