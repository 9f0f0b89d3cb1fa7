"""Whether the store's labels and metadata are those of its plan."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from sweep.planning.plan import StagePlan
from sweep.planning.template import COMPUTED_BY, Field, stage_fields
from sweep.store.attribution import computed_by
from sweep.store.environments import PREFIX as ENVIRONMENTS
from sweep.store.environments import read_environments
from sweep.store.extend import values_of
from sweep.store.failures import damaged_failures
from sweep.store.launches import PREFIX as LAUNCHES
from sweep.store.launches import read_launches, read_tasks
from sweep.store.root import COPY, DOCUMENT, alone, copy_text
from sweep.store.storage import Location, damage
from sweep.store.store import Store, required_manifest
from sweep.verification.finding import Finding, Remedy
from sweep.verification.looked import Tally


def root_findings(store: Store, tally: Tally) -> Iterator[Finding]:
    """Yield what is wrong with the root document and its copy; a store of an older version has no copy."""
    location, copy = store.location, copy_text(store.location)
    tally.documents += 2
    if copy is None:
        entries = required_manifest(store)["stages"].values()
        if location.get(COPY) is not None or any("made" in entry for entry in entries):
            yield Finding("", COPY, "is damaged or missing: the copy of the root document", Remedy.consolidate)
    elif location.get(DOCUMENT) != copy.encode():
        yield Finding("", DOCUMENT, "is not what its copy says", Remedy.consolidate)


def log_findings(store: Store) -> Iterator[Finding]:
    """Yield entries of the log of launches, and of failures, that cannot be read."""
    for number, launch in read_launches(store.location).items():
        if launch is None:
            yield Finding("", f"{LAUNCHES}{number}", "this entry of the log of launches is damaged", Remedy.remove)
    for key in [key for key, tasks in read_tasks(store.location).items() if tasks is None]:
        yield Finding("", key, "this part of the log of tasks is damaged", Remedy.remove)
    for key in damaged_failures(store.location):
        yield Finding("", key, "this report of a failure is damaged", Remedy.remove)


def environment_findings(store: Store) -> Iterator[Finding]:
    """Yield entries of the list of what computed here that cannot be read, or are missing."""
    stages = {path.partition("/")[0] for path in store.root.nodes}
    used = {
        int(n) for name in stages if f"{name}/{COMPUTED_BY}" in store.root.nodes for n in computed_by(store, name).flat
    }
    known = read_environments(store.location)
    for number in sorted({*known, *(n for n in used if n >= 0)}):
        if known.get(number) is None:
            what = "what computed points with this number cannot be read" if number in known else "is missing"
            yield Finding("", f"{ENVIRONMENTS}{number}", what, Remedy.forget)


def metadata_findings(store: Store, tally: Tally) -> Iterator[Finding]:
    """Yield nodes whose own metadata is not what the root's copy, which readers use, says."""
    for path, copy in store.root.nodes.items():
        stage, place = path.split("/")[0], f"{path}/{DOCUMENT}"
        own = own_metadata(store.location, path)
        tally.documents += 1
        if own is None:
            yield Finding(stage, place, "is missing or unreadable", Remedy.consolidate)
        elif own != copy:
            yield Finding(stage, place, "is not what the root's copy of it says", Remedy.consolidate)


def own_metadata(location: Location, path: str) -> dict[str, Any] | None:
    """Return the metadata that a node keeps of itself, None when it cannot be read."""
    try:
        document = location.get_json(f"{path}/{DOCUMENT}")
    except ValueError:
        return None
    return None if document is None else alone(document)


def label_findings(store: Store, plan: StagePlan, tally: Tally) -> Iterator[Finding]:
    """Yield arrays that have not the shape, and coordinates that have not the labels, that the plan gives them."""
    for node, (_, fields) in stage_fields(plan).items():
        for item in fields:
            path = f"{node}/{item.name}"
            if item.name == COMPUTED_BY and path not in store.root.nodes:
                continue  # a store of an older version
            problem = _problem(store, path, item, tally)
            if problem is not None:
                remedy = Remedy.none if item.values is None else Remedy.rewrite
                yield Finding(plan.stage.name, path, problem, remedy)


def _problem(store: Store, path: str, item: Field, tally: Tally) -> str | None:
    try:
        array: Any = store.array(path)
        found = None if item.values is None else np.asarray(array[...])
    except Exception as error:  # noqa: BLE001 - damage shows as any exception of any layer
        return f"cannot be read: {damage(error)}"
    if found is not None:
        tally.saw(found)
    if array.shape != item.shape or tuple(array.metadata.dimension_names or ()) != item.dims:
        return f"has shape {array.shape} over {array.metadata.dimension_names}; wanted {item.shape} over {item.dims}"
    if found is not None and not np.array_equal(found, values_of(item)):
        pairs = zip(found.ravel().tolist(), values_of(item).ravel().tolist(), strict=True)
        place, (label, wanted) = next((i, pair) for i, pair in enumerate(pairs) if pair[0] != pair[1])
        return f"label {place} is {label!r}; wanted {wanted!r}"
    return None
