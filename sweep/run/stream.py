"""Events as lines of JSON: for the log beside a store, and for programs."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sweep.run.events import Event, Listener, Look, Started, TaskDone
from sweep.run.words import appended

EVENTS = "events.jsonl"
NAMES = {
    "Started": "started",
    "TaskDone": "task_done",
    "PointsFailed": "points_failed",
    "WorkerLost": "worker_lost",
    "Stopping": "stopping",
    "Notice": "notice",
    "Ended": "ended",
    "Look": "progress",
}


def line_of(event: Event | Look) -> str:
    """Return an event, or how a launch is getting on, as one line of JSON.

    Its keys are ``event`` (see `NAMES`), ``time`` (UTC) and what the event has; of a task what `took` says and its
    ``cells``, first and one past the last.
    """
    match event:
        case Started(stages, workers):
            said: dict[str, Any] = {
                "stages": {name: asdict(stage) for name, stage in stages.items()},
                "workers": workers,
            }
        case TaskDone(task):
            said = took(event) | {"cells": [task.cells.start, task.cells.stop]}
        case Look(stages):
            said = {**asdict(event), "stages": {name: asdict(a) | asdict(b) for name, (a, b) in stages.items()}}
        case _:
            said = asdict(event)
    when = datetime.now(UTC).isoformat(timespec="milliseconds")
    return json.dumps({"event": NAMES[type(event).__name__], "time": when, **said}, default=str)


def took(event: TaskDone) -> dict[str, Any]:
    """Return what a task took, as JSON has it."""
    took = {"points": event.points, "seconds": event.seconds, "memory": event.memory}
    return {"stage": event.task.stage, "labels": dict(event.labels), **took}


@contextlib.contextmanager
def told_beside(logs: str, listener: Listener) -> Iterator[Listener]:
    """Yield a listener that tells another, and writes the log of events; what cannot be written there is lost."""
    file = keeper = None
    with contextlib.suppress(OSError):
        if logs:
            file, keeper = appended(f"{logs}/{EVENTS}")

    def tell(event: Event) -> None:
        with contextlib.suppress(OSError, ValueError):
            if file is not None:
                print(line_of(event), file=file)
        listener(event)

    try:
        yield tell
    finally:
        if file is not None:
            with contextlib.suppress(OSError):
                file.close()
        if keeper is not None:
            keeper.close()
