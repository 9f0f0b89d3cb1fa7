"""The store: one Zarr v3 tree. Create, extend, write a region, say what is done.

A commit writes data, then states, then ``blocks`` and ``done``; each file is put in place atomically and each step may
be repeated. Whoever is killed between two steps leaves work to repeat, never wrong results.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import zarr

from sweep.errors import Problem, SweepError
from sweep.grid.axes import Labels
from sweep.kernels.contract import State
from sweep.plan.layout import Variable
from sweep.plan.plan import Layout, Plan, Region, StagePlan
from sweep.plan.template import stage_fields
from sweep.store import lease
from sweep.store.arrays import require_array
from sweep.store.checkpoint import pack_state, unpack_state
from sweep.store.manifest import check_same_grid, layouts, merge
from sweep.store.provenance import check_same_code
from sweep.store.storage import Location

Array = npt.NDArray[Any]
EXTENDING = ".sweep/extending"  # is there while the arrays may not be as the manifest says


@dataclass(frozen=True)
class CellResult:
    """What one task knows of one cell when it commits.

    Parameters
    ----------
    region : Region
        The cell's points in the stage.
    values : list of (Variable, array)
        Whole chunks, for every variable with points in the cell.
    blocks : int array over the region
        Blocks that are complete.
    done : bool array over the region
        Points that are complete.
    states : mapping of point key to (blocks, State)
        Checkpoints of points that need one to go on.
    """

    region: Region
    values: Sequence[tuple[Variable, Array]]
    blocks: npt.NDArray[np.int32]
    done: npt.NDArray[np.bool_]
    states: Mapping[str, tuple[int, State]] = field(default_factory=dict)


class Store:
    """The dataset of a sweep, at a path or URL.

    Parameters
    ----------
    location : Location
    token : str, optional
        The launcher's lease; commits are refused once the store has another.
    """

    def __init__(self, location: Location, token: str | None = None) -> None:
        self.location = location
        self.token = token
        self._indices: dict[tuple[str, str], dict[Any, int]] = {}
        self._arrays: dict[str, Any] = {}

    @cached_property
    def group(self) -> zarr.Group:
        """Return the root group."""
        return zarr.open_group(self.location.zarr, mode="r+")

    def manifest(self) -> dict[str, Any] | None:
        """Return what the store says of itself, None when there is none yet.

        Raises
        ------
        SweepError
            When something else is there.
        """
        document = self.location.get_json("zarr.json")
        attributes = (document or {}).get("attributes", {})
        if "format" in attributes and "stages" in attributes:
            return cast("dict[str, Any]", attributes)
        strangers = [key for key in self.location.list("")[:1000] if not key.startswith(".sweep/")]
        if strangers and not self.location.list(".sweep/"):
            what = f"is not a store of this program (it holds {strangers[0]!r}); choose another --store"
            raise SweepError(Problem(self.location.place, what))
        return None

    def begun(self) -> dict[str, Any]:
        """Return what the store says of itself, with only those stages for which something was computed."""
        manifest = self.manifest()
        if manifest is None:
            return {"stages": {}}
        stages = {name: stage for name, stage in manifest["stages"].items() if self.blocks(name).any()}
        return {**manifest, "stages": stages}

    def layouts(self) -> dict[str, Layout]:
        """Return the layouts that a plan must keep: those of the stages for which something was computed."""
        return layouts(self.begun())

    def check(self, plan: Plan, *, accept_code_change: bool = False) -> None:
        """Raise SweepError unless the plan can be written here: the same grid and code, a writable place with room."""
        check_same_grid(self.begun(), plan, self.location.place)
        if not accept_code_change:
            check_same_code(self.begun(), plan, self.location.place)
        begun = self.begun()["stages"]
        done = {name: int(self.done(name).sum()) if name in begun else 0 for name in plan.stages}
        self.location.check_writable(sum(_bytes_left(stage, done[name]) for name, stage in plan.stages.items()))

    # -- create and extend ----------------------------------------------------------------------------------------

    def prepare(self, plan: Plan) -> None:
        """Create the empty dataset of a plan, or extend the one that is here; what is there keeps its bits."""
        self.location.clear_unfinished(spare=lease.KEY)
        manifest = self.manifest()
        if manifest is None:
            self.location.put(".sweep/created", b"")
        root = zarr.open_group(self.location.zarr, mode="a", zarr_format=3, use_consolidated=False)
        attributes = merge(manifest or {}, plan, self.begun()["stages"])
        cut_short = self.location.get(EXTENDING) is not None
        if manifest is not None and not cut_short and json.loads(json.dumps(attributes)) == manifest:
            return
        begun = self.begun()["stages"]
        self.location.put(EXTENDING, b"")
        if cut_short:
            _undo_extension(root, layouts(manifest or {}))
        for name, stage in plan.stages.items():
            if name in begun:
                self._reopen_cut_points(root, stage)
            elif name in root:
                del root[name]  # nothing was computed: what was laid out may be for another grid
            for node, (node_attributes, fields) in stage_fields(stage).items():
                group = root.require_group(node)
                if dict(group.attrs) != node_attributes:
                    group.attrs.put(node_attributes)
                for item in fields:
                    require_array(group, item)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Consolidated metadata|Object at .sweep", category=UserWarning)
            root = zarr.consolidate_metadata(self.location.zarr)
        root.attrs.put(attributes)
        self.location.delete(EXTENDING)
        self._forget()

    def _forget(self) -> None:
        """Drop what was opened before the store changed its shape."""
        self.__dict__.pop("group", None)
        self._indices.clear()
        self._arrays.clear()

    def _reopen_cut_points(self, root: Any, plan: StagePlan) -> None:
        """Take back the blocks whose results were cut at the former length, so that they are computed again."""
        name = plan.stage.name
        before = np.asarray(root[f"{name}/blocks"][...])
        blocks = before.copy()
        for variable in plan.variables:
            block, path = variable.output.block, f"{variable.node}/{variable.name}"
            if block is None or path not in root:
                continue
            rows = root[path].shape[len(variable.axes)]
            if rows < variable.output.shape[0]:
                part = tuple(_place(plan, axis, variable.at) for axis in plan.stage.axes)
                blocks[part] = np.minimum(blocks[part], rows // block)
        region = tuple(slice(0, n) for n in blocks.shape)
        for index, point in plan.points(region):
            if blocks[index] < before[index]:
                self.location.delete(_state_key(name, plan.stage.key_at(point)))
        root[f"{name}/done"][...] = np.asarray(root[f"{name}/done"][...]) & (blocks >= plan.blocks[region])
        root[f"{name}/blocks"][...] = blocks

    # -- what is done ---------------------------------------------------------------------------------------------

    def blocks(self, stage: str, region: Region | None = None) -> npt.NDArray[np.int32]:
        """Return how many blocks of each point are complete."""
        return np.asarray(self._array(f"{stage}/blocks")[region if region is not None else ...], np.int32)

    def done(self, stage: str, region: Region | None = None) -> npt.NDArray[np.bool_]:
        """Return which points are complete."""
        return np.asarray(self._array(f"{stage}/done")[region if region is not None else ...], np.bool_)

    def reset(self, stage: str, region: Region) -> None:
        """Forget that the points of a region are done, so that the next launch computes them again."""
        self._array(f"{stage}/done")[region] = False
        self._array(f"{stage}/blocks")[region] = 0

    # -- regions --------------------------------------------------------------------------------------------------

    def commit(self, plan: StagePlan, result: CellResult) -> None:
        """Write what a task knows of a cell: data, then states, then what is complete.

        Raises
        ------
        SweepError
            When the labels are not the store's own, or the region is not whole chunks of it.
        LeaseLost
            When another launcher has taken over.
        """
        stage, labels = plan.stage.name, plan.labels(result.region)
        self._check_lease()
        for variable, values in result.values:
            own = {axis: labels[axis] for axis in variable.axes}
            self._write(variable.node, variable.name, own, values)
        for key, (blocks, state) in result.states.items():
            self.location.put(_state_key(stage, key), pack_state(blocks, state))
        self._check_lease()
        self._write(stage, "blocks", labels, result.blocks)
        self._write(stage, "done", labels, result.done)

    def _check_lease(self) -> None:
        if self.token is not None:
            lease.check(self.location, self.token)

    def _write(self, node: str, name: str, labels: Mapping[str, Labels], values: Array) -> None:
        array = self._array(f"{node}/{name}")
        outer = [self._positions(node, axis, values_) for axis, values_ in labels.items()]
        for part, chunk, length in zip(outer, array.chunks, array.shape, strict=False):
            if part.start % chunk or (part.stop % chunk and part.stop != length):
                what = f"the points {part.start} to {part.stop} are not whole chunks of {chunk}; wanted whole cells"
                raise SweepError(Problem(f"{self.location.place}: {node}/{name}", what))
        array[tuple(outer)] = values

    def _positions(self, node: str, axis: str, labels: Labels) -> slice:
        """Return where labels stand in the store, by the store's own coordinate."""
        index = self._index(node, axis)
        missing = [label for label in labels if label not in index]
        if missing:
            what = f"has no {axis} {missing[0]!r}; the task and the store do not belong together"
            raise SweepError(Problem(f"{self.location.place}: {node}", what))
        positions = [index[label] for label in labels]
        if positions != list(range(positions[0], positions[0] + len(positions))):
            what = f"the labels of {axis} do not stand side by side in the store"
            raise SweepError(Problem(f"{self.location.place}: {node}", what))
        return slice(positions[0], positions[-1] + 1)

    def _index(self, node: str, axis: str) -> dict[Any, int]:
        if (node, axis) not in self._indices:
            labels = np.asarray(self._array(f"{node}/{axis}")[...]).tolist()
            self._indices[node, axis] = {label: place for place, label in enumerate(labels)}
        return self._indices[node, axis]

    def read_cell(self, variable: Variable, plan: StagePlan, region: Region) -> Array:
        """Return the values of a variable over a region of its stage."""
        labels = plan.labels(region)
        outer = tuple(self._positions(variable.node, axis, labels[axis]) for axis in variable.axes)
        return np.asarray(self._array(f"{variable.node}/{variable.name}")[outer])

    def read(self, node: str, name: str, labels: Mapping[str, Labels]) -> Array:
        """Return a variable at labels along its outer axes, in the order of the labels."""
        array = self._array(f"{node}/{name}")
        places = [[self._index(node, axis)[label] for label in wanted] for axis, wanted in labels.items()]
        inner = [slice(None)] * (array.ndim - len(places))
        return np.asarray(array.oindex[(*map(_compact, places), *inner)]) if array.ndim else np.asarray(array[...])

    def _array(self, path: str) -> Any:
        if path not in self._arrays:
            found: Any = self.group[path]  # a chunk of fill values is written too: what is absent was never computed
            self._arrays[path] = found.with_config({"write_empty_chunks": True})
        return self._arrays[path]

    # -- states and failures --------------------------------------------------------------------------------------

    def load_state(self, stage: str, key: str) -> tuple[int, State] | None:
        """Return the checkpoint of a point: blocks complete and the state after them; None when there is none."""
        raw = self.location.get(_state_key(stage, key))
        return None if raw is None else unpack_state(raw)

    def put_failure(self, stage: str, number: int, failure: Mapping[str, Any]) -> None:
        """Keep why a task was set aside."""
        self.location.put(f".sweep/failures/{stage}/{number}", json.dumps(failure).encode())

    def failures(self) -> list[dict[str, Any]]:
        """Return why tasks were set aside, all of them."""
        found = (self.location.get_json(key) for key in self.location.list(".sweep/failures/"))
        return [failure for failure in found if failure is not None]

    def clear_failures(self) -> None:
        """Forget former failures; their tasks are tried again."""
        for key in self.location.list(".sweep/failures/"):
            self.location.delete(key)


def required_manifest(store: Store) -> dict[str, Any]:
    """Return what a store says of itself; raises SweepError when there is none."""
    manifest = store.manifest()
    if manifest is None:
        raise SweepError(Problem(store.location.place, "there is no store here; `sweep launch GRID` makes one"))
    return manifest


def _bytes_left(plan: StagePlan, done: int) -> int:
    """Return about how much is still to be written of a stage, when so many points are done: a resume needs no more."""
    share = 1 - done / max(done, plan.blocks.size)
    return int(share * sum(variable.nbytes for variable in plan.variables))


def _undo_extension(root: zarr.Group, stored: Mapping[str, Layout]) -> None:
    """Take back what a killed launch has laid out beyond the manifest: no result was written there yet.

    The next launch may be of yet another grid, and arrays of one node must agree in their lengths. Inner lengths need
    no care here: each array is given its own when it is laid out again.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Object at .sweep", category=UserWarning)
        strangers = [name for name in root.group_keys() if name not in stored]
    for name in strangers:
        del root[name]
    for name, layout in stored.items():
        _cut_back(cast("zarr.Group", root[name]), layout.axes)


def _cut_back(group: zarr.Group, axes: Mapping[str, Labels]) -> None:
    for name, child in list(group.groups()):
        axis, _, label = name.partition("=")
        if label in map(str, axes[axis]):
            _cut_back(child, axes)
        else:
            del group[name]
    for _, array in group.arrays():
        dims = cast("Any", array.metadata).dimension_names or ()
        shape = tuple(len(axes.get(dim, range(n))) for dim, n in zip(dims, array.shape, strict=True))
        if shape != array.shape:
            array.resize(shape)


def _place(plan: StagePlan, axis: str, at: Mapping[str, Any]) -> int | slice:
    return plan.stage.axes[axis].index(at[axis]) if axis in at else slice(None)


def _compact(places: list[int]) -> Any:
    """Return consecutive places as a slice, which reads faster."""
    if places == list(range(places[0], places[0] + len(places))):
        return slice(places[0], places[-1] + 1)
    return np.asarray(places)


def _state_key(stage: str, key: str) -> str:
    return f".sweep/states/{stage}/{key}"
