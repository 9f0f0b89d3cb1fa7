"""Why tasks were set aside: kept until the next launch tries them again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sweep.store.storage import Location

PREFIX = ".sweep/failures/"


def put_failure(location: Location, stage: str, number: int, failure: Mapping[str, Any]) -> None:
    """Keep why a task was set aside."""
    location.put(f"{PREFIX}{stage}/{number}", json.dumps(failure).encode())


def read_failures(location: Location) -> list[dict[str, Any]]:
    """Return why tasks were set aside, all of them; of a damaged report its key, as ``damaged``."""
    return [failure for key in location.list(PREFIX) if (failure := _read(location, key)) is not None]


def clear_failures(location: Location) -> None:
    """Forget former failures; their tasks are tried again."""
    for key in location.list(PREFIX):
        location.delete(key)


def _read(location: Location, key: str) -> dict[str, Any] | None:
    try:
        return location.get_json(key)
    except ValueError:
        stage = key.removeprefix(PREFIX).partition("/")[0]
        why = "the report of this failure is damaged; the next launch tries again"
        return {"stage": stage, "labels": {}, "attempts": 0, "error": why, "damaged": key}
