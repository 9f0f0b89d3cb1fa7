"""Nothing is said to be done that the store does not have, and nothing that it has is made less."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from launching import assert_same, grid_with, load, run

from sweep.cli.lines import conclusion
from sweep.errors import GivenUp
from sweep.planning.plan import make_plan
from sweep.run.driver import inline, launch
from sweep.run.events import Event, TaskDone
from sweep.store.lease import Lease
from sweep.store.storage import Location
from sweep.store.store import CellResult, Store


@pytest.mark.parametrize("lost", ["throw/size=3/faces/c/**/0", "throw/done/c/*/*", "throw/blocks/c/*/*"])
def test_files_that_are_deleted_meanwhile_are_missed_in_the_end(lost: str, tmp_path: Path) -> None:
    place = tmp_path / "toy.zarr"

    def take_away(event: Event) -> None:
        if isinstance(event, TaskDone) and event.task.stage == "walk" and not gone:
            gone.append(next(path for path in sorted(place.glob(lost)) if path.is_file()))
            gone[0].unlink()

    gone: list[Path] = []
    summary = launch(grid_with(), str(place), inline, take_away)
    assert (summary.vanished >= 1, summary.complete, summary.failed) == (True, False, 0)
    words, status = conclusion(summary, str(place), "sweep launch toy.yaml")
    assert status == 1
    assert "results are not in the store any more" in words
    run(grid_with(), place)
    run(grid_with(), tmp_path / "undisturbed.zarr")
    assert_same(load(place), load(tmp_path / "undisturbed.zarr"))


def test_a_commit_with_fewer_blocks_than_are_there_is_refused(tmp_path: Path) -> None:
    """Whatever token it has, whose worker comes too late would write fill values over results."""
    place, grid = tmp_path / "toy.zarr", grid_with()
    run(grid, place)
    before = load(place)
    plan = make_plan(grid, Store(Location(str(place))).layouts()).stages["throw"]
    region = plan.cell(0)
    with Lease(Location(str(place)), {}) as lease:
        store = Store(Location(str(place)), lease.token)
        blocks = np.maximum(store.blocks("throw", region) - 1, 0)
        with pytest.raises(GivenUp, match="more is done there than this worker knows of"):
            store.commit(plan, CellResult(region, [], blocks, np.zeros(blocks.shape, np.bool_)))
    assert_same(load(place), before)
