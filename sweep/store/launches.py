"""The log of launches: who computed what here, when, where, with which code."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sweep.store.storage import Location

PREFIX = ".sweep/launches/"


def next_launch(location: Location) -> int:
    """Return the number of the next launch, from 1; the caller holds the store's lease."""
    numbers = [int(name) for key in location.list(PREFIX) if (name := key.removeprefix(PREFIX)).isdigit()]
    return max(numbers, default=0) + 1


def put_launch(location: Location, number: int, facts: Mapping[str, Any]) -> None:
    """Keep what a launch says of itself, with a checksum."""
    text = json.dumps(dict(facts))
    kept = {"sha256": hashlib.sha256(text.encode()).hexdigest(), "launch": json.loads(text)}
    location.put(f"{PREFIX}{number}", json.dumps(kept, indent=2).encode())


def read_launches(location: Location) -> dict[int, dict[str, Any] | None]:
    """Return what every launch said of itself, by number; None for one whose entry is damaged."""
    names = [key.removeprefix(PREFIX) for key in location.list(PREFIX)]
    return {number: _read(location, number) for number in sorted(int(name) for name in names if name.isdigit())}


def measured(location: Location) -> tuple[dict[str, float], dict[str, float]]:
    """Return what launches saw last of stages: what a second that the kernel predicts took in truth, and the memory.

    That is the bytes which a worker had at most.
    """
    reached = [(launch or {}).get("reached", {}) for launch in read_launches(location).values()]
    stages = [item for stages in reached for item in stages.items()]
    speeds, memory = ({name: stage[what] for name, stage in stages if what in stage} for what in ("speed", "memory"))
    return speeds, memory


def command_of(launch: Mapping[str, Any]) -> list[str]:
    """Return the words that a launch was asked by, the command without its folder."""
    return [Path(launch["command"][0]).name, *launch["command"][1:]]


def commits_of(launch: Mapping[str, Any]) -> list[str]:
    """Return the commits of the files that a launch used, and whether they were edited since."""
    return sorted({f"git {item['commit'][:10]}{' (edited)' if item['dirty'] else ''}" for item in launch["git"]})


def _read(location: Location, number: int) -> dict[str, Any] | None:
    try:
        kept = json.loads(location.get(f"{PREFIX}{number}") or b"")
        launch = dict(kept["launch"])
        whole = hashlib.sha256(json.dumps(launch).encode()).hexdigest() == kept["sha256"]
    except (ValueError, TypeError, KeyError):
        return None
    return launch if whole else None
