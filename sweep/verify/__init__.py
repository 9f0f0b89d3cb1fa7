"""Whether a store can be trusted: what is called done is there, whole, and comes out the same again."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import numpy as np

from sweep.errors import Problem, SweepError
from sweep.grid.file import parse_yaml
from sweep.grid.resolve import resolve
from sweep.plan.plan import Plan, StagePlan, make_plan
from sweep.run.executors.base import limit_threads
from sweep.store.lease import Lease
from sweep.store.manifest import describe, identity, layouts
from sweep.store.store import Store, required_manifest
from sweep.verify.again import Recomputer
from sweep.verify.chunks import chunk_findings
from sweep.verify.finding import Finding, Remedy
from sweep.verify.metadata import label_findings, metadata_findings
from sweep.verify.repair import repair as mend

__all__ = ["Finding", "Remedy", "verify_store"]


def verify_store(store: Store, *, everything: bool = False, repair: bool = False) -> list[Finding]:
    """Return what is wrong with a store.

    Labels and metadata are compared with the plan, every chunk and checkpoint of done points is read, and of each stage
    the cheapest done point is computed again and compared bit by bit. A stage that reads a damaged one is not computed
    again before that one is mended. Of stages that the store's grid no longer has, only the metadata is looked at.

    Parameters
    ----------
    store : Store
    everything : bool
        Compute every done point again.
    repair : bool
        Take back what is damaged, so that the next launch computes it again.

    Raises
    ------
    SweepError
        When there is no store, its kernels cannot be found, or `repair` is wanted while a launch is at work.
    """
    manifest = _manifest(store)
    plan = _plan(store, manifest)
    facts = {"workers": 0, "started": time.time(), "done": {}}
    with Lease(store.location, facts) if repair else nullcontext():
        findings = list(_findings(store, plan, manifest, everything))
        if repair:
            mend(store, plan, findings)
    return findings


def _manifest(store: Store) -> dict[str, Any]:
    try:
        return required_manifest(store)
    except ValueError as error:
        what = f"zarr.json cannot be read ({error}); nothing else says what the store holds"
        raise SweepError(Problem(store.location.place, what)) from error


def _plan(store: Store, manifest: dict[str, Any]) -> Plan:
    """Return the plan of the grid that the store keeps, laid out as the store is."""
    where = f"{store.location.place}: grid"
    grid = resolve(parse_yaml(manifest["grid"], where), manifest["grid"], where)
    return make_plan(grid, layouts(manifest), as_stored=True)


def _findings(store: Store, plan: Plan, manifest: dict[str, Any], everything: bool) -> Iterator[Finding]:
    yield from metadata_findings(store)
    recomputer = Recomputer(plan, store, _elsewhere(plan, manifest))
    suspect: set[str] = set()
    for name, stage in plan.stages.items():
        found = [*label_findings(store, stage), *chunk_findings(store, stage)]
        reads = {item.stage for item in stage.stage.inputs.values()}
        if not found and not reads & suspect:
            with limit_threads(stage.stage.cpus):  # as workers do: with more threads BLAS adds up in another order
                found += _again(recomputer, stage, manifest, everything)
        if found or reads & suspect:
            suspect.add(name)
        yield from found


def _again(recomputer: Recomputer, stage: StagePlan, manifest: dict[str, Any], everything: bool) -> Iterator[Finding]:
    name = stage.stage.name
    if manifest["stages"][name]["identity"] != identity(recomputer.plan, name):
        made = manifest["stages"][name]["identity"]["version"]
        what = (
            f"was made by version {made} of kernel {stage.stage.kernel.name}, or from another grid: not computed again"
        )
        yield Finding(name, name, what, Remedy.none)
        return
    done = recomputer.store.done(name)
    if everything:
        for cell in range(math.prod(stage.cell_grid)):
            yield from recomputer.cell_findings(stage, cell)
    elif done.any():
        # Points that the present grid does not want have no predicted cost; they come last.
        seconds = np.where(done, np.where(stage.seconds > 0, stage.seconds, 1e300), np.inf)
        index = tuple(int(i) for i in np.unravel_index(int(np.argmin(seconds)), seconds.shape))
        yield from recomputer.cell_findings(stage, _cell_of(stage, index), index)


def _cell_of(stage: StagePlan, index: tuple[int, ...]) -> int:
    if not index:
        return 0
    place = [i // step for i, step in zip(index, stage.chunk.values(), strict=True)]
    return int(np.ravel_multi_index(place, stage.cell_grid))


def _elsewhere(plan: Plan, manifest: dict[str, Any]) -> str | None:
    """Return how the present environment differs from the one that made the store, None when it does not."""
    present = describe(plan)
    for part in ("packages", "host"):
        for key, value in manifest.get(part, {}).items():
            if present[part].get(key) != value:
                return f"the store was made with {key} {value}, this is {present[part].get(key)}"
    return None
