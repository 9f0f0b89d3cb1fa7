"""SIGKILL at random moments of whatever a launch consists of: the same line, given again, ends with identical bits.

The grid is a mixed one: Monte Carlo, trainings that read it, a network that reads it, flows that read all three.
"""

from __future__ import annotations

import copy
import random
import signal
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml
from launching import assert_same, load, run
from processes import Launch, send, wait_until

from sweep.grid.grid import Grid
from sweep.grid.resolve import resolve
from sweep.store.storage import Location
from sweep.store.store import Store
from sweep.verification import verify_store

GRID: dict[str, Any] = {
    "name": "kills",
    "seed": 12,
    "stages": {
        "ising": {
            "kernel": "ising",
            "axes": {"size": [8, 16], "temperature": [2.0, 2.3, 2.6, 3.0]},
            "params": {"configurations": 2048},
        },
        "rbm": {
            "kernel": "rbm",
            "inputs": {"data": "ising"},
            "axes": {"size": [8, 16], "hidden": [16, 64], "realisation": 1},
            "params": {"steps": 600, "block": 50},
        },
        "thermometer": {
            "kernel": "thermometer",
            "inputs": {"data": "ising"},
            "axes": {"size": [8, 16], "realisation": 1},
            "params": {"epochs": 4},
        },
        "flow": {
            "kernel": "rbm_flow",
            "inputs": {"data": "ising", "machine": "rbm", "thermometer": "thermometer"},
            "axes": {"size": [8, 16], "hidden": [16, 64], "realisation": 1},
            "params": {"length": 5, "configurations": 100},
        },
    },
}
KILLED = ("launcher", "actor", "raylet", "gcs")
ENDS = 90.0  # seconds in which a launch whose Ray is dead ends


def grid_of(realisations: int) -> Grid:
    """Return the grid with as many trainings, each with a thermometer and flows of its own."""
    document = copy.deepcopy(GRID)
    for stage in document["stages"].values():
        if "realisation" in stage["axes"]:
            stage["axes"]["realisation"] = realisations
    return resolve(document, yaml.safe_dump(document, sort_keys=False), "kills.yaml")


class Victim:
    """One store, launched again whenever the launch is dead, and longer when all is done: there is always work.

    Parameters
    ----------
    folder : Path
    seed : int
        Of who is killed, and when.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self.store, self.file, self.log = folder / "kills.zarr", folder / "kills.yaml", folder / "log"
        self.rng, self.realisations = random.Random(seed), 1
        self.killed: list[str] = []
        self.codes: list[int] = []

    def suffer(self, roles: list[str]) -> None:
        """Launch, and kill one process after the other, the last first; what a launch leaves behind is let alone."""
        with ExitStack() as launches:
            while roles:
                self.file.write_text(grid_of(self.realisations).text)
                words = (self.file, "--store", self.store, "--workers", "2")
                launch = launches.enter_context(Launch(*words, log=self.log))
                while roles and self._work_is_on(launch):
                    time.sleep(self.rng.uniform(0.0, 3.0))
                    self._kill(launch, roles)
                self.codes.append(launch.wait(ENDS))
                self.realisations += self.codes[-1] == 0

    def _work_is_on(self, launch: Launch) -> bool:
        """Wait until the launch has actors; return False when it has ended."""
        wait_until(lambda: launch.over or launch.processes("actor"), why=lambda: launch.said)
        return not launch.over

    def _kill(self, launch: Launch, roles: list[str]) -> None:
        victims = launch.processes(roles[-1])
        if victims and send(self.rng.choice(victims), signal.SIGKILL):
            self.killed.append(roles.pop())
            if self.killed[-1] != "actor":
                launch.wait(ENDS)

    def assert_right(self, folder: Path) -> None:
        """Launch once more, in this process; require the bits of a run that nothing befell."""
        grid = grid_of(self.realisations)
        run(grid, self.store)
        run(grid, folder / "fresh.zarr")
        assert_same(load(self.store), load(folder / "fresh.zarr"))
        assert verify_store(Store(Location(str(self.store)))).findings == ()


def test_killed_once_each(tmp_path: Path) -> None:
    victim = Victim(tmp_path, seed=1)
    victim.suffer(["launcher", "actor"])
    assert victim.killed == ["actor", "launcher"]
    victim.assert_right(tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_killed_fifty_times(tmp_path: Path) -> None:
    rng = random.Random(50)
    roles = [role for role in KILLED for _ in range(12)] + ["actor", "launcher"]
    rng.shuffle(roles)
    victim = Victim(tmp_path, seed=50)
    victim.suffer(roles)
    assert len(victim.killed) == 50
    victim.assert_right(tmp_path)
