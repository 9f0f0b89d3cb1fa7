"""What came of a task, and where a worker is in one."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from sweep.planning.plan import Task
from sweep.run.failure import PointFailure


@dataclass
class Account:
    """What came of a task.

    Parameters
    ----------
    points : int
        Points that it completed.
    failures : list of PointFailure
        Those that raised.
    rest : int
        Cells, the last ones, that it did not complete because its time was over.
    predicted : float
        Seconds that the points that it completed were predicted to take.
    taken : float
        Seconds that they took.
    least : float
        Seconds that the quickest of them took for each that was predicted.
    memory : int
        Bytes that the worker had at most, in this task or one before.
    state : int
        Bytes of the largest state of a point.
    first : (float, float)
        Seconds predicted, and taken, of the first point of the stage that the worker has done, if it is among them.
    """

    points: int = 0
    failures: list[PointFailure] = field(default_factory=list)
    rest: int = 0
    predicted: float = 0.0
    taken: float = 0.0
    least: float = math.inf
    memory: int = 0
    state: int = 0
    first: tuple[float, float] = (0.0, 0.0)

    def note(self, predicted: float, seconds: float, *, first: bool = False) -> None:
        """Note that a point is complete, and whether it is the first of its stage that this worker has done."""
        if first:
            self.first = predicted, seconds
        self.points += 1
        self.predicted += predicted
        self.taken += seconds
        self.least = min(self.least, seconds / predicted)

    def usual(self, seconds: float) -> float:
        """Return what a task that took so long would take again: without what is loaded and compiled once for all.

        That is known where a worker did its first point of a stage, and others; then what was written counts for none.
        """
        predicted, first = self.first
        if not predicted or self.points < 2:
            return seconds
        return self.taken - max(0.0, first - self.least * predicted)


@dataclass(frozen=True)
class At:
    """Where a worker is in its task.

    Parameters
    ----------
    task : Task
    points : int
        Points of the task that it has completed.
    point : int
        The number of the one that it is at.
    block, blocks : int
        Which of its blocks is under way, and how many there are.
    begun : float
        When that block was begun, on the monotonic clock of this process.
    """

    task: Task
    points: int
    point: int
    block: int
    blocks: int
    begun: float
