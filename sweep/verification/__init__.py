"""Whether a store can be trusted: what is called done is there, whole, and comes out the same again."""

from __future__ import annotations

import math
import shlex
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import numpy as np

from sweep.errors import Problem, SweepError
from sweep.planning.plan import StagePlan
from sweep.run.executors.base import limit_threads
from sweep.store.attribution import computed_by
from sweep.store.environments import read_environments
from sweep.store.lease import Lease
from sweep.store.manifest import layouts
from sweep.store.root import COPY
from sweep.store.storage import reaching
from sweep.store.store import Store, required_manifest
from sweep.verification.again import Recomputer
from sweep.verification.chunks import chunk_findings
from sweep.verification.elsewhere import Elsewhere
from sweep.verification.finding import Finding, Remedy
from sweep.verification.looked import Looked, Tally
from sweep.verification.made import Made, in_order, made_by
from sweep.verification.metadata import (
    environment_findings,
    label_findings,
    log_findings,
    metadata_findings,
    root_findings,
)
from sweep.verification.repair import repair as mend
from sweep.verification.unplanned import unplanned_findings

__all__ = ["Finding", "Looked", "Remedy", "Verdict", "undamaged", "verify_store"]


class Again(Enum):
    """Which points of a stage are computed again."""

    none = auto()
    cheapest = auto()
    all = auto()


@dataclass(frozen=True)
class Verdict:
    """What is wrong with a store, and what was looked at to say so."""

    findings: tuple[Finding, ...]
    looked: Looked


def verify_store(store: Store, *, everything: bool = False, repair: bool = False, compute: bool = True) -> Verdict:
    """Return what is wrong with a store, and what was looked at.

    Labels and metadata are compared with the plan, every chunk and checkpoint of points that were begun is read, and of
    each stage the cheapest done point is computed again and compared bit by bit. Every stage is held to the grid and
    seed that made it. A stage that reads a damaged one is not computed again before that one is mended; one whose grid
    or kernel is no longer to be had is only read. Points that another environment has computed are only read.

    Parameters
    ----------
    store : Store
    everything : bool
        Compute every done point again.
    compute : bool
        False to compute nothing again.
    repair : bool
        Write again what is kept twice, and take back what else is damaged, so that the next launch computes it again.

    Raises
    ------
    SweepError
        When there is no store, it does not answer, or `repair` is wanted while a launch is at work.
    """
    facts = {"workers": 0, "started": time.time()}
    with reaching(store.location.place):
        required_manifest(store)
    with reaching(store.location.place), Lease(store.location, facts) if repair else nullcontext():
        store.refresh()
        manifest, tally = required_manifest(store), Tally()
        made, tally.only_read = made_by(manifest, store.location.place)
        again = Again.none if not compute else Again.all if everything else Again.cheapest
        findings = tuple(_findings(store, manifest, made, tally, again))
        if repair:
            mend(store, {name: how.stage for name, how in made.items()}, findings)
    return Verdict(findings, tally.looked(in_order(manifest)))


@contextmanager
def undamaged(store: Store) -> Iterator[None]:
    """Read a store with other programs than this one, and say in words when that fails because it is damaged.

    Raises
    ------
    SweepError
        When there is no store, when its root is not what its copy says, or when the body raises and damage is found.
    """
    required_manifest(store)
    _refuse(store, root_findings(store, Tally()))
    try:
        yield
    except Exception:
        _refuse(store, verify_store(store, compute=False).findings)
        raise


def _refuse(store: Store, findings: Iterable[Finding]) -> None:
    finding = next((finding for finding in findings if finding.path != COPY), None)
    if finding is not None:
        way = f"`sweep verify {shlex.quote(store.location.place)} --repair`, and a launch, mend it."
        raise SweepError(Problem(store.location.place, str(finding)), way)


def _findings(
    store: Store, manifest: Mapping[str, Any], made: Mapping[str, Made], tally: Tally, again: Again
) -> Iterator[Finding]:
    yield from [
        *root_findings(store, tally),
        *metadata_findings(store, tally),
        *log_findings(store),
        *environment_findings(store),
    ]
    stored, suspect, elsewhere = layouts(manifest), set[str](), Elsewhere(read_environments(store.location))
    for name in in_order(manifest):
        how = made.get(name)
        if how is None:
            found = list(unplanned_findings(store, name, stored[name], tally))
        else:
            found = [*label_findings(store, how.stage, tally), *chunk_findings(store, how.stage, tally)]
        reads = {item.stage for item in how.stage.stage.inputs.values()} if how is not None else set()
        if how is not None and not found and not reads & suspect:
            recomputer = Recomputer(store, tally, how, elsewhere)
            # As workers do: with more threads BLAS adds up in another order.
            with limit_threads(how.stage.stage.resources.cpus):
                found += _again(recomputer, how.stage, again)
        if found or reads & suspect:
            suspect.add(name)
        yield from found


def _again(recomputer: Recomputer, stage: StagePlan, again: Again) -> Iterator[Finding]:
    done = recomputer.store.done(stage.stage.name)
    if again is Again.all:
        for cell in range(math.prod(stage.cell_grid)):
            yield from recomputer.cell_findings(stage, cell)
    elif again is Again.cheapest and done.any():
        # Points that the stage's grid no longer wants have no predicted cost; they come last.
        seconds = np.where(stage.seconds > 0, stage.seconds, 1e300)
        computed = computed_by(recomputer.store, stage.stage.name)
        foreign = [number for number in np.unique(computed) if recomputer.elsewhere.difference(int(number)) is not None]
        seconds = np.where(done, np.where(np.isin(computed, foreign), 1e301, seconds), np.inf)
        index = tuple(int(i) for i in np.unravel_index(int(np.argmin(seconds)), seconds.shape))
        yield from recomputer.cell_findings(stage, _cell_of(stage, index), index)


def _cell_of(stage: StagePlan, index: tuple[int, ...]) -> int:
    if not index:
        return 0
    place = [i // step for i, step in zip(index, stage.chunk.values(), strict=True)]
    return int(np.ravel_multi_index(place, stage.cell_grid))
