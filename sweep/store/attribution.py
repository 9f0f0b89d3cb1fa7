"""What computed each point: the array ``computed_by`` of a stage, in numbers of environments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sweep.planning.plan import Region
from sweep.planning.template import COMPUTED_BY, SEVERAL, UNKNOWN
from sweep.store.arrays import regions
from sweep.store.progress import readable
from sweep.store.storage import damage

if TYPE_CHECKING:
    from sweep.store.store import Store

Numbers = npt.NDArray[np.int16]
Blocks = npt.NDArray[np.int32]


def computed_by(store: Store, stage: str, region: Region | None = None) -> Numbers:
    """Return the number of what computed each point; `UNKNOWN` also in a store of an older version, or one damaged."""
    path, part = f"{stage}/{COMPUTED_BY}", region if region is not None else ...
    if path not in store.root.nodes:
        return np.full_like(store.blocks(stage, region), UNKNOWN, np.int16)
    try:
        return np.asarray(store.array(path)[part], np.int16)
    except Exception as error:  # noqa: BLE001 - damage shows as any exception of any layer
        damage(error)
        found, whole = readable(store.location, path, store.root.nodes[path])
        return np.where(whole, found, UNKNOWN).astype(np.int16)[part]


def new_attribution(store: Store, stage: str, region: Region, before: Blocks, blocks: Blocks) -> Numbers | None:
    """Return what has computed the points of a cell, now that they have so many blocks; None where that is not new."""
    if not before.any():
        return attributed(np.full(before.shape, UNKNOWN, np.int16), before, blocks, store.environment_number)
    known = computed_by(store, stage, region)
    now = attributed(known, before, blocks, store.environment_number)
    return now if (now != known).any() else None


def attributed(known: Numbers, before: Blocks, blocks: Blocks, environment: int) -> Numbers:
    """Return what has computed each point, after an environment has brought its blocks from so many to so many.

    `SEVERAL` where another has computed the first of them; where that is not known, it stays so.
    """
    grown, other = blocks > before, (known != UNKNOWN) & (known != environment)
    resumed = np.where(grown & other, SEVERAL, known)
    return np.where(blocks == 0, UNKNOWN, np.where(grown & (before == 0), environment, resumed)).astype(np.int16)


def forget(store: Store, stage: str, region: Region) -> None:
    """Say that it is not known what computed the points of a region."""
    if f"{stage}/{COMPUTED_BY}" in store.root.nodes:
        shape = tuple(part.stop - part.start for part in region)
        store.array(f"{stage}/{COMPUTED_BY}")[region] = np.full(shape, UNKNOWN, np.int16)


def forget_damaged(store: Store, stage: str) -> None:
    """Forget what computed the points of a stage where that cannot be read, so that the array can be moved."""
    path = f"{stage}/{COMPUTED_BY}"
    if path in store.root.nodes:
        _, whole = readable(store.location, path, store.root.nodes[path])
        for region in () if whole.all() else regions(store.array(path)):
            if not whole[region].all():
                forget(store, stage, region)
