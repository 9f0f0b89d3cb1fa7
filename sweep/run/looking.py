"""How a launch is getting on: what is done, what is under way, how fast, and how long the rest takes."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from sweep.grid.axes import Label
from sweep.planning.plan import StagePlan, Task
from sweep.run.account import At
from sweep.run.events import Look, Pace
from sweep.run.queue import StageQueue
from sweep.run.schedule import Schedule


class Looking:
    """Keeps what the rates of a launch begin with.

    Parameters
    ----------
    schedule : Schedule
        As the launch begins.
    clock : () -> float
        Counts seconds, as that of the workers does.
    """

    def __init__(self, schedule: Schedule, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._before = {stage: schedule.queue(stage).amount for stage in schedule.plan.stages}
        self._begun: dict[str, float] = {}
        self._ended: dict[str, float] = {}
        self._memory: Counter[str] = Counter()
        self._seconds: defaultdict[str, float] = defaultdict(float)

    def begin(self, task: Task) -> None:
        """Note that a task is handed out."""
        self._begun.setdefault(task.stage, self._clock())

    def end(self, task: Task, memory: int, seconds: float) -> None:
        """Note that a task has ended, how many bytes its worker had at most by then, and how long it took."""
        self._seconds[task.stage] += seconds * task.resources.cpus
        self._ended[task.stage] = self._clock()
        self._memory[task.stage] = max(memory, self._memory[task.stage])

    def measured(self, schedule: Schedule, stage: str) -> dict[str, float]:
        """Return what a second that the kernel predicts took, the most memory of a worker, and the core seconds."""
        speed = schedule.queue(stage).speed
        factor = {"speed": schedule.plan.stages[stage].factor * speed.factor} if speed.known else {}
        known = {"memory": float(self._memory[stage]), "seconds": self._seconds[stage]}
        return factor | {name: value for name, value in known.items() if value}

    def look(self, schedule: Schedule, at_work: Sequence[At], workers: int) -> Look:
        """Return how the launch is getting on.

        Parameters
        ----------
        schedule : Schedule
            As it is by now.
        at_work : sequence of At
            Where the workers are.
        workers : int
            Cores to use.
        """
        where = defaultdict[str, list[At]](list)
        for at in at_work:
            where[at.task.stage].append(at)
        progress, handed_out = schedule.progress(), schedule.at_work()
        queues = {name: schedule.queue(name) for name in progress}
        now = self._clock()
        longest = {name: _longest(queue, where[name], now) for name, queue in queues.items()}
        ends = soonest(longest, {name: queue.reads for name, queue in queues.items()})
        stages = {
            name: (progress[name], self._pace(queue, where[name], handed_out[name] > 0, now, ends[name]))
            for name, queue in queues.items()
        }
        return Look(stages, workers, min(workers, sum(at.task.resources.cpus for at in at_work)))

    def _pace(self, queue: StageQueue, where: Sequence[At], at_work: bool, now: float, end: float) -> Pace:
        plan, name = queue.plan, queue.plan.stage.name
        shares = [(at.point, _points(at, plan, queue.speed.factor, now)) for at in where]
        begun, ended = self._begun.get(name, now), now if at_work else self._ended.get(name, now)
        amount = queue.amount + _sum(shares, plan.amounts) - self._before[name]
        return Pace(
            len(where),
            sum(points for _, points in shares),
            amount / (ended - begun) if ended > begun else 0.0,
            plan.stage.kernel.work_unit,
            queue.seconds_left(_sum(shares, plan.seconds)),
            end,
        )


def labels_of(plan: StagePlan, cells: range) -> dict[str, tuple[Label, Label]]:
    """Return the first and the last label along each axis that some cells cover."""
    axes = zip(plan.stage.axes.items(), plan.chunk.values(), strict=True)
    index = np.unravel_index(np.arange(cells.start, cells.stop), plan.cell_grid) if plan.cell_grid else ()
    ends = ((int(i.min()), int(i.max()) + 1) for i in index)
    return {
        axis: (labels[first * step], labels[min(end * step, len(labels)) - 1])
        for ((axis, labels), step), (first, end) in zip(axes, ends, strict=True)
    }


def soonest(longest: Mapping[str, float], reads: Mapping[str, Collection[str]]) -> dict[str, float]:
    """Return the seconds until stages end, however many cores there are.

    Parameters
    ----------
    longest : mapping of str to float
        The seconds that the longest cell of a stage takes, which one worker does from end to end; each stage after what
        it reads.
    reads : mapping of str to collection of str
    """
    ends: dict[str, float] = {}
    for name, seconds in longest.items():
        ends[name] = seconds and seconds + max((ends[other] for other in reads[name]), default=0.0)
    return ends


def _longest(queue: StageQueue, where: Sequence[At], now: float) -> float:
    """Return the seconds that the longest cell of the rest takes."""
    plan, left = queue.plan, queue.predicted_left()
    for at in where:
        cell = plan.cell_of(at.point)
        left[at.task.cells.start : cell] = 0.0
        left[cell] -= (_points(at, plan, queue.speed.factor, now) - at.points) * float(plan.seconds.flat[at.point])
    return queue.speed.factor * float(left.max(initial=0.0))


def _sum(shares: Iterable[tuple[int, float]], of: npt.NDArray[np.float64]) -> float:
    """Return what the points that are under way amount to, those of a task being like the one that it is at."""
    return sum(points * float(of.flat[number]) for number, points in shares)


def _points(at: At, plan: StagePlan, factor: float, now: float) -> float:
    """Return how many points of a task are over; the block under way counts by its time, as far as its end is known."""
    predicted = factor * float(plan.seconds.flat[at.point]) / at.blocks
    inside = min((now - at.begun) / predicted, 1.0) if predicted > 0 else 0.0
    return at.points + min(at.block + inside, at.blocks) / at.blocks
