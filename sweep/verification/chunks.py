"""Whether what is called done is there and can be read: every chunk, every checkpoint."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

import numpy as np
import numpy.typing as npt

from sweep.planning.plan import Region, StagePlan
from sweep.planning.template import COMPUTED_BY
from sweep.store.checkpoint import FOLDER, checkpoint_key
from sweep.store.chunks import StoredArray
from sweep.store.presence import chunk_indices, variables_in
from sweep.store.storage import damage
from sweep.store.store import Store
from sweep.verification.finding import Finding, Remedy
from sweep.verification.looked import Tally

Done = npt.NDArray[np.bool_]
Blocks = npt.NDArray[np.int32]


def chunk_findings(store: Store, plan: StagePlan, tally: Tally) -> Iterator[Finding]:
    """Yield what is missing or unreadable among the chunks and checkpoints of a stage.

    A chunk that is missing is no error to zarr: it reads as missing values. So the keys are listed and compared.
    """
    name = plan.stage.name
    present = set(store.location.list(f"{name}/"))
    present |= set(store.location.list(f"{FOLDER}/{name}/"))
    for number in range(math.prod(plan.cell_grid)):
        region = plan.cell(number)
        found = partial(Finding, name, labels=plan.labels(region), cell=number)
        try:
            done, blocks = store.done(name, region), store.blocks(name, region)
        except Exception as error:  # noqa: BLE001 - damage shows as any exception of any layer
            yield found(f"{name}/done", f"cannot be read, or {name}/blocks: {damage(error)}")
            continue
        tally.saw(done)
        tally.saw(blocks)
        if (done & (blocks == 0)).any():
            yield found(f"{name}/blocks", "is 0 where the point is called done")
        else:
            for path, what in _damaged(store, plan, region, int(blocks.max()), present, tally):
                yield found(path, what)
        for path, what in _damaged_attribution(store, name, number, bool(blocks.any()), present, tally):
            yield found(path, what, Remedy.forget)
        if (path := checkpoint_key(plan, region)) in present:
            tally.checkpoints += 1
            try:
                store.load_states(plan, region)
            except Exception as error:  # noqa: BLE001 - damage shows as any exception of any layer
                yield found(path, f"the checkpoint cannot be read: {damage(error)}")


def _damaged(
    store: Store, plan: StagePlan, region: Region, blocks: int, present: set[str], tally: Tally
) -> Iterator[tuple[str, str]]:
    """Yield what is missing of a cell with so many blocks, and what cannot be read, though no result counts."""
    for variable in variables_in(plan, region):
        path = f"{variable.node}/{variable.name}"
        try:
            array = store.array(path)
        except Exception:  # noqa: BLE001 - told with the labels already
            continue
        filled = set(chunk_indices(array, variable, plan, region, blocks)) if blocks else set()
        for index in chunk_indices(array, variable, plan, region):
            missing = "is missing, and would be read as missing values" if index in filled else None
            yield from _damaged_chunk(array, index, missing, present, tally)


def _damaged_attribution(
    store: Store, name: str, number: int, begun: bool, present: set[str], tally: Tally
) -> Iterator[tuple[str, str]]:
    """Yield that what computed a cell is missing or cannot be read; a store of an older version does not keep it."""
    path = f"{name}/{COMPUTED_BY}"
    if path in store.root.nodes:
        array = store.array(path)
        index = tuple(int(i) for i in np.unravel_index(number, array.cdata_shape)) if array.shape else ()
        missing = "is missing: what computed these points is not known" if begun else None
        yield from _damaged_chunk(array, index, missing, present, tally)


def _damaged_chunk(
    array: StoredArray, index: tuple[int, ...], missing: str | None, present: set[str], tally: Tally
) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a chunk, in the words `missing` where it must be there and is not."""
    key = array.key(index)
    if key not in present:
        if missing is not None:
            yield key, missing
        return
    try:
        tally.saw(array.chunk(index))
    except Exception as error:  # noqa: BLE001 - damage shows as any exception of any layer
        yield key, f"cannot be read: {damage(error)}"
