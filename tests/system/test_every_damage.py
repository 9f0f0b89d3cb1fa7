"""Every kind of file is flipped, cut, emptied, zeroed, deleted, made a folder: found, and mended to identical bits.

The store is a mixed one: two grids with different seeds, a stage that reads another, an axis that shapes results,
points that failed.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from launching import assert_same, grid_with, load, run
from typer.testing import CliRunner

from sweep.cli.commands import app
from sweep.errors import SweepError
from sweep.grid.grid import Grid
from sweep.run.driver import launch
from sweep.run.status import read_status
from sweep.store.storage import Location
from sweep.store.store import Store
from sweep.verification import verify_store

THROW = {"kernel": "toys:THROW", "axes": {"size": [3], "temperature": [0.5, 1.0]}, "params": {"throws": 6}}
WALK = {
    "kernel": "toys:WALK",
    "axes": {"size": [3], "realisation": 2},
    "inputs": {"data": "throw"},
    "params": {"steps": 2},
}
BROKEN = {"kernel": "toys:BROKEN", "axes": {"size": [3]}, "inputs": {"data": "throw"}}
OTHER = {"kernel": "toys:THROW", "axes": {"size": [4], "temperature": [0.5]}, "params": {"throws": 6}}


def grids() -> list[Grid]:
    return [
        grid_with(name="first", seed=8, stages={"other": OTHER}),
        grid_with(stages={"throw": THROW, "walk": WALK, "broken": BROKEN}),
    ]


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("healthy") / "mixed.zarr"
    for grid in grids():
        launch(grid, str(path))
    return path


def flip(file: Path, place: float = 0.5) -> None:
    raw = bytearray(file.read_bytes())
    raw[int(len(raw) * place)] ^= 1
    file.write_bytes(raw)


def fold(file: Path) -> None:
    file.unlink()
    file.mkdir()
    (file / "notes").write_text("of somebody")


HARMS: dict[str, Callable[[Path], object]] = {
    "flipped": flip,
    "cut": lambda file: file.write_bytes(file.read_bytes()[: file.stat().st_size // 2]),
    "emptied": lambda file: file.write_bytes(b""),
    "zeroed": lambda file: file.write_bytes(b"\0" * file.stat().st_size),
    "deleted": lambda file: file.unlink(),
    "a folder": fold,
}

KINDS = {
    "root": r"zarr\.json",
    "copy of the root": r"\.sweep/root",
    "group": r"[a-z]+(/size=\d)?/zarr\.json",
    "array": r".*/(energy|position|distance|done|temperature)/zarr\.json",
    "data": r".*/(energy|faces|position|mean)/c.*",
    "axis": r".*/(size|temperature|realisation)/c.*",
    "inner labels": r".*/(side|step)/c.*",
    "done": r"[a-z]+/done/c.*",
    "blocks": r"[a-z]+/blocks/c.*",
    "attribution": r"[a-z]+/computed_by/c.*",
    "environment": r"\.sweep/environments/.*",
    "checkpoint": r"\.sweep/states/.*",
    "launch": r"\.sweep/launches/.*",
    "tasks": r"\.sweep/tasks/.*",
    "failure": r"\.sweep/failures/.*",
    "lease": r"\.sweep/(lease|epochs/.*)",
}
GONE = {
    "done": "its points count as not done",
    "checkpoint": "a longer run begins anew",
    "launch": "nothing but itself knew of it",
    "tasks": "nothing but itself knew of them",
    "failure": "nothing but itself knew of it",
}
UNSEEN = {
    **{(kind, harm): why for kind, why in GONE.items() for harm in ("deleted", "a folder")},
    ("failure", "flipped"): "a letter of the reason",
    **{("lease", harm): "the next launch writes another" for harm in HARMS},
}


def files_of(path: Path, kind: str) -> list[Path]:
    files = sorted(file for file in path.rglob("*") if file.is_file() and file.stat().st_size)
    return [file for file in files if re.fullmatch(KINDS[kind], file.relative_to(path).as_posix())]


def sample(kind: str, path: Path, count: int) -> list[Path]:
    files = files_of(path, kind)
    assert files, f"the store has no {kind}"
    places = np.linspace(0, len(files) - 1, min(count, len(files)))
    return [files[int(place)] for place in places]


def test_the_kinds_are_all_that_there_are(healthy: Path) -> None:
    known = {file for kind in KINDS for file in files_of(healthy, kind)}
    others = {file.relative_to(healthy).as_posix() for file in healthy.rglob("*") if file.is_file()} - {
        file.relative_to(healthy).as_posix() for file in known
    }
    arrays = re.compile(r".*/zarr\.json|.*/distance/c.*")
    assert {name for name in others if not arrays.fullmatch(name)} <= {".sweep/created"}


def check(damages: list[tuple[str, str, Path]], healthy: Path, folder: Path) -> None:
    """Damage some files of a copy; see it found, and mended to identical bits."""
    path = Path(shutil.copytree(healthy, folder / "mixed.zarr"))
    for _, harm, file in damages:
        HARMS[harm](path / file.relative_to(healthy))
    what = [(harm, file.relative_to(healthy).as_posix()) for _, harm, file in damages]
    assert set(read_status(Store(Location(str(path)))).stages) == {"throw", "walk", "broken", "other"}, what
    found = verify_store(Store(Location(str(path)))).findings
    places = {finding.path for finding in found}
    for kind, harm, file in damages:
        name = file.relative_to(healthy).as_posix()
        node = name.split("/c/")[0].removesuffix("/c").replace("/blocks", "/done")
        assert (kind, harm) in UNSEEN or places & {name, node, node.replace("/done", "/blocks")}, (what, places)
    assert verify_store(Store(Location(str(path))), repair=True).findings == found, what
    for grid in grids():
        launch(grid, str(path))
    assert verify_store(Store(Location(str(path))), everything=True).findings == (), what
    assert_same(load(path), load(healthy))
    shutil.rmtree(path)


@pytest.mark.parametrize("harm", list(HARMS))
def test_damage_is_found_and_mended(harm: str, healthy: Path, tmp_path: Path) -> None:
    """Each harm to every kind of file in turn; files whose damage hides that of others go in a second store."""
    hiding = {"copy of the root": 0, "done": 0, "blocks": -1, "attribution": 1, "environment": 0}
    check([(kind, harm, files_of(healthy, kind)[0]) for kind in KINDS if kind not in hiding], healthy, tmp_path)
    check([(kind, harm, files_of(healthy, kind)[place]) for kind, place in hiding.items()], healthy, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("harm", list(HARMS))
@pytest.mark.parametrize("kind", list(KINDS))
def test_every_damage_is_found_and_mended(kind: str, harm: str, healthy: Path, tmp_path: Path) -> None:
    """About 150 damages in all, each alone."""
    for file in sample(kind, healthy, 3):
        check([(kind, harm, file)], healthy, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("harm", list(HARMS))
@pytest.mark.parametrize("kind", list(KINDS))
def test_a_launch_without_repair_ends_in_words(kind: str, harm: str, healthy: Path, tmp_path: Path) -> None:
    """It may mend the damage, refuse, or set points aside; it raises nothing else."""
    (file,) = sample(kind, healthy, 1)
    path = Path(shutil.copytree(healthy, tmp_path / "mixed.zarr"))
    HARMS[harm](path / file.relative_to(healthy))
    for grid in grids():
        with suppress(SweepError):
            launch(grid, str(path))


@pytest.mark.parametrize("place", [0.02, 0.11, 0.3, 0.5, 0.77, 0.98])
def test_a_flipped_bit_anywhere_in_the_root(place: float, healthy: Path, tmp_path: Path) -> None:
    path = Path(shutil.copytree(healthy, tmp_path / "mixed.zarr"))
    flip(path / "zarr.json", place)
    (finding,) = verify_store(Store(Location(str(path))), repair=True).findings
    assert (finding.path, finding.what) == ("zarr.json", "is not what its copy says")
    assert (path / "zarr.json").read_bytes() == (healthy / "zarr.json").read_bytes()


def test_status_says_which_progress_cannot_be_read_and_what_to_do(healthy: Path, tmp_path: Path) -> None:
    path = Path(shutil.copytree(healthy, tmp_path / "mixed.zarr"))
    for file in files_of(path, "done"):
        if file.relative_to(path).parts[0] == "throw":
            flip(file)
    status = read_status(Store(Location(str(path))))
    assert status.stages["throw"].problem is not None
    assert (status.stages["throw"].points, status.stages["throw"].done) == (2, None)
    assert (status.stages["walk"].problem, status.stages["walk"].done) == (None, 2)
    told = CliRunner().invoke(app, ["status", str(path)])
    assert told.exit_code == 0
    assert "throw: how far it is cannot be read" in told.output
    assert "sweep verify" in told.output
    assert json.loads(CliRunner().invoke(app, ["status", str(path), "--json"]).output)["complete"] is False


def test_the_command_says_what_it_looked_at_and_what_it_mended(healthy: Path, tmp_path: Path) -> None:
    path = Path(shutil.copytree(healthy, tmp_path / "mixed.zarr"))
    whole = CliRunner().invoke(app, ["verify", str(path)])
    first, last = whole.output.splitlines()[0], whole.output.splitlines()[-1]
    assert first.startswith("looked at 4 stages")
    assert last == f"{path}: nothing wrong found."
    assert whole.exit_code == 0
    flip(path / "zarr.json")
    found = CliRunner().invoke(app, ["verify", str(path)])
    assert (found.exit_code, "zarr.json: is not what its copy says" in found.output) == (1, True)
    mended = CliRunner().invoke(app, ["verify", str(path), "--repair"])
    assert (mended.exit_code, "Mended or taken back" in mended.output) == (0, True)
    assert CliRunner().invoke(app, ["verify", str(path)]).exit_code == 0


REPORTED = {"kernel": "ising", "axes": {"size": [4], "temperature": [2.0, 3.0]}, "params": {"configurations": 64}}


@pytest.mark.parametrize("name", ["zarr.json", "ising/energy/zarr.json", "ising/energy/c", "ising/done/c"])
def test_a_report_of_a_damaged_store_ends_in_words(name: str, tmp_path: Path) -> None:
    path = tmp_path / "ising.zarr"
    run(grid_with(stages={"ising": REPORTED}), path)
    file = path / name
    while file.is_dir():
        file = min(file.iterdir())
    HARMS["cut"](file)
    told = CliRunner().invoke(app, ["report", str(path), "--out", str(tmp_path / "report")])
    if name == "ising/energy/zarr.json":  # xarray reads the root
        assert told.exit_code == 0
    else:
        assert isinstance(told.exception, SweepError)
        assert "--repair" in str(told.exception)
