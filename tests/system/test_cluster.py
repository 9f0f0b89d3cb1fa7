"""A cluster of machines that fail, each in namespaces of its own: the results are those of an undisturbed run."""

from __future__ import annotations

import copy
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from launching import GRID, assert_same, load, run
from namespaces import Machine, Network, skip_unless_possible
from plain_model import files_of
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


@pytest.mark.slow
def test_a_machine_that_was_frozen_changes_nothing_when_it_wakes_up(network: Network, tmp_path: Path) -> None:
    """Long enough for the cluster to hold it for dead, and for its task to be done by another."""
    job = Job(tmp_path, points=4, seconds=3.0)
    head, node = network.add("head"), network.add("node")
    with job.on(head) as launch:
        wait_until(lambda: job.done() > 0 and node.actors())
        node.signal_all(signal.SIGSTOP)
        assert launch.wait() == 0, launch.said
    before = files_of(job.store)
    node.signal_all(signal.SIGCONT)
    wait_until(lambda: not node.actors(), 60)
    assert files_of(job.store) == before
    job.assert_right()


@pytest.mark.slow
def test_nodes_that_come_later_go_for_good_or_must_not_work(network: Network, tmp_path: Path) -> None:
    """One launch, asked for more workers than there ever are cores, from no node at all on."""
    job = Job(tmp_path, points=12, seconds=1.5)
    head = network.add("head", cpus=0)
    with job.on(head, "--workers", "8") as launch:
        wait_until(lambda: "waiting for a node with 1 core" in launch.said, why=lambda: launch.said)
        alone = network.add("alone", prepare=lambda machine: machine.hide(job.runs))
        network.add("other", prepare=other_numpy)
        node, late = network.add("node"), network.add("late")
        wait_until(lambda: job.done() > 0 and node.actors(), why=lambda: launch.said)
        node.lose()
        assert launch.wait() == 0, launch.said
        assert late.actors() == []
    assert launch.said.count("node alone") == 1
    assert "does not see this launch in the store" in launch.said
    assert launch.said.count("node other") == 1
    assert "has numpy 2.0.1" in launch.said
    assert "its node node " in launch.said
    assert alone.do("find", str(job.runs), "-type", "f") == ""
    job.assert_right()


def other_numpy(machine: Machine) -> None:
    """Let the machine see another version, in the module and in what pip knows."""
    place = Path(np.__file__).parent
    (metadata,) = place.parent.glob("numpy-*.dist-info/METADATA")
    for file in (place / "version.py", metadata):
        machine.replace(file, file.read_text().replace(np.__version__, "2.0.1"))
