"""An object store that is killed and started again while it is written: the launch goes on, or the same line does."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from buckets import Service
from launching import assert_same, grid_with, load, run
from processes import Launch

from sweep.store.storage import Location
from sweep.store.store import Store
from sweep.verification import verify_store

PLACE = "s3://sweeps/runs/toy.zarr"


def assert_right(folder: Path, **changes: object) -> None:
    """Launch again, if need be for what is missing; require the bits of a run on a disk."""
    run(grid_with(**changes), PLACE)
    run(grid_with(**changes), folder / "fresh.zarr")
    assert_same(load(PLACE), load(folder / "fresh.zarr"))
    assert verify_store(Store(Location(PLACE))).findings == ()


@pytest.mark.parametrize(
    ("words", "kills", "seconds"),
    [
        (["--executor", "inline"], 1, 6.0),
        pytest.param(["--workers", "2"], 10, 2.0, marks=pytest.mark.slow),
        pytest.param(["--workers", "2"], 1, 20.0, marks=pytest.mark.slow),
    ],
    ids=["once", "ten times", "for long"],
)
def test_killed_under_load(service: Service, words: list[str], kills: int, seconds: float, tmp_path: Path) -> None:
    changes = {"walk__kernel": "toys:SLOW", "walk__params": {"steps": 10 + 15 * kills, "seconds": 1.0}}
    (tmp_path / "toy.yaml").write_text(grid_with(**changes).text)
    rng = random.Random(kills)
    with Launch(tmp_path / "toy.yaml", "--store", PLACE, *words, log=tmp_path / "log") as launch:
        while not list(service.folder.glob("sweeps/*throw%2Fdone%2Fc*")):
            assert not launch.over, launch.said
            time.sleep(0.05)
        for _ in range(kills):
            service.kill()
            time.sleep(seconds)
            service.start()
            time.sleep(rng.uniform(0.1, 1.0))
        code = launch.wait()
        assert "Traceback" not in launch.said
        assert code == 0, launch.said
    assert_right(tmp_path, **changes)
