"""Why points were set aside: kept until a launch tries them again."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sweep.grid.axes import Label
from sweep.store.storage import Location

PREFIX = ".sweep/failures/"


@dataclass(frozen=True)
class Failure:
    """A point that was set aside.

    Parameters
    ----------
    stage : str
    labels : mapping of axis to label
    attempts : int
    reason : str
        In one line.
    trace : str
        The traceback; empty where there is none.
    kind : str
        What failures have in common that are told together; by default the reason.
    """

    stage: str
    labels: Mapping[str, Label]
    attempts: int
    reason: str
    trace: str = ""
    kind: str = ""


def put_failures(location: Location, stage: str, key: str, failures: Sequence[Failure]) -> None:
    """Keep why points of a stage were set aside, under the key of one of them."""
    traces = {trace: place for place, trace in enumerate(dict.fromkeys(failure.trace for failure in failures))}
    points = [
        {
            "labels": dict(failure.labels),
            "attempts": failure.attempts,
            "reason": failure.reason,
            "trace": traces[failure.trace],
            "kind": failure.kind,
        }
        for failure in failures
    ]
    document = {"stage": stage, "points": points, "traces": list(traces)}
    location.put(f"{PREFIX}{stage}/{key}", json.dumps(document).encode())


def read_failures(location: Location) -> list[Failure]:
    """Return why points were set aside, all of them; `damaged_failures` names the reports that cannot be read."""
    return [failure for key in location.list(PREFIX) for failure in _read(location, key)]


def damaged_failures(location: Location) -> list[str]:
    """Return the keys of the reports that cannot be read: their points will be tried again."""
    return [key for key in location.list(PREFIX) if _document(location, key) is None]


def clear_failures(location: Location) -> None:
    """Forget former failures; their points are tried again."""
    for key in location.list(PREFIX):
        location.delete(key)


def _read(location: Location, key: str) -> Iterator[Failure]:
    document = _document(location, key)
    if document is None:
        why = "the report of this failure is damaged; the next launch tries again"
        yield Failure(key.removeprefix(PREFIX).partition("/")[0], {}, 0, why)
        return
    for point in document["points"]:
        trace = document["traces"][point["trace"]]
        yield Failure(
            document["stage"], point["labels"], point["attempts"], point["reason"], trace, point.get("kind", "")
        )


def _document(location: Location, key: str) -> dict[str, Any] | None:
    try:
        document = dict(location.get_json(key) or {})
        if "error" in document:
            return _of_a_task(document)
        for point in document["points"]:
            document["traces"][point["trace"]], point["labels"], point["attempts"], point["reason"]
    except (ValueError, TypeError, KeyError, IndexError, AttributeError):
        return None
    return document


def _of_a_task(old: Mapping[str, Any]) -> dict[str, Any]:
    """Return the report of an earlier version, which knew whole tasks only."""
    why = {"attempts": old["attempts"], "reason": old["error"].strip().splitlines()[-1], "trace": 0}
    corners = itertools.product(*old["labels"].values())
    points = [{"labels": dict(zip(old["labels"], labels, strict=True)), **why} for labels in corners]
    return {"stage": old["stage"], "points": points, "traces": [old["error"]]}
