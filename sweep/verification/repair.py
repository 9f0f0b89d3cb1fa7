"""Mending a store: labels and metadata are written again, damaged cells are taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sweep.planning.plan import StagePlan
from sweep.planning.template import stage_fields
from sweep.store.attribution import forget
from sweep.store.environments import forget_environment
from sweep.store.extend import settle, values_of
from sweep.store.root import write_root
from sweep.store.store import Store
from sweep.verification.finding import Finding, Remedy


def repair(store: Store, plans: Mapping[str, StagePlan], findings: Sequence[Finding]) -> None:
    """Mend what can be mended; the caller holds the store's lease."""
    if any(finding.remedy is Remedy.consolidate for finding in findings):
        write_root(store.location, store.root)
        settle(store.location, store.root)
    for path in {finding.path for finding in findings if finding.remedy is Remedy.rewrite}:
        _rewrite(store, plans[path.split("/")[0]], path)
    for path in {finding.path for finding in findings if finding.remedy is Remedy.remove}:
        store.location.delete(path)
    for finding in findings:
        if finding.remedy is Remedy.forget and finding.cell is not None:
            forget(store, finding.stage, plans[finding.stage].cell(finding.cell))
        elif finding.remedy is Remedy.forget:
            forget_environment(store.location, int(finding.path.rpartition("/")[2]))
    cells = {(finding.stage, finding.cell) for finding in findings if finding.remedy is Remedy.recompute}
    for stage, cell in cells:
        if cell is not None:
            store.take_back(plans[stage], cell)


def _rewrite(store: Store, plan: StagePlan, path: str) -> None:
    node, name = path.rsplit("/", 1)
    _, fields = stage_fields(plan)[node]
    item = next(item for item in fields if item.name == name)
    array: Any = store.array(path)
    array[...] = values_of(item)
