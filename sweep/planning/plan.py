"""The plan: what the complete dataset looks like, and the tasks that fill it, before anything runs."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from sweep.errors import SweepError
from sweep.grid.axes import Label, Labels, canonical, places
from sweep.grid.code import code_of
from sweep.grid.grid import Grid, Stage
from sweep.grid.parameters import as_mapping, extents_of
from sweep.grid.resources import ONE_CORE, Resources
from sweep.planning import cells
from sweep.planning.cells import cell_shape, cell_shape_kept, seconds_of
from sweep.planning.labels import in_order, kind_problems, with_stored
from sweep.planning.layout import Variable, placed_variables

TILE_SECONDS = 2.0  # chunks are gathered into one task until they are this much work
HELD = 3  # times that results and states are in memory: as they are, as they are packed, and those of the next cell
MUCH_MEMORY = 2**27  # bytes; less is not counted
TILES_AT_LEAST, TILES_EACH = 32, 4  # but a stage is cut into about so many, and so many for each worker
SERVED = 400  # workers that a launcher can give tasks of that length to; those of more are longer

Region = tuple[slice, ...]


@dataclass(frozen=True)
class Task:
    """One tile of a stage: a run of cells, each of them whole chunks of the store.

    Parameters
    ----------
    stage : str
    cells : range
        Flat numbers of the cells in the stage's cell grid.
    resources : Resources
        What it takes of a machine.
    without : frozenset of int
        Points, by number, that it leaves out: they were set aside, or read one that was, or have a task of their own.
    careful : bool
        A worker died at this task: each point is named in the store before it is begun.
    alone : bool
        There was no memory for it: it has a machine to itself.
    """

    stage: str
    cells: range
    resources: Resources = ONE_CORE
    without: frozenset[int] = frozenset()
    careful: bool = False
    alone: bool = False


@dataclass(frozen=True)
class Layout:
    """What a store already holds of a stage, or will hold.

    Parameters
    ----------
    axes : mapping of str to labels
        In storage order.
    chunk : mapping of str to int
        Points per cell along each axis.
    extents : mapping
        The parameters that say how long, as far as they have grown.
    params : mapping
        Those that do not, in a store as JSON has them.
    factor : float
        What a second that the kernel's own `cost` predicts was seen to take, where that was far from one.
    """

    axes: Mapping[str, Labels]
    chunk: Mapping[str, int]
    extents: Mapping[str, Any]
    params: Mapping[str, Any] = field(default_factory=dict)
    factor: float = 1.0


@dataclass(frozen=True)
class StagePlan:
    """A stage laid out in the store and cut into cells and tasks.

    Parameters
    ----------
    stage : Stage
        With the labels of the store, in storage order, and extents as far as they have grown.
    wanted : Stage
        As the grid has it.
    chunk : mapping of str to int
        Points per cell along each axis.
    factor : float
        What a second that the kernel's own `cost` predicts was seen to take, where that was far from one.
    """

    stage: Stage
    wanted: Stage
    chunk: Mapping[str, int]
    factor: float = 1.0

    @property
    def layout(self) -> Layout:
        """Return what a store must remember to be extended later."""
        return Layout(self.stage.axes, self.chunk, extents_at(self.stage), factor=self.factor)

    @cached_property
    def code(self) -> dict[str, Any]:
        """Return the fingerprint of the code that computes the stage, as it is when this is asked for first."""
        return code_of(self.wanted)

    def recut(self, factor: float) -> StagePlan:
        """Return the same stage in cells that suit what its points were seen to cost."""
        again = replace(self, chunk=cell_shape(self.stage, factor), factor=factor)
        vars(again)["code"] = self.code  # as it was when the launch began, whatever was edited since
        return again

    @cached_property
    def variables(self) -> tuple[Variable, ...]:
        """Return all arrays of results."""
        return tuple(placed_variables(self.stage, self.chunk))

    @cached_property
    def _work(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return blocks, predicted seconds and amount of every point; zero where the grid does not want it."""
        blocks, seconds, amounts = (np.zeros(self.stage.shape, dtype) for dtype in (np.int32, float, float))
        positions = [places(self.stage.axes[axis], labels) for axis, labels in self.wanted.axes.items()]
        for point, index in zip(self.wanted.points(), itertools.product(*positions), strict=True):
            work = self.stage.work_at(point)
            blocks[index], seconds[index], amounts[index] = work.blocks, seconds_of(work), work.amount
        return blocks, self.factor * seconds, amounts

    @property
    def blocks(self) -> npt.NDArray[np.int32]:
        """Return the number of blocks that completes each point; 0 for points that the grid does not want."""
        return self._work[0]

    @property
    def seconds(self) -> npt.NDArray[np.float64]:
        """Return the predicted seconds of one core for each point."""
        return self._work[1]

    @property
    def amounts(self) -> npt.NDArray[np.float64]:
        """Return what each point does of what the kernel counts: see `Kernel.work`."""
        return self._work[2]

    @cached_property
    def cell_grid(self) -> tuple[int, ...]:
        """Return the number of cells along each axis."""
        return tuple(math.ceil(n / self.chunk[axis]) for axis, n in zip(self.stage.axes, self.stage.shape, strict=True))

    def cell(self, number: int) -> Region:
        """Return the points of a cell as one slice for each axis."""
        index = np.unravel_index(number, self.cell_grid) if self.cell_grid else ()
        sizes = zip(index, self.chunk.values(), self.stage.shape, strict=True)
        return tuple(slice(int(i) * c, min((int(i) + 1) * c, n)) for i, c, n in sizes)

    def per_cell(self, points: npt.NDArray[Any], of: np.ufunc = np.add) -> npt.NDArray[Any]:
        """Return the sum over each cell of an array over the points, or what else is made of two values."""
        total = points
        for axis, step in enumerate(self.chunk.values()):
            total = of.reduceat(total, np.arange(0, total.shape[axis], step), axis=axis)
        return total.ravel()

    def labels(self, region: Region) -> dict[str, Labels]:
        """Return the labels of a region."""
        return {axis: labels[part] for (axis, labels), part in zip(self.stage.axes.items(), region, strict=True)}

    def tile_seconds(self, factor: float = 1.0, workers: int = 1) -> float:
        """Return how much work cells are gathered to for one task, if a predicted second takes `factor` in truth."""
        share = factor * self._total_seconds / max(TILES_AT_LEAST, TILES_EACH * workers)
        return min(TILE_SECONDS * max(1.0, workers / SERVED), max(cells.CELL_SECONDS, share))

    @cached_property
    def _total_seconds(self) -> float:
        return float(self.seconds.sum())

    @cached_property
    def _result_bytes(self) -> int:
        """Return the size of the results of the largest point."""
        sizes = defaultdict[str, list[int]](list)
        for variable in self.variables:
            sizes[variable.name].append(variable.point_bytes)
        return sum(map(max, sizes.values()))

    def resources(self, state: int = 0) -> Resources:
        """Return what a task takes.

        Of memory, unless the grid says it, what results and states of a cell do, if that is much; as a power of two, so
        that stages which take about as much can have the same workers.

        Parameters
        ----------
        state : int
            Bytes of the state of a point, as far as they are known.
        """
        needed = HELD * math.prod(self.chunk.values()) * (self._result_bytes + state)
        default = 1 << (needed - 1).bit_length() if needed >= MUCH_MEMORY else 0
        return replace(self.stage.resources, memory=self.stage.resources.memory or default)

    def bytes_left(self, done: int) -> int:
        """Return about how much is still to be written when so many points are done: a resume needs no more."""
        share = 1 - done / max(done, self.blocks.size)
        return int(share * sum(variable.nbytes for variable in self.variables))

    def tasks_of(self, points: npt.NDArray[np.bool_]) -> int:
        """Return about how many tasks some points are, if they cost what the kernel says."""
        seconds = self.per_cell(self.seconds * points)
        before = (np.cumsum(seconds) - seconds)[seconds > 0]
        return len(np.unique(np.floor((before + 1e-9) / self.tile_seconds())))

    def numbers(self, region: Region) -> npt.NDArray[np.int64]:
        """Return the numbers of the points of a region: their places when all points of the stage stand in one row."""
        places = np.ix_(*(np.arange(part.start, part.stop) for part in region))
        return np.ravel_multi_index(places, self.stage.shape) if places else np.zeros((), np.int64)

    def cell_of(self, number: int) -> int:
        """Return the number of the cell that holds a point."""
        index = zip(np.unravel_index(number, self.stage.shape), self.chunk.values(), strict=True)
        place = tuple(int(i) // step for i, step in index) if self.stage.shape else ()
        return int(np.ravel_multi_index(place, self.cell_grid)) if place else 0

    def point(self, number: int) -> dict[str, Label]:
        """Return the labels of a point, by its number."""
        index = np.unravel_index(number, self.stage.shape) if self.stage.shape else ()
        return {axis: labels[int(i)] for (axis, labels), i in zip(self.stage.axes.items(), index, strict=True)}

    def points(self, region: Region) -> Iterator[tuple[tuple[int, ...], dict[str, Label]]]:
        """Yield the storage index and the labels of every point of a region."""
        for index in itertools.product(*(range(part.start, part.stop) for part in region)):
            labels = zip(self.stage.axes.items(), index, strict=True)
            yield index, {axis: values[i] for (axis, values), i in labels}


@dataclass(frozen=True)
class Plan:
    """A grid laid out: for each stage its arrays, its cells and its tasks."""

    grid: Grid
    stages: Mapping[str, StagePlan]


def make_plan(grid: Grid, stored: Mapping[str, Layout] | None = None, *, as_stored: bool = False) -> Plan:
    """Return the plan of a grid, continuing what a store already holds.

    Parameters
    ----------
    grid : Grid
    stored : mapping of str to Layout, optional
        The layouts of the stages that the store has. Labels that it has are kept as it has them, whatever digits beyond
        the twelfth the grid gives them.
    as_stored : bool
        Nothing is to be written: places and cells are those of the store, even where a launch would put them in order.
    """
    known, plans = stored or {}, dict[str, StagePlan]()
    problems = [
        problem
        for name, stage in grid.stages.items()
        for problem in kind_problems(stage, known[name].axes if name in known else {})
    ]
    if problems:
        raise SweepError(*problems)
    for name, stage in grid.stages.items():
        sources = {item.stage: plans[item.stage].stage for item in stage.inputs.values()}
        plans[name] = _plan_stage(stage, known.get(name), sources, as_stored)
    return Plan(grid, plans)


def _plan_stage(stage: Stage, stored: Layout | None, sources: Mapping[str, Stage], as_stored: bool) -> StagePlan:
    if stored is None or stored.axes.keys() != stage.axes.keys():  # other axes: the store will refuse the plan
        wanted = with_stored(stage, {}, {}, sources)
        fresh = replace(wanted, axes={axis: in_order(labels) for axis, labels in wanted.axes.items()})
        return StagePlan(fresh, wanted, cell_shape(fresh))
    wanted = with_stored(stage, stored.axes, stored.params, sources)
    axes = {axis: tuple(dict.fromkeys([*stored.axes[axis], *labels])) for axis, labels in wanted.axes.items()}
    if not as_stored:
        axes = {axis: in_order(labels) for axis, labels in axes.items()}
    grown = {name: _longer(value, stored.extents.get(name, value)) for name, value in extents_at(wanted).items()}
    whole = replace(wanted, axes=axes, params={**wanted.params, **grown})
    chunk = stored.chunk if as_stored else cell_shape_kept(whole, stored.chunk, stored.factor)
    return StagePlan(whole, wanted, chunk, stored.factor)


def _longer(value: Any, stored: Any) -> Any:
    return value if canonical(value) > canonical(stored) else stored


def extents_at(stage: Stage) -> dict[str, Any]:
    """Return the parameters of a stage that say how long, where they are no axis."""
    params = as_mapping(stage.params_at(next(stage.points())))
    return {name: params[name] for name in sorted(extents_of(stage.kernel.params)) if name not in stage.axes}
