"""The store keeps what computed each point; computing again compares bits only where it was the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from launching import grid_with, load, run
from typer.testing import CliRunner

from sweep.cli.commands import app
from sweep.errors import SweepError
from sweep.grid.grid import Grid
from sweep.planning.template import SEVERAL, UNKNOWN
from sweep.run.executors.ray import RayExecutor
from sweep.store.attribution import attributed, forget
from sweep.store.environments import PREFIX, enrol, environment_here, read_environments
from sweep.store.storage import Location
from sweep.store.store import Store
from sweep.verification import Verdict, verify_store

SUPPORT = Path(__file__).parents[1] / "support"
LAUNCH = """
import sys
sys.path.append({support!r})
from test_environments import products, run
run(products({labels!r}), {place!r})
"""
OTHER = "Nehalem"  # adds up in another order than what any processor of today is taken for


def products(labels: list[float], steps: int = 2) -> Grid:
    stage = {"kernel": "products:PRODUCTS", "axes": {"x": labels}, "params": {"steps": steps}}
    return grid_with(stages={"products": stage})


def launch_elsewhere(labels: list[float], place: Path) -> None:
    """Launch in a process whose BLAS takes the processor for another one."""
    path = os.pathsep.join([str(SUPPORT), str(Path(__file__).parent), *sys.path])
    variables = {**os.environ, "OPENBLAS_CORETYPE": OTHER, "PYTHONPATH": path}
    text = LAUNCH.format(support=str(SUPPORT), labels=labels, place=str(place))
    subprocess.run([sys.executable, "-c", text], env=variables, check=True)


def numbers(place: Path, stage: str = "products") -> list[int]:
    return np.asarray(load(place)[stage]["computed_by"]).ravel().tolist()


def verify(place: Path, *, everything: bool = True, repair: bool = False) -> Verdict:
    return verify_store(Store(Location(str(place))), everything=everything, repair=repair)


def pretend(place: Path, **changes: str) -> None:
    """Say that what has the number 0 in a store was something else."""
    location = Location(str(place))
    location.delete(f"{PREFIX}0")
    assert enrol(location, {**environment_here(), **changes}) == 0


# -- two kinds of processor ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store whose first two points were computed on another kind of processor than the third."""
    if environment_here()["BLAS core type"] in (OTHER, "unknown"):
        pytest.skip("this BLAS does not say what it runs on")
    place = tmp_path_factory.mktemp("mixed") / "products.zarr"
    launch_elsewhere([0.0, 1.0], place)
    run(products([0.0, 1.0, 2.0]), place)
    return place


def copied(mixed: Path, folder: Path) -> Path:
    subprocess.run(["cp", "-r", str(mixed), str(folder)], check=True)
    return folder / mixed.name


def test_the_store_keeps_what_computed_each_point(mixed: Path) -> None:
    assert numbers(mixed) == [0, 0, 1]
    known = read_environments(Location(str(mixed)))
    assert [(entry or {})["BLAS core type"] for entry in known.values()] == [
        OTHER,
        environment_here()["BLAS core type"],
    ]
    assert known[1] == environment_here()
    kept = json.loads((mixed / ".sweep" / "environments" / "0").read_text())["environment"]
    assert {"python", "processor", "BLAS", "numpy", "numba", "llvmlite", "sweep-rg"} < kept.keys()


def test_points_of_another_processor_are_not_comparable_and_not_taken_back(mixed: Path, tmp_path: Path) -> None:
    place, here = copied(mixed, tmp_path), environment_here()["BLAS core type"]
    told = CliRunner().invoke(app, ["verify", str(place), "--all", "--repair"])
    assert told.exit_code == 0
    assert f"2 points computed with BLAS core type {OTHER} (here {here}): not comparable here" in told.output
    assert "computed 1 point again" in told.output
    assert f"{place}: nothing wrong found, but 2 points computed by another environment." in told.output
    assert load(place).identical(load(mixed))


def test_without_it_they_would_be_called_damaged(mixed: Path, tmp_path: Path) -> None:
    """That their bits differ is what the test above stands on."""
    place = copied(mixed, tmp_path)
    forget(Store(Location(str(place))), "products", (slice(0, 2),))
    assert [finding.labels["x"] for finding in verify(place).findings] == [(0.0,), (1.0,)]


def test_a_point_of_this_processor_is_held_to_its_bits(mixed: Path, tmp_path: Path) -> None:
    place = copied(mixed, tmp_path)
    trace = Store(Location(str(place))).array("products/trace")
    trace[...] = np.asarray(trace[...]) + 1
    (finding,) = verify(place).findings
    assert finding.labels["x"] == (2.0,)
    (finding,) = verify(place, everything=False).findings
    assert finding.labels["x"] == (2.0,), "the cheapest of those that can be compared"
    verify(place, repair=True)
    assert numbers(place) == [0, 0, UNKNOWN]
    run(products([0.0, 1.0, 2.0]), place)
    assert numbers(place) == [0, 0, 1]
    assert verify(place).findings == ()


# -- which number a point has ----------------------------------------------------------------------------------------


def test_a_point_that_two_have_computed_is_comparable_nowhere(tmp_path: Path) -> None:
    place = tmp_path / "products.zarr"
    run(products([0.0, 1.0]), place)
    pretend(place, numpy="1.0")
    run(products([0.0, 1.0, 2.0], steps=3), place)
    assert numbers(place) == [SEVERAL, SEVERAL, 1]
    verdict = verify(place)
    assert verdict.findings == ()
    assert dict(verdict.looked.elsewhere) == {"by more than one environment": 2}


def test_numbers_follow_their_points_when_the_store_grows(tmp_path: Path) -> None:
    """New labels stand between the old ones, and cells are cut anew."""
    place = tmp_path / "products.zarr"
    run(products([1.0, 3.0]), place)
    pretend(place, numpy="1.0")
    run(products([float(x) / 4 for x in range(40)]), place)
    assert [number for number, x in zip(numbers(place), range(40), strict=True) if x in (4, 12)] == [0, 0]
    assert numbers(place).count(1) == 38


@pytest.mark.parametrize(
    ("known", "before", "blocks", "now"),
    [
        (UNKNOWN, 0, 0, UNKNOWN),
        (UNKNOWN, 0, 2, 7),
        (3, 0, 2, 7),
        (7, 1, 2, 7),
        (3, 1, 2, SEVERAL),
        (SEVERAL, 1, 2, SEVERAL),
        (3, 2, 2, 3),
        (UNKNOWN, 1, 2, UNKNOWN),
    ],
)
def test_what_computed_a_point(known: int, before: int, blocks: int, now: int) -> None:
    found = attributed(np.array([known], np.int16), np.array([before], np.int32), np.array([blocks], np.int32), 7)
    assert (found.dtype, found.tolist()) == (np.int16, [now])


def test_an_environment_has_one_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    location, first, second = Location(str(tmp_path / "s.zarr")), {"numpy": "1"}, {"numpy": "2"}
    assert [enrol(location, one) for one in (first, second, first)] == [0, 1, 0]
    put = Location.put_if_absent

    def late(self: Location, key: str, value: bytes) -> bool:
        monkeypatch.setattr(Location, "put_if_absent", put)
        enrol(location, {"numpy": "3"})
        return put(self, key, value)

    monkeypatch.setattr(Location, "put_if_absent", late)
    assert enrol(location, {"numpy": "4"}) == 3, "another was faster"
    assert read_environments(location) == {n: {"numpy": str(n + 1)} for n in range(4)}


# -- on Ray ----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_worker_on_another_processor_is_refused_or_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray's processes start with another environment variable than this one did."""
    here = environment_here()["BLAS core type"]
    if here in (OTHER, "unknown"):
        pytest.skip("this BLAS does not say what it runs on")
    place = tmp_path / "products.zarr"
    monkeypatch.setenv("OPENBLAS_CORETYPE", OTHER)
    with pytest.raises(SweepError, match=rf"node .* has BLAS core type {OTHER} \(here {here}\).*--allow-mixed"):
        run(products([0.0, 1.0]), place, lambda: RayExecutor(1))
    assert numbers(place) == [UNKNOWN, UNKNOWN]
    run(products([0.0, 1.0]), place, lambda: RayExecutor(1, allow_mixed=True))
    assert numbers(place) == [0, 0]
    assert sum(verify(place).looked.elsewhere.values()) == 2
