"""What is damaged in a store is found, named, and after a repair and a launch as it was."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
import toys
import zarr
from launching import assert_same, grid_with, load, run

from sweep.errors import SweepError
from sweep.store.attribution import forget
from sweep.store.checkpoint import pack, unpack
from sweep.store.lease import Lease
from sweep.store.root import write_root
from sweep.store.storage import Location
from sweep.store.store import Store
from sweep.verification import Finding, Remedy, verify_store

ENERGY = "throw/energy"


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("healthy") / "toy.zarr"
    run(grid_with(), path)
    return path


@pytest.fixture
def store(healthy: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(healthy, tmp_path / "toy.zarr"))


def verify(path: Path, **options: bool) -> list[Finding]:
    return list(verify_store(Store(Location(str(path))), **options).findings)


def chunk(path: Path, array: str) -> Path:
    return next(file for file in sorted((path / array / "c").rglob("*")) if file.is_file())


def flip(file: Path) -> None:
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 2] ^= 1
    file.write_bytes(raw)


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-3])


def array(path: Path, name: str) -> zarr.Array:
    found = zarr.open_group(path, mode="r+")[name]
    assert isinstance(found, zarr.Array)
    return found


def edit_entries(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change what the store's root says of each stage."""
    root = Store(Location(str(path))).root
    stages = json.loads(root.attributes["stages"])
    for entry in stages.values():
        change(entry)
    write_root(Location(str(path)), replace(root, attributes={**root.attributes, "stages": json.dumps(stages)}))


def test_a_healthy_store(store: Path) -> None:
    before = {file: file.stat().st_mtime_ns for file in store.rglob("*") if file.is_file()}
    assert verify(store) == []
    assert verify(store, everything=True) == []
    assert {file: file.stat().st_mtime_ns for file in store.rglob("*") if file.is_file()} == before


def test_a_store_that_grew_and_one_that_is_not_complete(store: Path) -> None:
    """Labels out of order, results of two lengths, points that nobody wants any more, points not yet done."""
    axes = {"size": [6, 4], "temperature": [1.0, 0.1, 0.5]}
    larger = {"stages": {"throw": {"kernel": "toys:THROW", "axes": axes, "params": {"throws": 23}}}}
    run(grid_with(**larger), store)
    assert verify(store, everything=True) == []
    opened = Store(Location(str(store)))
    opened.reset("throw", (slice(0, 1), slice(0, 5)))
    shutil.rmtree(store / "throw" / "energy" / "c" / "0")
    assert verify(store, everything=True) == []


def _state(path: Path) -> Path:
    return min((path / ".sweep" / "states" / "walk").iterdir())


def _edit_label(path: Path) -> None:
    array(path, "throw/size=3/temperature")[4] = 9.0


def _edit_units(path: Path) -> None:
    document = path / ENERGY / "zarr.json"
    document.write_text(document.read_text().replace('"reduced_units": "J"', '"reduced_units": "eV"'))


DAMAGES: dict[str, tuple[Callable[[Path], None], str, str]] = {
    "a flipped byte": (lambda path: flip(chunk(path, ENERGY)), f"{ENERGY}/c/", "cannot be read"),
    "a truncated chunk": (lambda path: cut(chunk(path, ENERGY)), f"{ENERGY}/c/", "cannot be read"),
    "a chunk that is gone": (lambda path: chunk(path, ENERGY).unlink(), f"{ENERGY}/c/", "is missing"),
    "a flipped byte in done": (lambda path: flip(chunk(path, "throw/done")), "throw/done", "cannot be read"),
    "a flipped byte in blocks": (lambda path: flip(chunk(path, "throw/blocks")), "throw/done", "cannot be read"),
    "blocks that are gone": (lambda path: chunk(path, "throw/blocks").unlink(), "throw/blocks", "is 0 where"),
    "a checkpoint": (lambda path: cut(_state(path)), ".sweep/states/walk/", "checkpoint cannot be read"),
    "a label": (_edit_label, "throw/size=3/temperature", "label 4 is 9.0; wanted 1.0"),
    "a label's chunk": (lambda path: flip(chunk(path, "walk/step")), "walk/step", "cannot be read"),
    "metadata": (_edit_units, f"{ENERGY}/zarr.json", "is not what the root's copy of it says"),
    "metadata that are gone": (lambda path: (path / ENERGY / "zarr.json").unlink(), ENERGY, "is missing or unreadable"),
}


@pytest.mark.parametrize("damage", list(DAMAGES))
def test_damage_is_found_and_mended(damage: str, healthy: Path, store: Path) -> None:
    harm, path, what = DAMAGES[damage]
    harm(store)
    found = verify(store)
    assert [(finding.path.startswith(path), what in finding.what) for finding in found] == [(True, True)], found
    assert verify(store, repair=True) == found
    run(grid_with(), store)
    assert verify(store, everything=True) == []
    assert load(store).identical(load(healthy)), "attributes too"
    assert "eV" not in (store / ENERGY / "zarr.json").read_text()


def test_a_wrong_value_with_a_right_checksum(healthy: Path, store: Path) -> None:
    """Only computing again can tell; by default one point of each stage is, the first of the cheapest."""
    energy = array(store, ENERGY)
    energy[0, 3, 7] = np.nextafter(energy[0, 3, 7], 9.0)
    assert verify(store) == []
    (finding,) = verify(store, everything=True)
    assert str(finding) == (
        "throw: energy is not what comes out when it is computed again (block 1) (at size 3, temperature 0.75)"
    )
    verify(store, everything=True, repair=True)
    run(grid_with(), store)
    assert load(store).identical(load(healthy))


def test_the_cheap_check_computes_a_point_of_every_stage(store: Path) -> None:
    for name in ("throw/energy", "walk/size=3/position", "walk/size=6/position"):
        values = array(store, name)
        values[...] = np.asarray(values[...]) + 1
    assert [finding.stage for finding in verify(store)] == ["throw"], "what reads it waits"
    values = array(store, "throw/energy")
    values[...] = np.asarray(values[...]) - 1
    assert [finding.stage for finding in verify(store)] == ["walk"]


def test_a_wrong_checkpoint_with_a_right_form(healthy: Path, store: Path) -> None:
    file = _state(store)
    states = unpack(file.read_bytes(), file.name)
    blocks, (position,) = states[file.name.partition(".")[0]]
    file.write_bytes(pack({**states, file.name.partition(".")[0]: (blocks, (position + 1e-9,))}))
    (finding,) = verify(store, everything=True)
    assert "the checkpoint is not the state" in finding.what
    verify(store, everything=True, repair=True)
    run(grid_with(), store)
    assert file.read_bytes() == (healthy / file.relative_to(store)).read_bytes()


def test_all_damage_at_once_in_one_repair(healthy: Path, store: Path) -> None:
    flip(chunk(store, "throw/size=6/faces"))
    chunk(store, "walk/size=6/position").unlink()
    _edit_label(store)
    cut(_state(store))
    assert len(verify(store, repair=True)) == 4
    run(grid_with(), store)
    assert verify(store, everything=True) == []
    assert_same(load(store), load(healthy))


def test_where_it_is_not_known_what_computed_a_point_another_numpy_is_named(store: Path) -> None:
    """As in a store of an older version, which says of each stage only what its launches had."""
    forget(Store(Location(str(store))), "throw", (slice(0, 2), slice(0, 9)))

    def older(entry: dict[str, Any]) -> None:
        entry["made"]["packages"]["numpy"] = "1.0"

    edit_entries(store, older)
    assert verify(store, everything=True) == []
    energy = array(store, ENERGY)
    energy[0, 0, 0] = energy[0, 0, 0] + 1
    (finding,) = verify(store, everything=True, repair=True)
    assert "made with numpy 1.0" in finding.what
    assert finding.remedy is Remedy.none
    assert Store(Location(str(store))).done("throw").all()


def test_a_kernel_that_raises_today_proves_nothing_against_its_results(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that it reads may be away, or memory short: what it gave is there, and is not taken back for that."""

    def away(*arguments: object) -> NoReturn:
        raise FileNotFoundError("table.dat")

    monkeypatch.setattr(toys, "THROW", replace(toys.THROW, advance=away))
    findings = [finding for finding in verify(store, everything=True, repair=True) if finding.stage == "throw"]
    assert findings
    assert {finding.remedy for finding in findings} == {Remedy.none}
    assert "cannot be computed again: FileNotFoundError: table.dat" in findings[0].what
    assert Store(Location(str(store))).done("throw").all()


def test_another_version_of_a_kernel_is_not_compared(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toys, "THROW", replace(toys.THROW, version=2))
    verdict = verify_store(Store(Location(str(store))), everything=True)
    assert verdict.findings == ()
    assert verdict.looked.only_read.keys() == {"throw", "walk"}
    assert "made by version 1 of kernel throw" in verdict.looked.only_read["throw"]
    assert "this is version 2" in verdict.looked.only_read["throw"]
    assert "reads throw" in verdict.looked.only_read["walk"]


@pytest.fixture
def launch_at_work(store: Path) -> Iterator[None]:
    with Lease(Location(str(store)), {}):
        yield


@pytest.mark.usefixtures("launch_at_work")
def test_a_repair_waits_for_a_launch(store: Path) -> None:
    flip(chunk(store, ENERGY))
    assert len(verify(store)) == 1
    with pytest.raises(SweepError, match="another launch is writing here"):
        verify(store, repair=True)
    assert Store(Location(str(store))).done("throw").all()


def test_no_store_and_a_root_that_cannot_be_read(store: Path, tmp_path: Path) -> None:
    with pytest.raises(SweepError, match="there is no store here"):
        verify(tmp_path / "nowhere.zarr")
    cut(store / "zarr.json")
    cut(store / ".sweep/root")
    with pytest.raises(SweepError, match=r"zarr\.json cannot be read"):
        verify(store)


OTHER = {"kernel": "toys:THROW", "axes": {"size": [3], "temperature": [0.5, 1.5]}, "params": {"throws": 6}}


@pytest.fixture
def two(store: Path) -> Path:
    """A second grid with another seed, launched into the store of the first."""
    run(grid_with(name="second", seed=8, stages={"other": OTHER}), store)
    return store


def test_what_was_looked_at(two: Path) -> None:
    looked = verify_store(Store(Location(str(two))), everything=True).looked
    files = [file for file in two.rglob("*") if file.is_file() and "c" in file.relative_to(two).parts[:-1]]
    documents = len(list(two.rglob("zarr.json"))) + 1
    assert set(looked.stages) == {"throw", "walk", "other"}
    assert (looked.points, looked.documents, looked.only_read) == (18 + 6 + 2, documents, {})
    assert looked.checkpoints == len(list((two / ".sweep" / "states").rglob("*/*")))
    assert looked.chunks >= len(files), "scalars have a chunk named c"
    assert looked.nbytes > 18 * 10 * 8
    first, *rest = looked.lines()
    assert first.startswith(f"looked at 3 stages ({', '.join(looked.stages)}): read ")
    assert "computed 26 points again" in first
    assert rest == []


@pytest.mark.parametrize("name", ["throw/energy", "walk/distance", "other/energy"])
def test_damage_to_any_grid_of_a_store_is_found_and_mended(name: str, two: Path, healthy: Path) -> None:
    flip(chunk(two, name))
    (finding,) = verify(two, repair=True)
    assert finding.path.startswith(name)
    run(grid_with(), two)
    run(grid_with(name="second", seed=8, stages={"other": OTHER}), two)
    assert verify(two, everything=True) == []
    assert load(two)["throw"].to_dataset().identical(load(healthy)["throw"].to_dataset())


def test_a_wrong_value_of_an_older_grid_is_found_by_its_own_seed(two: Path) -> None:
    values = array(two, "throw/energy")
    values[...] = np.asarray(values[...]) + 1
    (finding,) = verify(two)
    assert finding.stage == "throw"


@pytest.mark.parametrize("gone", ["the kernel", "the grid", "the kernel of another stage"])
def test_a_stage_that_cannot_be_computed_again_is_read_all_the_same(gone: str, two: Path) -> None:
    def change(entry: dict[str, Any]) -> None:
        if gone == "the kernel":
            entry["grid"] = entry["grid"].replace("toys:THROW", "toys:GONE")
        elif gone == "the grid":
            del entry["grid"], entry["made"], entry["code"]
        else:
            entry["grid"] = entry["grid"].replace("toys:WALK", "toys:GONE")

    edit_entries(two, change)
    verdict = verify_store(Store(Location(str(two))), everything=True)
    assert verdict.findings == ()
    only_read = {"the kernel": {"throw", "walk", "other"}, "the grid": {"throw", "walk"}}.get(gone, {"walk"})
    assert verdict.looked.only_read.keys() == only_read
    for line in list(verdict.looked.lines())[1:]:
        assert "only read, not computed again: " in line
    for path in ("throw/size=3/temperature", "throw/energy", "throw/size=6/faces", "walk/size=3/position", ".sweep"):
        file = _state(two) if path == ".sweep" else chunk(two, path)
        raw = file.read_bytes()
        for harm in (flip, Path.unlink) if path != ".sweep" else (flip,):
            harm(file)
            found = verify(two)
            assert [finding.path.startswith(path) for finding in found] == [True], (path, found)
            file.write_bytes(raw)


def test_code_that_was_changed_leaves_doubt_and_nothing_is_taken_back(store: Path) -> None:
    def older(entry: dict[str, Any]) -> None:
        entry["code"]["modules"]["toys"]["_throw"] = "0" * 16

    edit_entries(store, older)
    assert verify(store, everything=True) == [], "the same comes out"
    energy = array(store, ENERGY)
    energy[0, 0, 0] = energy[0, 0, 0] + 1
    (finding,) = verify(store, everything=True, repair=True)
    assert "made by other code (module toys: _throw changed)" in finding.what
    assert finding.remedy is Remedy.none


def test_a_grid_that_an_older_version_kept_only_once_is_kept_when_another_is_launched(store: Path) -> None:
    def older(entry: dict[str, Any]) -> None:
        for key in ("grid", "made", "code"):
            del entry[key]

    edit_entries(store, older)
    run(grid_with(name="second", seed=8, stages={"other": OTHER}), store)
    verdict = verify_store(Store(Location(str(store))), everything=True)
    assert (verdict.findings, verdict.looked.only_read, verdict.looked.points) == ((), {}, 26)


def test_what_reads_a_cell_that_was_taken_back_is_not_doubted(store: Path) -> None:
    """It cannot be computed again before the other is: that proves nothing against it."""
    chunk(store, ENERGY).unlink()
    assert [finding.stage for finding in verify(store, everything=True, repair=True)] == ["throw"]
    assert list(verify(store, everything=True)) == []
    assert Store(Location(str(store))).done("walk").all()
