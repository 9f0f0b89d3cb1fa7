"""Mending a store: labels and metadata are written again, damaged cells are taken back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sweep.plan.plan import Plan
from sweep.plan.template import stage_fields
from sweep.store.extend import settle, values_of
from sweep.store.root import restore_root
from sweep.store.store import Store
from sweep.verify.finding import Finding, Remedy


def repair(store: Store, plan: Plan, findings: Sequence[Finding]) -> None:
    """Mend what can be mended; the caller holds the store's lease."""
    if any(finding.remedy is Remedy.consolidate for finding in findings):
        restore_root(store.location)
        settle(store.location, store.root)
    for path in {finding.path for finding in findings if finding.remedy is Remedy.rewrite}:
        _rewrite(store, plan, path)
    cells = {(finding.stage, finding.cell) for finding in findings if finding.remedy is Remedy.recompute}
    for stage, cell in cells:
        if cell is not None:
            store.take_back(plan.stages[stage], cell)


def _rewrite(store: Store, plan: Plan, path: str) -> None:
    node, name = path.rsplit("/", 1)
    _, fields = stage_fields(plan.stages[node.split("/")[0]])[node]
    item = next(item for item in fields if item.name == name)
    array: Any = store.array(path)
    array[...] = values_of(item)
