"""Which task is next: points whose inputs are complete, the later stages first, of others what takes longest."""

from __future__ import annotations

import math
from collections import Counter, OrderedDict
from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import replace
from itertools import count

import numpy as np

from sweep.planning.plan import Plan, Task
from sweep.run.account import Account
from sweep.run.events import Progress
from sweep.run.queue import Points, StageQueue

ATTEMPTS = 3


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
    tried : mapping of (stage, point) to int, optional
        How often points failed already.

    Attributes
    ----------
    tried : Counter of (stage, point)
        How often points failed by now.
    misjudged : dict of str to float
        Stages that are to be cut into other cells, with what a second that the kernel's own `cost` predicts takes: so
        much that cells are too much work for one worker, or so little that most of the time goes into writing them.
    """

    def __init__(
        self,
        plan: Plan,
        done: Mapping[str, Points],
        failed: Mapping[str, Points] | None = None,
        attempts: int = ATTEMPTS,
        tried: Mapping[tuple[str, int], int] | None = None,
    ) -> None:
        self.plan, self.attempts, self.tried = plan, attempts, Counter(tried)
        aside = failed or {}
        self._queues = {
            name: StageQueue(stage, np.array(done[name]), aside.get(name)) for name, stage in plan.stages.items()
        }
        self._order = _order(self._queues)
        self._again: OrderedDict[Hashable, Task] = OrderedDict()
        self._keys = count()
        self._at_work: set[tuple[str, int]] = set()
        self.misjudged: dict[str, float] = {}

    def next(self, but: Collection[str] = (), workers: int = 1) -> Task | None:
        """Return a task that can run now, of any stage but some; None when there is none, for now or for good.

        Parameters
        ----------
        but : collection of str
            Stages of which none is wanted.
        workers : int
            How many there are: a task is the longer the more there are to be served, and no longer than its share.
        """
        for queue in self._queues.values():
            if queue.refresh(self._queues, workers):
                self._wake(queue.plan.stage.name)
        for name in self._order:
            task = None if name in but else self._queues[name].next(workers)
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

    def complete(self, task: Task, account: Account, seconds: float = 0.0, workers: int = 1) -> None:
        """Note that a task has ended: all its points are complete but those that failed, and those that it gave back.

        Parameters
        ----------
        task : Task
        account : Account
            What came of it; `fail` says what becomes of the points that failed.
        seconds : float
            What it took.
        workers : int
            How many there are.
        """
        queue, failed = self._queues[task.stage], {failure.point for failure in account.failures}
        self.release(task)
        ended = range(task.cells.start, task.cells.stop - account.rest)
        if not failed:
            queue.speed.note(account, seconds)
        queue.state = max(queue.state, account.state)
        for number in ended:
            queue.finish(number, task.without.union(failed))
        if account.rest:
            self.give_back(replace(task, cells=range(ended.stop, task.cells.stop)), without=failed)
            if workers > 1 and queue.has_too_long_cells():
                self.misjudged[task.stage] = queue.plan.factor * queue.speed.least
        elif queue.would_gain(workers, self._longest_block()):
            self.misjudged[task.stage] = queue.plan.factor * queue.speed.own
        self._wake(task.stage)

    def _longest_block(self) -> float:
        """Return the seconds of the longest block that may be under way: so long the others would wait for it."""
        return max((self._queues[stage].block_seconds for stage in self.at_work()), default=0.0)

    def fail(
        self, stage: str, point: int, *, careful: bool = False, killed: bool = False, last: bool = False
    ) -> tuple[int, bool]:
        """Note that a point failed; return how often it did by now, and whether it is set aside.

        Parameters
        ----------
        stage : str
        point : int
        careful : bool
            It may have killed its worker, and is tried again alone and by name.
        killed : bool
            It may have been killed for want of memory: for its last try it has a machine to itself.
        last : bool
            It is not tried again, however often it was.
        """
        self.tried[stage, point] += 1
        attempts, queue = self.tried[stage, point], self._queues[stage]
        if last or attempts >= self.attempts:
            queue.set_aside(point)
            self._wake(stage)
            return attempts, True
        cell = queue.plan.cell_of(point)
        key = (stage, point if careful else range(cell, cell + 1))
        waiting = self._again.pop(key, None)
        others = queue.points_of(cell) if waiting is None else waiting.without
        again = queue.task(range(cell, cell + 1), others - {point}, careful)
        self._again[key] = replace(again, alone=killed and attempts == self.attempts - 1)
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

    def expected(self, task: Task) -> float:
        """Return how many seconds a task takes, as far as others of its stage were seen to; else it is infinite."""
        queue = self._queues[task.stage]
        if not queue.speed.known:
            return math.inf
        return queue.speed.factor * float(queue.plan.seconds.flat[self.left_of(task)].sum())

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

    def at_work(self) -> Counter[str]:
        """Return how many cells of every stage are handed out."""
        return Counter(stage for stage, _ in list(self._at_work))

    def queue(self, stage: str) -> StageQueue:
        """Return the points of a stage."""
        return self._queues[stage]


def _order(queues: Mapping[str, StageQueue]) -> list[str]:
    """Return stages in the order in which they are asked for a task, the later ones first.

    What was begun is brought to its end, so that mistakes in late stages are seen early. Of stages that come after as
    many others the one is first from which the way to the end takes longest.
    """
    late, way = dict[str, int](), dict[str, float]()
    for name, queue in queues.items():
        late[name] = 1 + max((late[other] for other in queue.reads), default=0)
    for name in reversed(list(queues)):
        after = max((way[other] for other in queues if other in way and name in queues[other].reads), default=0.0)
        way[name] = after + float(queues[name].predicted_left().max(initial=0.0))
    return sorted(queues, key=lambda name: (-late[name], -way[name]))


def _cells(task: Task) -> Iterable[tuple[str, int]]:
    return ((task.stage, number) for number in task.cells)
