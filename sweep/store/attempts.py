"""Where a worker is that may die: the point that it is about to begin, named in the store."""

from __future__ import annotations

import json

from sweep.planning.plan import Task
from sweep.store.storage import Location

PREFIX = ".sweep/at/"


def name_point(location: Location, stage: str, cell: int, point: int, why: str = "") -> None:
    """Say which point of a task, known by its first cell, is about to begin, or why it is the end of its worker."""
    location.put(_key(stage, cell), json.dumps([point, why]).encode(), at_once=False)


def taken_point(location: Location, task: Task) -> tuple[int, str] | None:
    """Return the point of a task that was named last and why, and forget it; None when none was.

    It may have been cut short by a power cut: then it cannot be told either.
    """
    raw = location.get(_key(task.stage, task.cells.start))
    if raw is None:
        return None
    forget(location, task)
    try:
        point, why = json.loads(raw)
    except ValueError:
        return None
    return int(point), str(why)


def forget(location: Location, task: Task) -> None:
    """Forget which point was named: the task has ended."""
    location.delete(_key(task.stage, task.cells.start))


def forget_all(location: Location) -> None:
    """Forget what a launch that ended in the middle has left."""
    for key in location.list(PREFIX):
        location.delete(key)


def _key(stage: str, cell: int) -> str:
    return f"{PREFIX}{stage}/{cell}"
