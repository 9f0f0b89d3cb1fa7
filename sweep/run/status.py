"""How far a store is, seen from outside: from any terminal, also while a launch runs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from sweep.run.events import Look, Pace, Progress, look_from
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
    failed, waiting : int
        Points set aside, and those that read one that was, as the latest launch said at its end.
    problem : str or None
        Why the progress cannot be read.
    params : mapping
        The parameters that all points have in common.
    """

    kernel: str
    points: int
    done: int | None
    begun: int | None
    failed: int
    waiting: int = 0
    problem: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def progress(self) -> Progress | None:
        """Return how far it is; None when that cannot be read."""
        return None if self.done is None else Progress(self.points, self.done, self.failed, self.waiting)


@dataclass(frozen=True)
class Status:
    """How far a store is, and who is at work on it.

    Parameters
    ----------
    place, name : str
    stages : mapping of str to StageStatus
    launcher : mapping or None
        What the launch that is at work says of itself.
    look : Look or None
        How that is getting on, as of its last sign of life.
    failures : tuple of Failure
    launches : mapping of int to mapping or None
        The log of launches.
    """

    place: str
    name: str
    stages: Mapping[str, StageStatus]
    launcher: Mapping[str, Any] | None
    look: Look | None
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
        reached = _reached(self.launches)
        done = {name: stage.done or 0 for name, stage in self.stages.items()}
        return bool(reached) and all(
            stage["done"] == stage["points"] and done.get(name, 0) >= stage["done"] for name, stage in reached.items()
        )

    @property
    def left(self) -> int:
        """Return how many points of the store are not done."""
        return sum(stage.points - (stage.done or 0) for stage in self.stages.values())

    def pace(self, stage: str) -> Pace | None:
        """Return how a stage is getting on, where somebody is at work on it."""
        return self.look.stages[stage][1] if self.look and stage in self.look.stages else None

    def as_json(self) -> dict[str, Any]:
        """Return the status as JSON has it."""
        return {**asdict(self), "complete": self.complete}


def read_status(store: Store) -> Status:
    """Return how far a store is; raises SweepError when there is none, or it does not answer."""
    with reaching(store.location.place):
        manifest = required_manifest(store)
        launcher = dict(living_holder(store.location) or {})
        look = look_from(launcher.pop("look", None))
        failures = tuple(read_failures(store.location))
        launches = read_launches(store.location)
        waiting = {name: stage.get("waiting", 0) for name, stage in _reached(launches).items()}
        stages = {
            name: _stage(store, name, stage, failures, waiting.get(name, 0))
            for name, stage in manifest["stages"].items()
        }
    return Status(store.location.place, manifest["name"], stages, launcher or None, look, failures, launches)


def _reached(launches: Mapping[int, Mapping[str, Any] | None]) -> Mapping[str, Any]:
    """Return how far every stage was at the end of the latest launch; nothing where that has not come to its end."""
    latest = launches[max(launches)] if launches else None
    return dict((latest or {}).get("reached", {}))


def _stage(
    store: Store, name: str, entry: Mapping[str, Any], failures: tuple[Failure, ...], waiting: int
) -> StageStatus:
    kernel, failed = entry["identity"]["kernel"], sum(failure.stage == name for failure in failures)
    params = {**entry["identity"]["params"], **entry["layout"]["extents"]}
    try:
        done, blocks = store.done(name), store.blocks(name)
    except Exception as error:  # noqa: BLE001 - damage shows as any exception of any layer
        points = math.prod(len(labels) for labels in entry["layout"]["axes"].values())
        return StageStatus(kernel, points, None, None, failed, problem=damage(error), params=params)
    begun = int(((blocks > 0) & ~done).sum())
    return StageStatus(kernel, done.size, int(done.sum()), begun, failed, waiting, params=params)
