"""One point, computed again in this process: what a kernel does there, and whether it does what it did."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sweep.errors import Problem, SweepError, closest, did_you_mean
from sweep.grid.axes import CRITICAL, CRITICAL_TEMPERATURE, Label, canonical
from sweep.kernels.contract import Array, State
from sweep.planning.layout import Variable
from sweep.planning.plan import StagePlan
from sweep.run.blocks import run_blocks
from sweep.store.environments import read_environments
from sweep.store.presence import variables_in
from sweep.store.storage import reaching
from sweep.store.store import Store, required_manifest
from sweep.verification.again import Recomputer, agree, value_at
from sweep.verification.elsewhere import Elsewhere
from sweep.verification.looked import Tally
from sweep.verification.made import Made, made_by


@dataclass(frozen=True)
class Rerun:
    """What came of a point.

    Parameters
    ----------
    stage : str
    point : mapping of axis to label
    outputs : mapping of str to array
        All blocks together.
    same : mapping of str to bool
        Whether each output has the bits that the store has; empty where the point is not done there.
    first, blocks : int
        The block that it began with, behind a checkpoint of a point that is not done, and how many there are.
    seconds : float
    """

    stage: str
    point: Mapping[str, Label]
    outputs: Mapping[str, Array]
    same: Mapping[str, bool]
    first: int
    blocks: int
    seconds: float


def rerun_point(store: Store, name: str, at: Mapping[str, Any]) -> Rerun:
    """Compute a point again with its own random numbers and inputs; write nothing, and raise what its kernel raises.

    A point that is done is computed from its first block on, and compared with the store; another one goes on from its
    checkpoint, as a launch would.

    Parameters
    ----------
    store : Store
    name : str
        The stage.
    at : mapping of axis to label
        The point; an axis of one label may be left out.

    Raises
    ------
    SweepError
        When there is no such store, stage or point, or what the point reads is not done.
    """
    with reaching(store.location.place):
        made = _made(store, name)
        plan, point = made.stage, _point(made.stage, at)
        again = Recomputer(store, Tally(), made, Elsewhere(read_environments(store.location)))
        if not again.has_inputs(plan, point):
            raise SweepError(Problem(f"stages.{name}", f"what the point {_words(point)} reads is not done"))
        cell, inside = _place(plan, point)
        done, stored = _stored(store, plan, cell, inside)
        begun = time.monotonic()
        start = (0, None) if done else _checkpoint(store, plan, cell, point)
        blocks = run_blocks(made.plan.grid.seed, plan.stage, point, again.inputs.at(plan, point), start)
        parts, same, first = list[Mapping[str, Array]](), dict.fromkeys(stored if done else (), True), start[0]
        count = plan.stage.work_at(point).blocks
        for block, _, results in blocks:
            first = block if not parts else first
            parts.append(results)
            for key in same:
                variable, values = stored[key]
                same[key] &= agree(variable, values, results, block, last=block + 1 == count)
    outputs = {key: _together(variable, [part[key] for part in parts]) for key, (variable, _) in stored.items()}
    return Rerun(name, point, outputs if parts else {}, same, first, count, time.monotonic() - begun)


def _made(store: Store, name: str) -> Made:
    manifest = required_manifest(store)
    made, unknown = made_by(manifest, store.location.place)
    if name in made:
        return made[name]
    what = f"cannot be computed again: {unknown[name]}" if name in unknown else did_you_mean(name, manifest["stages"])
    raise SweepError(Problem(f"{store.location.place}: stage {name}", what))


def _point(plan: StagePlan, at: Mapping[str, Any]) -> dict[str, Label]:
    """Return the point with these labels."""
    axes, point = plan.stage.axes, dict[str, Label]()
    for axis in at.keys() - axes.keys():
        raise SweepError(Problem(f"stages.{plan.stage.name}: {axis}", f"no such axis; {did_you_mean(axis, axes)}"))
    for axis, labels in axes.items():
        if axis not in at and len(labels) > 1:
            what = f"has {len(labels)} labels, {labels[0]} to {labels[-1]}; say which"
            raise SweepError(Problem(f"stages.{plan.stage.name}: {axis}", what))
        wanted = at.get(axis, labels[0])
        wanted = CRITICAL_TEMPERATURE if wanted == CRITICAL else wanted
        found = [label for label in labels if canonical(label) == canonical(wanted)]
        if not found:
            there = f"there are {', '.join(map(str, labels[:20]))}{' ...' if len(labels) > 20 else ''}"
            words = [CRITICAL if label == CRITICAL_TEMPERATURE else str(label) for label in labels]
            close = closest(wanted, words) if isinstance(wanted, str) else None
            what = f"found {wanted!r}; {f'did you mean {close}?' if close else there}"
            raise SweepError(Problem(f"stages.{plan.stage.name}: {axis}", what))
        point[axis] = found[0]
    return point


def _place(plan: StagePlan, point: Mapping[str, Label]) -> tuple[int, tuple[int, ...]]:
    """Return the cell that holds a point, and its place there."""
    index = [labels.index(point[axis]) for axis, labels in plan.stage.axes.items()]
    number = int(np.ravel_multi_index(index, plan.stage.shape)) if index else 0
    cell = plan.cell_of(number)
    return cell, tuple(i - part.start for i, part in zip(index, plan.cell(cell), strict=True))


def _stored(
    store: Store, plan: StagePlan, cell: int, inside: tuple[int, ...]
) -> tuple[bool, dict[str, tuple[Variable, Array]]]:
    """Return whether a point is done, and what the store has of it."""
    region = plan.cell(cell)
    values = {
        variable.name: (variable, value_at(variable, store.read_cell(variable, plan, region), plan, inside))
        for variable in variables_in(plan, region)
    }
    return bool(store.done(plan.stage.name, region)[inside]), values


def _checkpoint(store: Store, plan: StagePlan, cell: int, point: Mapping[str, Label]) -> tuple[int, State | None]:
    return store.load_states(plan, plan.cell(cell)).get(plan.stage.key_at(point)) or (0, None)


def _together(variable: Variable, parts: list[Array]) -> Array:
    """Return what all blocks give of an output."""
    if variable.output.block is None or not parts:
        return np.asarray(parts[-1]) if parts else np.zeros(0)
    return np.concatenate(parts)[: variable.output.shape[0]]


def _words(point: Mapping[str, Label]) -> str:
    return ", ".join(f"{axis} {label}" for axis, label in point.items())
