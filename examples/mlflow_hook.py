"""A hook that shows a launch in MLflow: a run for each launch, with the points that are done of every stage over time.

    MLFLOW_TRACKING_URI=http://localhost:5000 sweep launch grid.yaml --hook mlflow_hook:post

It speaks MLflow's REST interface (version 2.0), so that nothing has to be installed beside this file. A hook is any
function of one event; `sweep.run.events` has them all. When it raises, the launch says so and goes on without it.
"""

from __future__ import annotations

import json
import os
import time
import urllib.request
from collections import Counter
from typing import Any

from sweep.run.events import Ended, Event, Started, TaskDone

EXPERIMENT = "0"  # the one that every server has
_run = ""
_done: Counter[str] = Counter()


def post(event: Event) -> None:
    """Send an event to MLflow."""
    global _run  # noqa: PLW0603 - a launch is one process, and has one run
    match event:
        case Started(stages, workers):
            _run = ask("runs/create", experiment_id=EXPERIMENT, start_time=now())["run"]["info"]["run_id"]
            ask("runs/log-parameter", run_id=_run, key="workers", value=str(workers))
            _done.update({name: stage.done for name, stage in stages.items()})
        case TaskDone(task, points, seconds):
            _done[task.stage] += points
            log(f"{task.stage}.points", _done[task.stage])
            log(f"{task.stage}.seconds_per_task", seconds)
        case Ended(_, interrupted):
            ask("runs/update", run_id=_run, status="KILLED" if interrupted else "FINISHED", end_time=now())


def log(key: str, value: float) -> None:
    """Add a value to a curve."""
    ask("runs/log-metric", run_id=_run, key=key, value=value, timestamp=now(), step=int(time.monotonic()))


def now() -> int:
    """Return milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def ask(what: str, **fields: Any) -> Any:
    """Return what the server answers."""
    address = f"{os.environ['MLFLOW_TRACKING_URI'].rstrip('/')}/api/2.0/mlflow/{what}"
    body = json.dumps(fields).encode()
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)
