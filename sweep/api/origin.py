"""What a report says of where its numbers come from, out of the store's log of launches."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping
from typing import Any

from sweep.analysis.report.origin import Origin, Run
from sweep.run.status import read_status
from sweep.store.launches import command_of, commits_of
from sweep.store.store import Store


def origin_of(store: Store) -> Origin:
    """Return where a store is, the launches that filled it, the time that they spent on each stage, and what failed."""
    status = read_status(store)
    launches = [launch for launch in status.launches.values() if launch is not None]
    seconds: Counter[str] = Counter()
    for launch in launches:
        seconds.update(
            {name: stage["seconds"] for name, stage in launch.get("reached", {}).items() if "seconds" in stage}
        )
    failed = {name: stage.failed for name, stage in status.stages.items()}
    waiting = {name: stage.waiting for name, stage in status.stages.items()}
    return Origin(store.location.place, tuple(map(_run, launches)), seconds, failed, waiting)


def _run(launch: Mapping[str, Any]) -> Run:
    return Run(
        launch["time"],
        launch.get("ended", ""),
        f"{launch['machine']} ({launch['host']['system']} {launch['host']['machine']})",
        shlex.join(command_of(launch)),
        ", ".join(commits_of(launch)),
    )
