"""Which task is next: those whose inputs are complete, the later stages first."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from sweep.grid.axes import places
from sweep.grid.grid import Input, Stage
from sweep.plan.plan import Plan, StagePlan, Task
from sweep.run.events import Progress

ATTEMPTS = 3
Points = npt.NDArray[np.bool_]


class Schedule:
    """Hands out the tasks of a plan as what they read becomes complete.

    There is no barrier between stages. Tasks are made when they are asked for, so that a plan of a million tiles costs
    a few bytes for each.

    Parameters
    ----------
    plan : Plan
    done : mapping of stage to bool array
        The points that are complete, from the store.
    """

    def __init__(self, plan: Plan, done: Mapping[str, Points]) -> None:
        self.plan = plan
        self._queues = {name: _StageQueue(stage, np.array(done[name])) for name, stage in plan.stages.items()}
        self._retries: deque[Task] = deque()
        self._attempts: dict[tuple[str, int], int] = {}

    def next(self) -> Task | None:
        """Return a task that can run now; None when there is none, for now or for good."""
        for queue in reversed(self._queues.values()):
            task = queue.next(self._queues)
            if task is not None:
                return task
        return self._retries.popleft() if self._retries else None

    def complete(self, task: Task) -> None:
        """Note that a task has filled its tile."""
        queue = self._queues[task.stage]
        for number in task.cells:
            region = queue.plan.cell(number)
            queue.done[region] |= queue.plan.blocks[region] > 0
        queue.finished += 1
        for other in self._queues.values():
            other.stale = other.stale or task.stage in other.reads

    def fail(self, task: Task) -> tuple[int, bool]:
        """Note that a task failed; return how often it did by now, and whether it is set aside.

        A task is tried `ATTEMPTS` times, each time after all others that can run.
        """
        key = (task.stage, task.cells.start)
        self._attempts[key] = attempts = self._attempts.get(key, 0) + 1
        if attempts < ATTEMPTS:
            self._retries.append(task)
            return attempts, False
        self._queues[task.stage].failed += 1
        return attempts, True

    def give_back(self, task: Task) -> None:
        """Take back a task that was handed out and lost through no fault of its own."""
        self._retries.append(task)

    def done(self) -> dict[str, Points]:
        """Return which points of every stage are complete by now."""
        return {name: queue.done for name, queue in self._queues.items()}

    def progress(self) -> dict[str, Progress]:
        """Return how far every stage is."""
        return {name: Progress(queue.total, queue.finished, queue.failed) for name, queue in self._queues.items()}


class _StageQueue:
    """The tiles of one stage that are not yet handed out."""

    def __init__(self, plan: StagePlan, done: Points) -> None:
        self.plan, self.done = plan, done
        self.reads = {item.stage for item in plan.stage.inputs.values()}
        self.stale = True
        self.finished = self.failed = 0
        open_cells = plan.per_cell((plan.blocks > 0) & ~done) > 0
        self._open = np.logical_or.reduceat(open_cells, plan.tiles[:-1])
        self.total = int(self._open.sum())
        self._ready: deque[int] = deque()

    def next(self, queues: Mapping[str, _StageQueue]) -> Task | None:
        if not self._ready and self.stale:
            self.stale = False
            self._find_ready(queues)
        return self.plan.task(self._ready.popleft()) if self._ready else None

    def _find_ready(self, queues: Mapping[str, _StageQueue]) -> None:
        """Move the tiles whose every point has its inputs from the open ones to the ready ones."""
        if not self._open.any():
            return
        waits = np.zeros(self.done.shape, bool)
        for item in self.plan.stage.inputs.values():
            waits |= ~_has_input(self.plan.stage, item, queues[item.stage])
        waiting = self.plan.per_cell(waits & (self.plan.blocks > 0) & ~self.done) > 0
        tiles = self._open & ~np.logical_or.reduceat(waiting, self.plan.tiles[:-1])
        self._ready.extend(np.flatnonzero(tiles).tolist())
        self._open &= ~tiles


def _has_input(stage: Stage, item: Input, source: _StageQueue) -> Points:
    """Return, with a length 1 along axes that do not matter, for which points of a stage an input is complete."""
    axes = source.plan.stage.axes
    shared = [axis for axis in axes if axis in stage.axes and axis in item.joined]
    read = {axis: stage.axes[axis] if axis in shared else labels for axis, labels in item.axes.items()}
    done = source.done[np.ix_(*(places(axes[axis], read[axis]) for axis in axes))]
    whole = tuple(place for place, axis in enumerate(axes) if axis not in shared)
    complete = np.asarray(done.all(axis=whole))
    order = [shared.index(axis) for axis in stage.axes if axis in shared]
    shape = [len(stage.axes[axis]) if axis in shared else 1 for axis in stage.axes]
    return complete.transpose(order).reshape(shape)
