"""The log of launches: who computed what here, when, where, with which code, and what each task of theirs took."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sweep.store.storage import Location

PREFIX = ".sweep/launches/"
TASKS = ".sweep/tasks/"


def next_launch(location: Location) -> int:
    """Return the number of the next launch, from 1; the caller holds the store's lease."""
    numbers = [int(name) for key in location.list(PREFIX) if (name := key.removeprefix(PREFIX)).isdigit()]
    return max(numbers, default=0) + 1


def put_launch(location: Location, number: int, facts: Mapping[str, Any]) -> None:
    """Keep what a launch says of itself, with a checksum."""
    _put(location, f"{PREFIX}{number}", "launch", dict(facts), indent=2)


def read_launches(location: Location) -> dict[int, dict[str, Any] | None]:
    """Return what every launch said of itself, by number; None for one whose entry is damaged."""
    names = [key.removeprefix(PREFIX) for key in location.list(PREFIX)]
    numbers = sorted(int(name) for name in names if name.isdigit())
    return {number: _read(location, f"{PREFIX}{number}", "launch") for number in numbers}


def put_tasks(location: Location, number: int, part: int, tasks: Sequence[Mapping[str, Any]]) -> None:
    """Keep a part of the tasks that a launch has done, with a checksum."""
    _put(location, f"{TASKS}{number}.{part}", "tasks", list(tasks))


def read_tasks(location: Location) -> dict[str, list[dict[str, Any]] | None]:
    """Return the tasks that launches have done, by key, in their order; None for a part that is damaged."""
    keys = [key for key in location.list(TASKS) if re.fullmatch(r"\d+\.\d+", key.removeprefix(TASKS))]
    return {key: _read(location, key, "tasks") for key in sorted(keys, key=launch_and_part)}


def launch_and_part(key: str) -> tuple[int, int]:
    """Return the number of the launch, and of the part of its tasks, that stand under a key."""
    launch, _, part = key.removeprefix(TASKS).partition(".")
    return int(launch), int(part)


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


def _put(location: Location, key: str, name: str, what: Any, indent: int | None = None) -> None:
    text = json.dumps(what)
    kept = {"sha256": hashlib.sha256(text.encode()).hexdigest(), name: json.loads(text)}
    location.put(key, json.dumps(kept, indent=indent).encode())


def _read(location: Location, key: str, name: str) -> Any:
    try:
        kept = json.loads(location.get(key) or b"")
        whole = hashlib.sha256(json.dumps(kept[name]).encode()).hexdigest() == kept["sha256"]
    except (ValueError, TypeError, KeyError):
        return None
    return kept[name] if whole else None
