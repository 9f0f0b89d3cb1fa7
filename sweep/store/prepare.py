"""Making a store ready for a plan: what was left half done is mended or taken back, then the dataset is laid out."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from sweep.grid.axes import places
from sweep.grid.grid import Input
from sweep.planning.plan import Layout, Plan, StagePlan
from sweep.store.arrays import owner
from sweep.store.attribution import forget_damaged
from sweep.store.checkpoint import FOLDER, regroup
from sweep.store.extend import CHANGING, StageExtension, restore, switch
from sweep.store.manifest import layouts, merge
from sweep.store.presence import absent_chunks
from sweep.store.root import Root, copy_text, write_root
from sweep.store.store import Store


def prepare(store: Store, plan: Plan) -> None:
    """Create the empty dataset of a plan, or extend the one that is there; what is there keeps its bits.

    What a crash or a power cut left is mended first, and points whose results are not all there are taken back. The
    caller holds the store's lease, and has looked at the store since.

    Raises
    ------
    SweepError
        When the plan would shrink the store.
    """
    manifest, location = store.manifest(), store.location
    if manifest is None:
        location.put(".sweep/created", b"")
    sizes = location.sizes("")
    restore(location, store.root, sizes)
    begun = layouts(store.begun())
    stored: dict[str, StagePlan] = {}
    for name in (name for name in plan.stages if name in begun):
        stored[name] = stored_plan(plan.stages[name], begun[name], stored)
        take_back_incomplete(store, stored[name], sizes)
        forget_damaged(store, name)
        if _has_single_checkpoints(stored[name], sizes):
            regroup(location, stored[name])
        _reopen_cut_points(store, plan.stages[name], stored[name])
        if (plan.stages[name].stage.axes, plan.stages[name].chunk) != (stored[name].stage.axes, stored[name].chunk):
            regroup(location, plan.stages[name])
    if _lay_out(store, plan, begun, merge(manifest or {}, plan, begun), sizes):
        store.refresh()


def _lay_out(
    store: Store,
    plan: Plan,
    begun: Mapping[str, Layout],
    attributes: dict[str, object],
    sizes: Mapping[str, int],
) -> bool:
    """Return whether there was anything to change."""
    location, former = store.location, store.root
    others = {path: node for path, node in former.nodes.items() if path.partition("/")[0] not in plan.stages}
    extensions = [StageExtension(location, stage, former.nodes, begun.get(name)) for name, stage in plan.stages.items()]
    nodes = others
    for extension in extensions:
        nodes = nodes | extension.nodes()
    new = Root(json.loads(json.dumps(attributes)), dict(sorted(nodes.items())))
    if new.nodes != former.nodes:
        location.put(CHANGING, b"")
        for key in sizes:
            if (array := owner(key, new.nodes)) is not None and array not in former.nodes:
                location.delete(key)  # chunks of a former store whose root is lost, or of a change cut short
        for extension in extensions:
            extension.write(new.nodes)
        switch(location, new)
    elif new.attributes != former.attributes or copy_text(location) is None:
        write_root(location, new)
    else:
        return False
    return True


def stored_plan(stage: StagePlan, stored: Layout, sources: Mapping[str, StagePlan]) -> StagePlan:
    """Return a stage as the store has it now: its labels, cells and lengths before the plan extends them.

    It is as long as what it reads, so `sources` has those stages as the store has them now.
    """
    inputs = {
        key: Input(sources[item.stage].stage, item.axes, item.dropped) if item.stage in sources else item
        for key, item in stage.stage.inputs.items()
    }
    own = replace(stage.stage, axes=stored.axes, params={**stage.stage.params, **stored.extents}, inputs=inputs)
    plan = StagePlan(own, own, stored.chunk, stored.factor)
    return stage if plan == stage else plan  # which knows already how its outputs depend on its axes


def take_back_incomplete(store: Store, plan: StagePlan, sizes: Mapping[str, int]) -> int:
    """Take back the cells of a stage that are not what ``blocks`` and ``done`` say, or that these do not tell of.

    Returns
    -------
    int
        How many cells were taken back.
    """
    progress = store.progress(plan.stage.name)
    most, whole = plan.per_cell(progress.blocks, np.maximum), plan.per_cell(progress.whole, np.logical_and)
    arrays = {f"{v.node}/{v.name}": store.array(f"{v.node}/{v.name}") for v in plan.variables} if most.any() else {}
    count = 0
    for number in np.flatnonzero((most > 0) | ~whole).tolist():
        region, blocks = plan.cell(number), int(most[number])
        absent = blocks > 0 and next(absent_chunks(arrays, plan, region, blocks, sizes), None) is not None
        if absent or not whole[number]:
            store.take_back(plan, number)
            count += 1
    return count


def _has_single_checkpoints(plan: StagePlan, sizes: Mapping[str, int]) -> bool:
    """Return whether points of cells of several may have a checkpoint each, as in stores of earlier versions."""
    folder = f"{FOLDER}/{plan.stage.name}/"
    return math.prod(plan.chunk.values()) > 1 and any(
        key.startswith(folder) and "." not in key[len(folder) :] for key in sizes
    )


def _reopen_cut_points(store: Store, plan: StagePlan, stored: StagePlan) -> None:
    """Take back the blocks whose results were cut at the former length, so that they are computed again.

    A point that the grid no longer wants is then not done any more: it is shorter than the others, and was cut within a
    block. It is complete again when it is wanted again.
    """
    name, own = plan.stage.name, stored.stage.axes
    before, done = store.progress(name).blocks, store.progress(name).done
    blocks = before.copy()
    for variable in stored.variables:
        path, block = f"{variable.node}/{variable.name}", variable.output.block
        grown = next(v.output.shape[0] for v in plan.variables if f"{v.node}/{v.name}" == path) if block else 0
        rows = variable.output.shape[0] if block else 0
        if block and rows < grown:
            part = tuple(own[axis].index(variable.at[axis]) if axis in variable.at else slice(None) for axis in own)
            blocks[part] = np.minimum(blocks[part], rows // block)
    wanted = plan.blocks[np.ix_(*(places(plan.stage.axes[axis], labels) for axis, labels in own.items()))]
    left = done & (blocks == before) & (blocks >= wanted)
    if (blocks < before).any() or (left != done).any():
        for number in np.flatnonzero(stored.per_cell(blocks < before, np.logical_or)):
            store.delete_states(stored, stored.cell(int(number)))
        store.set_progress(name, left, blocks)
