"""The store: one Zarr v3 tree. Create, extend, write a region, say what is done.

A commit writes data, then states, then ``blocks`` and ``done``; each file is put in place atomically and each step may
be repeated. Whoever is killed between two steps leaves work to repeat, never wrong results.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np
import numpy.typing as npt

from sweep.errors import GivenUp, Problem, SweepError
from sweep.grid.axes import Labels, canonical
from sweep.kernels.contract import State
from sweep.planning.layout import Variable
from sweep.planning.plan import Layout, Plan, Region, StagePlan
from sweep.planning.template import COMPUTED_BY, UNKNOWN
from sweep.planning.values import as_stored
from sweep.store import lease
from sweep.store.attribution import forget, new_attribution
from sweep.store.checkpoint import Checkpoints, checkpoint_key, pack, unpack
from sweep.store.chunks import StoredArray
from sweep.store.environments import Environment, enrol
from sweep.store.manifest import check_same_grid, layouts, no_store, read_manifest
from sweep.store.presence import chunk_indices, variables_in
from sweep.store.progress import Progress, read_progress
from sweep.store.provenance import check_same_code
from sweep.store.root import Root, read_root
from sweep.store.storage import Location

Array = npt.NDArray[Any]


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
        Checkpoints of all points that have one.
    """

    region: Region
    values: Sequence[tuple[Variable, Array]]
    blocks: npt.NDArray[np.int32]
    done: npt.NDArray[np.bool_]
    states: Checkpoints = field(default_factory=dict)


class Store:
    """The dataset of a sweep, at a path or URL.

    Parameters
    ----------
    location : Location
    token : str, optional
        The launcher's lease; commits are refused once the store has another.

    Attributes
    ----------
    environment : mapping of str to str, optional
        What computes here, as `environment_here` tells; without it nobody will know.
    logs : str
        Path or URL of what is told of the launch that holds the token; empty where there is none.
    """

    def __init__(self, location: Location, token: str | None = None) -> None:
        self.location, self.token = location, token
        self.environment: Environment | None = None
        self.logs = ""
        if token is not None:
            location.fence = lease.fence_of(location, token)
        self._indices: dict[tuple[str, str], dict[Any, int]] = {}
        self._arrays: dict[str, StoredArray] = {}
        self._progress: dict[str, Progress] = {}

    @cached_property
    def environment_number(self) -> int:
        """Return the number of what computes here: from its first commit on it has one."""
        return UNKNOWN if self.environment is None else enrol(self.location, self.environment)

    @cached_property
    def root(self) -> Root:
        """Return the root document as it was when it was first asked for; see `refresh`."""
        return read_root(self.location) or Root({}, {})

    def refresh(self) -> None:
        """Forget what was read: another launch may have changed the store, or this one has."""
        self.__dict__.pop("root", None)
        for known in (self._indices, self._arrays, self._progress):
            known.clear()

    def array(self, path: str) -> StoredArray:
        """Return an array of the store as its root describes it; raises KeyError when there is none of that name."""
        if path not in self._arrays:
            self._arrays[path] = StoredArray(self.location, path, self.root.nodes[path])
        return self._arrays[path]

    def manifest(self) -> dict[str, Any] | None:
        """Return what the store says of itself, None when there is none yet.

        Raises
        ------
        SweepError
            When something else is there, or the root cannot be read.
        """
        attributes = self.root.attributes
        if "format" in attributes and "stages" in attributes:
            return read_manifest(attributes)
        strangers = [key for key in self.location.list("")[:1000] if not key.startswith(".sweep/")]
        if strangers and not self.location.list(".sweep/"):
            raise SweepError(no_store(self.location.place, strangers))
        return None

    def begun(self) -> dict[str, Any]:
        """Return what the store says of itself, with only those stages for which something was computed."""
        manifest = self.manifest()
        if manifest is None:
            return {"stages": {}}
        stages = {name: stage for name, stage in manifest["stages"].items() if self.progress(name).begun}
        return {**manifest, "stages": stages}

    def layouts(self) -> dict[str, Layout]:
        """Return the layouts that a plan must keep: those of the stages for which something was computed."""
        return layouts(self.begun())

    def check(self, plan: Plan, *, accept_code_change: bool = False) -> None:
        """Raise SweepError unless the plan can be written here: the same grid and code, a writable place with room."""
        begun = self.begun()
        check_same_grid(begun, plan, self.location.place)
        if not accept_code_change:
            check_same_code(begun, plan, self.location.place)
        done = {name: int(self.progress(name).done.sum()) if name in begun["stages"] else 0 for name in plan.stages}
        self.location.check_writable(sum(stage.bytes_left(done[name]) for name, stage in plan.stages.items()))

    # -- what is done ---------------------------------------------------------------------------------------------

    def blocks(self, stage: str, region: Region | None = None) -> npt.NDArray[np.int32]:
        """Return how many blocks of each point are complete."""
        return np.asarray(self.array(f"{stage}/blocks")[region if region is not None else ...], np.int32)

    def done(self, stage: str, region: Region | None = None) -> npt.NDArray[np.bool_]:
        """Return which points are complete."""
        return np.asarray(self.array(f"{stage}/done")[region if region is not None else ...], np.bool_)

    def progress(self, stage: str) -> Progress:
        """Return how far every point of a stage is; of what cannot be read, nothing is known to be done.

        It is as it was when it was first asked for, but for what is reset here; see `refresh`.
        """
        if stage not in self._progress:
            self._progress[stage] = read_progress(self.location, self.root.nodes, stage)
        return self._progress[stage]

    def set_progress(self, stage: str, done: Array, blocks: Array, region: Region | None = None) -> None:
        """Say how far points are; never more than their results, which are there before."""
        self._progress.pop(stage, None)
        for name, values in (("done", done), ("blocks", blocks)):
            self.array(f"{stage}/{name}")[region if region is not None else ...] = values

    def reset(self, stage: str, region: Region) -> None:
        """Forget that the points of a region are done, so that the next launch computes them again."""
        shape = tuple(part.stop - part.start for part in region)
        self.set_progress(stage, np.zeros(shape, np.bool_), np.zeros(shape, np.int32), region)
        forget(self, stage, region)

    def take_back(self, plan: StagePlan, cell: int) -> None:
        """Forget what was computed of a cell, checkpoints and results: the next launch computes it again."""
        region = plan.cell(cell)
        self.reset(plan.stage.name, region)
        self.delete_states(plan, region)
        for variable in variables_in(plan, region):  # what cannot be read would be an error to whoever reads it all
            path = f"{variable.node}/{variable.name}"
            array = self.array(path)
            for index in chunk_indices(array, variable, plan, region):
                self.location.delete(array.key(index))

    # -- regions --------------------------------------------------------------------------------------------------

    def commit(self, plan: StagePlan, result: CellResult) -> None:
        """Write what a task knows of a cell: data, then states, then what is complete.

        Raises
        ------
        SweepError
            When the labels are not the store's own, or the region is not whole chunks of it.
        LeaseLost
            When another launcher has taken over.
        GivenUp
            When the launch goes on without this worker.
        """
        stage, labels = plan.stage.name, plan.labels(result.region)
        before = self.blocks(stage, result.region)
        if (before > result.blocks).any():
            what = "more is done there than this worker knows of: it was given up, and stops"
            raise GivenUp(Problem(f"{self.location.place}: {stage}", what))
        own = [{axis: labels[axis] for axis in variable.axes} for variable, _ in result.values]
        data = [
            partial(self._write, variable.node, variable.name, where, values)
            for (variable, values), where in zip(result.values, own, strict=True)
        ]
        put = partial(self.location.put, at_once=False)
        states = [partial(put, checkpoint_key(plan, result.region), pack(result.states))] if result.states else []
        computed_by = new_attribution(self, stage, result.region, before, result.blocks)
        books = [] if computed_by is None else [partial(self._write, stage, COMPUTED_BY, labels, computed_by)]
        self.location.together([*data, *states, *books])
        self.location.flush()
        self._write(stage, "blocks", labels, result.blocks)
        self._write(stage, "done", labels, result.done)
        self.location.flush()

    def _write(self, node: str, name: str, labels: Mapping[str, Labels], values: Array) -> None:
        array = self.array(f"{node}/{name}")
        outer = [self._positions(node, axis, values_) for axis, values_ in labels.items()]
        for part, chunk, length in zip(outer, array.chunks, array.shape, strict=False):
            if part.start % chunk or (part.stop % chunk and part.stop != length):
                what = f"the points {part.start} to {part.stop} are not whole chunks of {chunk}; wanted whole cells"
                raise SweepError(Problem(f"{self.location.place}: {node}/{name}", what))
        array[tuple(outer)] = values

    def _positions(self, node: str, axis: str, labels: Labels) -> slice:
        """Return where labels stand in the store, by the store's own coordinate."""
        index, known = self._index(node, axis), [canonical(label) for label in labels]
        missing = [label for label, name in zip(labels, known, strict=True) if name not in index]
        if missing:
            what = f"has no {axis} {missing[0]!r}; the task and the store do not belong together"
            raise SweepError(Problem(f"{self.location.place}: {node}", what))
        positions = [index[name] for name in known]
        if positions != list(range(positions[0], positions[0] + len(positions))):
            what = f"the labels of {axis} do not stand side by side in the store"
            raise SweepError(Problem(f"{self.location.place}: {node}", what))
        return slice(positions[0], positions[-1] + 1)

    def _index(self, node: str, axis: str) -> dict[Any, int]:
        """Return where each label stands, by its canonical form."""
        if (node, axis) not in self._indices:
            labels = np.asarray(self.array(f"{node}/{axis}")[...]).tolist()
            self._indices[node, axis] = {canonical(label): place for place, label in enumerate(labels)}
        return self._indices[node, axis]

    def read_cell(self, variable: Variable, plan: StagePlan, region: Region) -> Array:
        """Return the values of a variable over a region of its stage, as the store keeps them."""
        labels = plan.labels(region)
        outer = tuple(self._positions(variable.node, axis, labels[axis]) for axis in variable.axes)
        return as_stored(self.array(f"{variable.node}/{variable.name}")[outer], variable.output)

    def read(self, node: str, name: str, labels: Mapping[str, Labels]) -> Array:
        """Return a variable at labels along its outer axes, in the order of the labels."""
        array = self.array(f"{node}/{name}")
        places = [[self._index(node, axis)[canonical(label)] for label in wanted] for axis, wanted in labels.items()]
        outer = tuple(map(_compact, places))
        return array[outer] if all(isinstance(part, slice) for part in outer) else np.asarray(array.oindex[outer])

    # -- states ---------------------------------------------------------------------------------------------------

    def load_states(self, plan: StagePlan, region: Region) -> dict[str, tuple[int, State]]:
        """Return the checkpoints of a cell, by the keys of its points: blocks complete and the state after them.

        Raises
        ------
        ValueError
            When they are damaged.
        """
        key = checkpoint_key(plan, region)
        raw = self.location.get(key)
        return {} if raw is None else unpack(raw, key.rpartition("/")[2])

    def delete_states(self, plan: StagePlan, region: Region) -> None:
        """Forget the checkpoints of a cell."""
        self.location.delete(checkpoint_key(plan, region))


def required_manifest(store: Store) -> dict[str, Any]:
    """Return what a store says of itself; raises SweepError when there is none."""
    manifest = store.manifest()
    if manifest is None:
        raise SweepError(Problem(store.location.place, "there is no store here; `sweep launch GRID` makes one"))
    return manifest


def _compact(places: list[int]) -> Any:
    """Return consecutive places as a slice, which reads faster."""
    if places == list(range(places[0], places[0] + len(places))):
        return slice(places[0], places[-1] + 1)
    return np.asarray(places)
