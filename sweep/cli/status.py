"""How far a store is, seen from outside: from any terminal, also while a launch runs."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sweep.store.failures import Failure, read_failures
from sweep.store.launches import read_launches
from sweep.store.lease import living_holder
from sweep.store.storage import damage, reaching
from sweep.store.store import Store, required_manifest


@dataclass(frozen=True)
class StageStatus:
    """How far one stage is.

    Parameters
    ----------
    points : int
        Points of the grid.
    done, begun : int or None
        Points that are complete, and those that have a checkpoint but are not; None when that cannot be read.
    failed : int
        Points set aside.
    problem : str or None
        Why the progress cannot be read.
    rate : float or None
        Points per second since the present launch began.
    seconds_left : float or None
    """

    kernel: str
    points: int
    done: int | None
    begun: int | None
    failed: int
    rate: float | None = None
    seconds_left: float | None = None
    problem: str | None = None


@dataclass(frozen=True)
class Status:
    """How far a store is, and who is at work on it."""

    place: str
    name: str
    stages: Mapping[str, StageStatus]
    launcher: Mapping[str, Any] | None
    failures: tuple[Failure, ...]
    launches: Mapping[int, Mapping[str, Any] | None]

    @property
    def complete(self) -> bool:
        """Return whether every point is done that is asked for."""
        return all(stage.done == stage.points for stage in self.stages.values()) or self.satisfied

    @property
    def satisfied(self) -> bool:
        """Return whether the latest launch had all that its grid asks for, and it is still there.

        A grid may ask for less than one before, and a store never shrinks.
        """
        latest = self.launches[max(self.launches)] if self.launches else None
        reached = (latest or {}).get("reached", {})
        done = {name: stage.done or 0 for name, stage in self.stages.items()}
        return bool(reached) and all(
            stage["done"] == stage["points"] and done.get(name, 0) >= stage["done"] for name, stage in reached.items()
        )

    @property
    def left(self) -> int:
        """Return how many points of the store are not done."""
        return sum(stage.points - (stage.done or 0) for stage in self.stages.values())

    def as_json(self) -> dict[str, Any]:
        """Return the status as JSON has it."""
        return {**asdict(self), "complete": self.complete}


def read_status(store: Store) -> Status:
    """Return how far a store is; raises SweepError when there is none, or it does not answer."""
    with reaching(store.location.place):
        manifest = required_manifest(store)
        launcher = living_holder(store.location)
        failures = tuple(read_failures(store.location))
        stages = {name: _stage(store, name, stage, launcher, failures) for name, stage in manifest["stages"].items()}
        launches = read_launches(store.location)
    return Status(store.location.place, manifest["name"], stages, launcher, failures, launches)


def _stage(
    store: Store,
    name: str,
    entry: Mapping[str, Any],
    launcher: Mapping[str, Any] | None,
    failures: tuple[Failure, ...],
) -> StageStatus:
    kernel, failed = entry["identity"]["kernel"], sum(failure.stage == name for failure in failures)
    try:
        done, blocks = store.done(name), store.blocks(name)
    except Exception as error:  # noqa: BLE001 - damage shows as any exception of any layer
        points = math.prod(len(labels) for labels in entry["layout"]["axes"].values())
        return StageStatus(kernel, points, None, None, failed, problem=damage(error))
    rate, left = None, None
    if launcher is not None and {"done", "started"} <= launcher.keys():
        rate = (int(done.sum()) - launcher["done"].get(name, 0)) / max(time.time() - launcher["started"], 1e-9)
        left = (done.size - int(done.sum())) / rate if rate > 0 else None
    return StageStatus(kernel, done.size, int(done.sum()), int(((blocks > 0) & ~done).sum()), failed, rate, left)
