"""Which task is next: points whose inputs are complete, the later stages first."""

from __future__ import annotations

import math
from collections import Counter, OrderedDict, deque
from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import replace
from itertools import count

import numpy as np
import numpy.typing as npt

from sweep.grid.axes import places
from sweep.grid.grid import Input, Stage
from sweep.plan.cells import CELL_AT_MOST
from sweep.plan.plan import Plan, StagePlan, Task
from sweep.run.events import Progress
from sweep.run.speed import Speed
from sweep.run.work import Account

ATTEMPTS = 3
FIRST_SECONDS = 0.5  # of work in a task while nobody knows what points of its stage cost
Points = npt.NDArray[np.bool_]


class Schedule:
    """Hands out the tasks of a plan as what they read becomes complete.

    There is no barrier between stages, and a point has a fate of its own: one that is set aside holds up those only
    that read it. Tasks are cut when they are asked for, by what points were seen to cost, so that a plan of a million
    cells takes a few bytes for each. No two tasks that are handed out share a cell.

    Parameters
    ----------
    plan : Plan
    done : mapping of stage to bool array
        The points that are complete, from the store.
    failed : mapping of stage to bool array, optional
        The points that an earlier launch set aside and this one is not to try.
    attempts : int
        How often a point is tried before it is set aside.

    Attributes
    ----------
    misjudged : dict of str to float
        Stages whose cells are far more work than was predicted, too much for one worker to do alone, with what a second
        that the kernel's own `cost` predicts took at least.
    """

    def __init__(
        self,
        plan: Plan,
        done: Mapping[str, Points],
        failed: Mapping[str, Points] | None = None,
        attempts: int = ATTEMPTS,
    ) -> None:
        self.plan, self.attempts = plan, attempts
        aside = failed or {}
        self._queues = {
            name: _StageQueue(stage, np.array(done[name]), aside.get(name)) for name, stage in plan.stages.items()
        }
        self._again: OrderedDict[Hashable, Task] = OrderedDict()
        self._keys = count()
        self._tried: Counter[tuple[str, int]] = Counter()
        self._at_work: set[tuple[str, int]] = set()
        self.misjudged: dict[str, float] = {}

    def next(self, but: Collection[str] = ()) -> Task | None:
        """Return a task that can run now, of any stage but these; None when there is none, for now or for good."""
        for queue in self._queues.values():
            if queue.refresh(self._queues):
                self._wake(queue.plan.stage.name)
        for name, queue in reversed(self._queues.items()):
            task = None if name in but else queue.next()
            if task is not None:
                return self._handed_out(task)
        for key, task in self._again.items():
            if task.stage not in but and self._at_work.isdisjoint(_cells(task)):
                del self._again[key]
                return self._handed_out(task)
        return None

    def _handed_out(self, task: Task) -> Task:
        self._at_work.update(_cells(task))
        return task

    def complete(self, task: Task, account: Account, seconds: float = 0.0) -> None:
        """Note that a task has ended: all its points are complete but those that failed, and those that it gave back.

        Parameters
        ----------
        task : Task
        account : Account
            What came of it; `fail` says what becomes of the points that failed.
        seconds : float
            What it took.
        """
        queue, failed = self._queues[task.stage], {failure.point for failure in account.failures}
        self.release(task)
        ended = range(task.cells.start, task.cells.stop - account.rest)
        if not failed:
            queue.speed.note(account.predicted, seconds, account.least)
        for number in ended:
            queue.finish(number, task.without.union(failed))
        if account.rest:
            self.give_back(replace(task, cells=range(ended.stop, task.cells.stop)), without=failed)
            if queue.has_too_long_cells():
                self.misjudged[task.stage] = queue.plan.factor * queue.speed.least
        self._wake(task.stage)

    def fail(self, stage: str, point: int, *, careful: bool = False, last: bool = False) -> tuple[int, bool]:
        """Note that a point failed; return how often it did by now, and whether it is set aside.

        Parameters
        ----------
        stage : str
        point : int
        careful : bool
            It may have killed its worker, and is tried again alone and by name.
        last : bool
            It is not tried again, however often it was.
        """
        self._tried[stage, point] += 1
        attempts, queue = self._tried[stage, point], self._queues[stage]
        if last or attempts >= self.attempts:
            queue.set_aside(point)
            self._wake(stage)
            return attempts, True
        cell = queue.plan.cell_of(point)
        key = (stage, point if careful else range(cell, cell + 1))
        waiting = self._again.pop(key, None)
        others = queue.points_of(cell) if waiting is None else waiting.without
        self._again[key] = queue.task(range(cell, cell + 1), others - {point}, careful)
        return attempts, False

    def give_back(self, task: Task, *, careful: bool = False, alone: bool = False, without: Iterable[int] = ()) -> None:
        """Take back a task that was handed out and did not end.

        Parameters
        ----------
        task : Task
        careful : bool
            One of its points may have killed its worker: the next worker names each before it begins.
        alone : bool
            There was no memory for it: it is to have a machine to itself.
        without : collection of int
            Points that it leaves out from now on.
        """
        self.release(task)
        kept = replace(
            task, without=task.without.union(without), careful=careful or task.careful, alone=alone or task.alone
        )
        self._again[next(self._keys)] = kept

    def release(self, task: Task) -> None:
        """Note that nobody works at the cells of a task any more."""
        self._at_work.difference_update(_cells(task))

    def left_of(self, task: Task) -> list[int]:
        """Return the points of a task that are not complete, by number."""
        queue = self._queues[task.stage]
        return sorted(set[int]().union(*map(queue.points_of, task.cells)) - task.without)

    def _wake(self, stage: str) -> None:
        for other in self._queues.values():
            other.stale = other.stale or stage in other.reads

    def done(self) -> dict[str, Points]:
        """Return which points of every stage are complete by now."""
        return {name: queue.done for name, queue in self._queues.items()}

    def failed(self) -> dict[str, Points]:
        """Return which points of every stage are set aside by now."""
        return {name: queue.failed for name, queue in self._queues.items()}

    def progress(self) -> dict[str, Progress]:
        """Return how far every stage is; what never can run is known when nothing runs any more."""
        return {name: queue.progress() for name, queue in self._queues.items()}


def _cells(task: Task) -> Iterable[tuple[str, int]]:
    return ((task.stage, number) for number in task.cells)


class _StageQueue:
    """The points of one stage, and the cells that are not yet handed out."""

    def __init__(self, plan: StagePlan, done: Points, failed: Points | None) -> None:
        self.plan, self.done = plan, done
        self.failed = np.zeros_like(done) if failed is None else failed & ~done
        self.never = self.failed.copy()  # nor those that read what failed
        self.reads = {item.stage for item in plan.stage.inputs.values()}
        self.stale = True
        self.speed = Speed()
        self._wanted = plan.blocks > 0
        self._open = plan.per_cell(self._wanted & ~done) > 0
        self._before = np.concatenate([[0.0], np.cumsum(plan.per_cell(plan.seconds * ~done))])
        self._ready: deque[range] = deque()

    def progress(self) -> Progress:
        wanted = self._wanted
        waiting = int((wanted & self.never & ~self.failed).sum())
        return Progress(int(wanted.sum()), int((wanted & self.done).sum()), int((wanted & self.failed).sum()), waiting)

    def task(self, cells: range, without: frozenset[int] = frozenset(), careful: bool = False) -> Task:
        return Task(self.plan.stage.name, cells, self.plan.resources, without, careful)

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

    def next(self) -> Task | None:
        if not self._ready:
            return None
        run = self._ready.popleft()
        cells = range(run.start, min(run.stop, self._tile_end(run.start)))
        if cells.stop < run.stop:
            self._ready.appendleft(range(cells.stop, run.stop))
        return self.task(cells, self._left_out(cells))

    def _tile_end(self, start: int) -> int:
        """Return one past the last cell of the tile that begins with a cell: seconds of work, as far as is known."""
        factor = self.speed.factor
        wanted = self.plan.tile_seconds(factor)
        target = self._before[start] + (wanted if self.speed.known else min(wanted, FIRST_SECONDS)) / factor
        return max(start + 1, int(np.searchsorted(self._before, target * (1 + 1e-9), side="right")) - 1)

    def _left_out(self, cells: range) -> frozenset[int]:
        if not self.never.any():
            return frozenset()
        regions = map(self.plan.cell, cells)
        return frozenset(
            number for region in regions for number in self.plan.numbers(region)[self.never[region]].tolist()
        )

    def refresh(self, queues: Mapping[str, _StageQueue]) -> bool:
        """Move the cells each of whose points can run, or never will, from the open ones to the ready ones.

        It is done when something that is read has changed and nothing is ready any more; return whether more points
        never will run than before.
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
        first = np.flatnonzero(np.diff(numbers, prepend=-2) != 1)  # of each run of cells side by side
        last = np.append(first[1:], len(numbers))[: len(first)] - 1
        self._ready.extend(map(range, numbers[first].tolist(), (numbers[last] + 1).tolist()))
        self._open &= ~settled
        return int(self.never.sum()) > never


def _over(stage: Stage, item: Input, source: _StageQueue, points: Points) -> Points:
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
