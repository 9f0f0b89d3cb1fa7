"""The points of one stage: which are done, which can run now, and how many of them make a task."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Collection, Mapping

import numpy as np
import numpy.typing as npt

from sweep.grid.axes import places
from sweep.grid.grid import Input, Stage
from sweep.planning.cells import CELL_AT_MOST, CELL_SECONDS, REGROUP, cell_shape
from sweep.planning.plan import StagePlan, Task
from sweep.run.events import Progress
from sweep.run.speed import Speed

FIRST_SECONDS = 0.5  # of work in a task while nobody knows what points of its stage cost
SEEN = 32  # points that say what points cost, before cells are made larger
GAIN_SECONDS = 10.0  # that larger cells must save: all stop for them, and begin anew
Points = npt.NDArray[np.bool_]


class StageQueue:
    """The points of one stage, and the cells that are not yet handed out.

    Parameters
    ----------
    plan : StagePlan
    done : bool array
        The points that are complete; it follows what becomes of the others.
    failed : bool array, optional
        Those that are not to be tried.

    Attributes
    ----------
    speed : Speed
        What points were seen to cost.
    state : int
        Bytes that the largest state of a point was seen to have.
    """

    def __init__(self, plan: StagePlan, done: Points, failed: Points | None) -> None:
        self.plan, self.done = plan, done
        self.failed = np.zeros_like(done) if failed is None else failed & ~done
        self.never = self.failed.copy()  # nor those that read what failed
        self.reads = {item.stage for item in plan.stage.inputs.values()}
        self.stale = True
        self.speed, self.state = Speed(), 0
        self._wanted = plan.blocks > 0
        self._open = plan.per_cell(self._wanted & ~done) > 0
        self._before = np.concatenate([[0.0], np.cumsum(plan.per_cell(plan.seconds * ~done))])
        self._longest = float(plan.seconds.max(initial=0.0))
        self._block = float((plan.seconds / np.maximum(plan.blocks, 1)).max(initial=0.0))
        self._ready: deque[range] = deque()

    def progress(self) -> Progress:
        """Return how far the stage is."""
        wanted = self._wanted
        waiting = int((wanted & self.never & ~self.failed).sum())
        return Progress(int(wanted.sum()), int((wanted & self.done).sum()), int((wanted & self.failed).sum()), waiting)

    @property
    def amount(self) -> float:
        """How much is done of what the kernel counts."""
        return float(self.plan.amounts[self.done].sum())

    def seconds_left(self, under_way: float = 0.0) -> float:
        """Return the seconds of one core that the rest takes, as far as is known.

        Parameters
        ----------
        under_way : float
            Predicted seconds of what is over of the points at work.
        """
        return self.speed.factor * max(float(self.predicted_left().sum()) - under_way, 0.0)

    def predicted_left(self) -> npt.NDArray[np.float64]:
        """Return the seconds that the kernel predicts of the rest of each cell."""
        return self.plan.per_cell(self.plan.seconds * (~self.done & ~self.never))

    def task(self, cells: range, without: frozenset[int] = frozenset(), careful: bool = False) -> Task:
        """Return a task of some cells."""
        return Task(self.plan.stage.name, cells, self.plan.resources(self.state), without, careful)

    def points_of(self, cell: int) -> frozenset[int]:
        """Return the points of a cell that the grid wants and that are not complete, by number."""
        region = self.plan.cell(cell)
        return frozenset(self.plan.numbers(region)[self._wanted[region] & ~self.done[region]].tolist())

    def finish(self, cell: int, without: Collection[int]) -> None:
        """Note that all points of a cell are complete but some."""
        region = self.plan.cell(cell)
        ended = self._wanted[region]
        if without:
            ended = ended & ~np.isin(self.plan.numbers(region), list(without))
        self.done[region] |= ended

    def set_aside(self, point: int) -> None:
        """Note that a point is not tried any more."""
        self.failed.flat[point] = self.never.flat[point] = True

    def has_too_long_cells(self) -> bool:
        """Return whether some cell of several points is left that takes far too long for one worker."""
        if math.prod(self.plan.chunk.values()) == 1 or self.speed.least <= 1:
            return False
        left = self.plan.per_cell(self.plan.seconds * (self._wanted & ~self.done & ~self.never))
        return float(left.max()) * self.speed.least > CELL_AT_MOST

    @property
    def block_seconds(self) -> float:
        """Return what the longest block of a point takes, as far as is known."""
        return self.speed.factor * self._block

    def would_gain(self, workers: int, waiting: float) -> bool:
        """Return whether it would save time to have far larger cells, and to write anew what is there.

        Parameters
        ----------
        workers : int
            How many share what is saved; what is there is written by one.
        waiting : float
            Seconds until all of them have stopped.
        """
        points, least = math.prod(self.plan.chunk.values()), GAIN_SECONDS + waiting
        beside, own = self.speed.beside, self.speed.own
        if self.speed.points < SEEN or beside * self._before[-1] < least * workers:
            return False
        if own * REGROUP * points * self._longest > CELL_SECONDS:
            return False
        there = float((self.plan.seconds * self.done).sum())
        if beside * (float(self.predicted_left().sum()) / workers - there) < least:
            return False
        return math.prod(cell_shape(self.plan.stage, self.plan.factor * own).values()) >= REGROUP * points

    def next(self, workers: int = 1) -> Task | None:
        """Return the next tile of what is ready, for one of so many workers."""
        if not self._ready:
            return None
        run = self._ready.popleft()
        cells = range(run.start, min(run.stop, self._tile_end(run.start, workers)))
        if cells.stop < run.stop:
            self._ready.appendleft(range(cells.stop, run.stop))
        return self.task(cells, self._left_out(cells))

    def _tile_end(self, start: int, workers: int) -> int:
        """Return one past the last cell of the tile that begins with a cell: seconds of work, as far as is known."""
        factor = self.speed.factor
        wanted = self.plan.tile_seconds(factor, workers)
        target = self._before[start] + (wanted if self.speed.known else min(wanted, FIRST_SECONDS)) / factor
        return max(start + 1, int(np.searchsorted(self._before, target * (1 + 1e-9), side="right")) - 1)

    def _longer(self, cells: npt.NDArray[np.int64], workers: int) -> npt.NDArray[np.int64]:
        """Return how many times, in powers of two, cells are longer than a task need be; 0 for all that are not."""
        factor = self.speed.factor
        seconds = factor * np.diff(self._before)[cells]
        return np.log2(np.maximum(seconds / self.plan.tile_seconds(factor, workers), 1.0)).astype(np.int64)

    def _left_out(self, cells: range) -> frozenset[int]:
        if not self.never.any():
            return frozenset()
        regions = map(self.plan.cell, cells)
        return frozenset(
            number for region in regions for number in self.plan.numbers(region)[self.never[region]].tolist()
        )

    def refresh(self, queues: Mapping[str, StageQueue], workers: int = 1) -> bool:
        """Move the cells each of whose points can run, or never will, from the open ones to the ready ones.

        It is done when something that is read has changed and nothing is ready any more; return whether more points
        never will run than before. Cells that are too long to be gathered come first, the longest of them first, for
        the others to fill up the end.
        """
        if self._ready or not self.stale:
            return False
        self.stale = False
        if not self._open.any():
            return False
        waits, never = np.zeros(self.done.shape, bool), int(self.never.sum())
        for item in self.plan.stage.inputs.values():
            source = queues[item.stage]
            self.never |= _over(self.plan.stage, item, source, source.never).any(0)
            waits |= ~_over(self.plan.stage, item, source, source.done).all(0)
        self.never &= self._wanted & ~self.done
        todo = self._wanted & ~self.done & ~self.never
        settled = self._open & (self.plan.per_cell(waits & todo) == 0)
        numbers = np.flatnonzero(settled & (self.plan.per_cell(todo) > 0))
        longer = self._longer(numbers, workers)
        apart = (np.diff(numbers, prepend=-2) != 1) | (np.diff(longer, prepend=longer[:1]) != 0)
        first = np.flatnonzero(apart)  # of each run of cells side by side that are about as long
        last = np.append(first[1:], len(numbers))[: len(first)] - 1
        runs = list(map(range, numbers[first].tolist(), (numbers[last] + 1).tolist()))
        self._ready.extend(runs[place] for place in np.argsort(-longer[first], kind="stable"))
        self._open &= ~settled
        return int(self.never.sum()) > never


def _over(stage: Stage, item: Input, source: StageQueue, points: Points) -> Points:
    """Return what is true of the points of an input that each point of a stage reads.

    Returns
    -------
    bool array
        The points that are read along its first axis; then the axes of the stage, with a length 1 along those that do
        not matter.
    """
    axes = source.plan.stage.axes
    shared = [axis for axis in axes if axis in stage.axes and axis in item.joined]
    read = {axis: stage.axes[axis] if axis in shared else labels for axis, labels in item.axes.items()}
    found = points[np.ix_(*(places(axes[axis], read[axis]) for axis in axes))]
    order = [*(axis for axis in axes if axis not in shared), *(axis for axis in stage.axes if axis in shared)]
    shape = [len(stage.axes[axis]) if axis in shared else 1 for axis in stage.axes]
    return found.transpose([list(axes).index(axis) for axis in order]).reshape(-1, *shape)
