"""Where a worker is that may die: the point that it is about to begin, named in the store."""

from __future__ import annotations

from sweep.plan.plan import Task
from sweep.store.storage import Location

PREFIX = ".sweep/at/"


def name_point(location: Location, task: Task, point: int) -> None:
    """Say which point of a task is about to begin."""
    location.put(_key(task), str(point).encode(), at_once=False)


def taken_point(location: Location, task: Task) -> int | None:
    """Return the point of a task that was begun last, and forget it; None when none was, or it cannot be told."""
    raw = location.get(_key(task)) or b""
    forget(location, task)
    return int(raw) if raw.isdigit() else None


def forget(location: Location, task: Task) -> None:
    """Forget which point was begun: the task has ended."""
    location.delete(_key(task))


def forget_all(location: Location) -> None:
    """Forget what a launch that ended in the middle has left."""
    for key in location.list(PREFIX):
        location.delete(key)


def _key(task: Task) -> str:
    return f"{PREFIX}{task.stage}/{task.cells.start}"
