"""Check that what the store calls done is there, whole, and the same when it is computed again."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import yaml
from zarr.core.sync import sync

from sweep.axes import Label
from sweep.inputs import InputReader
from sweep.layout import Variable
from sweep.lease import Lease
from sweep.manifest import describe
from sweep.plan import Plan, Region, StagePlan, make_plan
from sweep.resolve import resolve
from sweep.status import required_manifest
from sweep.store import Store
from sweep.work import run_blocks


@dataclass(frozen=True)
class Finding:
    """Something in the store that is not as it must be.

    Parameters
    ----------
    stage : str
    what : str
        Where it is and what is wrong.
    region : Region, optional
        The cell that has to be computed again to mend it; None when that cannot mend it.
    """

    stage: str
    what: str
    region: Region | None = None

    def __str__(self) -> str:
        """Return the finding as one line."""
        return f"{self.stage}: {self.what}"


def verify_store(store: Store, *, everything: bool = False, repair: bool = False) -> list[Finding]:
    """Return what is wrong in a store.

    Every chunk of every complete point must be there and agree with its checksum, coordinates must be the labels of
    the store's own account, and one complete point of each stage (the quickest), or with `everything` all of them, must
    come out with the same bits when it is computed again.

    Parameters
    ----------
    store : Store
    everything : bool
        Compute every complete point again; takes as long as the sweep did.
    repair : bool
        Forget that damaged cells are done, so that the next launch computes them again.

    Raises
    ------
    SweepError
        When there is no store, its kernels cannot be found, or, for a repair, another launch is at work.
    """
    manifest = required_manifest(store)
    plan = make_plan(resolve(yaml.safe_load(manifest["grid"]), manifest["grid"], "the store's grid"), store.layouts())
    note = _environment_note(manifest, plan)
    findings: list[Finding] = []
    for stage in plan.stages.values():
        damaged = list(_damaged(store, stage))
        suspect = {finding.stage for finding in [*findings, *damaged]}
        findings += damaged
        if suspect.isdisjoint({stage.stage.name, *(item.stage for item in stage.stage.inputs.values())}):
            findings += _repeated(store, plan, stage, everything, note)
    if repair:
        with Lease(store.location, {"workers": 0, "started": 0.0, "done": {}}):
            for finding in findings:
                if finding.region is not None:
                    _take_back(store, plan.stages[finding.stage], finding.region)
    return findings


def _damaged(store: Store, stage: StagePlan) -> Iterator[Finding]:
    """Yield what is wrong with the labels and the chunks of a stage."""
    yield from _wrong_coordinates(store, stage)
    for number in np.flatnonzero(stage.per_cell(store.done(stage.stage.name))):
        region = stage.cell(int(number))
        for damage in _damage(store, stage, region):
            yield Finding(stage.stage.name, damage, region)


def _repeated(store: Store, plan: Plan, stage: StagePlan, everything: bool, note: str) -> Iterator[Finding]:
    """Yield the points that come out otherwise when they are computed again from inputs that are whole."""
    inputs = InputReader(plan, store)
    for index in _points_to_repeat(stage, store.done(stage.stage.name), everything):
        point = {axis: labels[i] for (axis, labels), i in zip(stage.stage.axes.items(), index, strict=True)}
        different = _different(store, stage, plan.grid.seed, point, inputs)
        if different:
            at = ", ".join(f"{axis} {label}" for axis, label in point.items()) or "its only point"
            what = f"{at}: {', '.join(different)} come out otherwise{note}"
            yield Finding(stage.stage.name, what, stage.cell_of(index))


def _wrong_coordinates(store: Store, stage: StagePlan) -> Iterator[Finding]:
    for node, axis in {(v.node, axis) for v in stage.variables for axis in v.axes}:
        if store.coordinate(node, axis) != list(stage.stage.axes[axis]):
            yield Finding(stage.stage.name, f"{node}/{axis} does not hold the labels that the store was laid out with")


def _damage(store: Store, stage: StagePlan, region: Region) -> Iterator[str]:
    """Yield what is missing or unreadable in a cell."""
    labels = stage.labels(region)
    for variable in stage.variables:
        if any(label not in labels[axis] for axis, label in variable.at.items()):
            continue
        for key in _chunk_keys(store, stage, variable, region):
            if not sync(store.location.zarr.exists(key)):
                yield f"{key} is missing"
        try:
            store.read_cell(variable, stage, region)
        except Exception as error:  # noqa: BLE001 - whatever a codec makes of damaged bytes
            yield f"{variable.node}/{variable.name} cannot be read: {type(error).__name__}: {error}"


def _chunk_keys(store: Store, stage: StagePlan, variable: Variable, region: Region) -> Iterator[str]:
    array = store.group[f"{variable.node}/{variable.name}"]
    parts = dict(zip(stage.stage.axes, region, strict=True))
    outer = [
        range(parts[a].start // c, -(-parts[a].stop // c)) for a, c in zip(variable.axes, variable.chunks, strict=False)
    ]
    depth = len(outer)
    inner = [range(math.ceil(n / c)) for n, c in zip(variable.shape[depth:], variable.chunks[depth:], strict=True)]
    for index in np.ndindex(*(len(steps) for steps in (*outer, *inner))):
        place = tuple(steps[i] for steps, i in zip((*outer, *inner), index, strict=True))
        yield f"{variable.node}/{variable.name}/{array.metadata.encode_chunk_key(place)}"  # type: ignore[union-attr]


def _points_to_repeat(stage: StagePlan, done: Any, everything: bool) -> Iterator[tuple[int, ...]]:
    places = [tuple(map(int, place)) for place in np.argwhere(done & (stage.blocks > 0))]
    return iter(places if everything else sorted(places, key=lambda place: float(stage.seconds[place]))[:1])


def _different(store: Store, stage: StagePlan, seed: int, point: Mapping[str, Label], inputs: InputReader) -> list[str]:
    """Return the names of the outputs of a point that come out otherwise when they are computed again."""
    wrong: dict[str, bool] = {}
    variables = [v for v in stage.variables if all(point[axis] == label for axis, label in v.at.items())]
    stored = {v.name: store.read(v.node, v.name, {axis: (point[axis],) for axis in v.axes}) for v in variables}
    stored = {v.name: stored[v.name].reshape(v.output.shape) for v in variables}
    for block, _, results in run_blocks(seed, stage.stage, point, inputs.at(stage, point)):
        for variable in variables:
            name, step = variable.name, variable.output.block
            there = stored[name] if step is None else stored[name][block * step : (block + 1) * step]
            computed = np.asarray(results[name])[: len(there)] if step is not None else np.asarray(results[name])
            same = np.array_equal(there, computed.astype(there.dtype), equal_nan=there.dtype.kind == "f")
            wrong[name] = not same or (step is not None and wrong.get(name, False))
    return sorted(name for name, is_wrong in wrong.items() if is_wrong)


def _take_back(store: Store, stage: StagePlan, region: Region) -> None:
    store.reset(stage.stage.name, region)
    for _, point in stage.points(region):
        store.delete_state(stage.stage.name, stage.stage.key_at(point))


def _environment_note(manifest: Mapping[str, Any], plan: Plan) -> str:
    """Return a warning when this is not the environment that the store was made in."""
    now = describe(plan)
    same = all(manifest.get(key) == now[key] for key in ("packages", "host"))
    return "" if same else " (the store was made with other packages or on another host: BLAS may round otherwise)"
