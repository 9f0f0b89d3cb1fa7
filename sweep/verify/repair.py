"""Mending a store: labels and metadata are written again, damaged cells are taken back."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import zarr

from sweep.plan.plan import Plan, StagePlan
from sweep.plan.template import stage_fields
from sweep.store.storage import Location
from sweep.store.store import Store
from sweep.verify.finding import Finding, Remedy
from sweep.verify.metadata import DOCUMENT, copies, own_metadata, values_of


def repair(store: Store, plan: Plan, findings: Sequence[Finding]) -> None:
    """Mend what can be mended; the caller holds the store's lease."""
    if any(finding.remedy is Remedy.consolidate for finding in findings):
        _consolidate(store.location, plan)
    for path in {finding.path for finding in findings if finding.remedy is Remedy.rewrite}:
        _rewrite(store, plan, path)
    cells = {(finding.stage, finding.cell) for finding in findings if finding.remedy is Remedy.recompute}
    for stage, cell in cells:
        if cell is not None:
            _take_back(store, plan.stages[stage], cell)


def _consolidate(location: Location, plan: Plan) -> None:
    """Restore from the root's copy what is unreadable, or is as planned only there; then copy all again."""
    planned = dict(_planned_attributes(plan))
    for path, copy in copies(location).items():
        own = own_metadata(location, path)
        if own is None or (own != copy and copy.get("attributes") == planned.get(path)):
            location.put(f"{path}/{DOCUMENT}", json.dumps(copy).encode())
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Consolidated metadata|Object at .sweep", category=UserWarning)
        zarr.consolidate_metadata(location.zarr)


def _planned_attributes(plan: Plan) -> Iterator[tuple[str, dict[str, Any]]]:
    for stage in plan.stages.values():
        for node, (attributes, fields) in stage_fields(stage).items():
            yield node, attributes
            yield from ((f"{node}/{item.name}", dict(item.attributes)) for item in fields)


def _rewrite(store: Store, plan: Plan, path: str) -> None:
    node, name = path.rsplit("/", 1)
    _, fields = stage_fields(plan.stages[node.split("/")[0]])[node]
    item = next(item for item in fields if item.name == name)
    array: Any = store.group[path]
    array[...] = values_of(item)


def _take_back(store: Store, plan: StagePlan, cell: int) -> None:
    """Forget a whole cell, and the checkpoints that its points would go on from."""
    region = plan.cell(cell)
    store.reset(plan.stage.name, region)
    for _, point in plan.points(region):
        store.location.delete(f".sweep/states/{plan.stage.name}/{plan.stage.key_at(point)}")
