"""A cluster of machines that fail, each in namespaces of its own: the results are those of an undisturbed run."""

from __future__ import annotations

import copy
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from launching import GRID, assert_same, load, run
from namespaces import Machine, Network, skip_unless_possible
from processes import Launch, wait_until

from sweep.grid.resolve import resolve
from sweep.store.storage import Location
from sweep.store.store import Store

STEPS_A_SECOND = 50  # of the kernel that dozes


@pytest.fixture
def network() -> Iterator[Network]:
    skip_unless_possible()
    with Network() as network:
        yield network


class Job:
    """A grid of points that take their time, each a task of its own, and the launches of it.

    Parameters
    ----------
    folder : Path
        Seen by all machines, unless they hide it.
    points : int
    seconds : float
        A point takes as long.
    """

    def __init__(self, folder: Path, points: int, seconds: float) -> None:
        document: dict[str, Any] = copy.deepcopy(GRID)
        walk = document["stages"]["walk"]
        walk["kernel"] = "toys:SLOW"
        walk["axes"] = {"size": [3], "realisation": points}
        walk["params"] = {"steps": round(STEPS_A_SECOND * seconds), "seconds": 1.0}
        text = yaml.safe_dump(document, sort_keys=False)
        self.grid = resolve(document, text, "toy.yaml")
        self.folder, self.file, self.log = folder, folder / "toy.yaml", folder / "log"
        self.runs = folder / "runs"
        self.store = self.runs / "toy.zarr"
        self.runs.mkdir()
        self.file.write_text(text)

    def on(self, machine: Machine, *words: str) -> Launch:
        return machine.launch(self.file, "--store", self.store, *words, log=self.log)

    def done(self) -> int:
        """Return how many of the points that take their time are done."""
        if not (self.store / "walk" / "done" / "c").exists():
            return 0
        return int(Store(Location(str(self.store))).progress("walk").done.sum())

    def assert_right(self) -> None:
        """Require the bits of a run in this process."""
        run(self.grid, self.folder / "fresh.zarr")
        assert_same(load(self.store), load(self.folder / "fresh.zarr"))


@pytest.mark.slow
def test_a_launcher_that_is_killed_on_a_cluster(network: Network, tmp_path: Path) -> None:
    job = Job(tmp_path, points=6, seconds=1.5)
    head, node = network.add("head"), network.add("node")
    with job.on(head) as first:
        wait_until(lambda: job.done() > 1)
        assert first.send("launcher", signal.SIGKILL)
        wait_until(lambda: not head.actors() and not node.actors(), 30)
    with job.on(head) as second:
        assert second.wait() == 0, second.said
    job.assert_right()


@pytest.mark.slow
def test_a_node_that_is_cut_off_for_a_moment(network: Network, tmp_path: Path) -> None:
    job = Job(tmp_path, points=6, seconds=2.0)
    head, node = network.add("head"), network.add("node")
    with job.on(head) as launch:
        wait_until(lambda: job.done() > 0)
        node.cut_off()
        time.sleep(13)
        node.bring_back()
        assert launch.wait() == 0, launch.said
    job.assert_right()
