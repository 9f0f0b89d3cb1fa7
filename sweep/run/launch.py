"""A launch at work: what becomes of each outcome, in the schedule, in the store, and for whoever listens."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from sweep.errors import SweepError
from sweep.grid.axes import places
from sweep.planning.plan import Plan, StagePlan, Task
from sweep.run.events import Listener, Look, Notice, PointsFailed, Progress, Started, TaskDone, WorkerLost
from sweep.run.executors.base import Done, Executor, Failed, Halted, Lost, Outcome, Said
from sweep.run.failure import PointFailure, common_reason
from sweep.run.looking import Looking, labels_of
from sweep.run.schedule import Schedule
from sweep.run.stopping import Pause, StopRequest
from sweep.run.words import crash, spoken
from sweep.store.attempts import taken_point
from sweep.store.failures import Failure, put_failures
from sweep.store.prepare import prepare
from sweep.store.store import Store


@dataclass
class Launch:
    """Runs the tasks of a schedule on an executor.

    Parameters
    ----------
    plan : Plan
    store : Store
    schedule : Schedule
    executor : Executor
    listener : Event -> None
    stopping : StopRequest
        Asked by whoever wants it to stop.
    fail_fast : bool
        It stops by itself when the first point is set aside.

    Attributes
    ----------
    failed_fast : bool
        It did.
    """

    plan: Plan
    store: Store
    schedule: Schedule
    executor: Executor
    listener: Listener
    stopping: StopRequest
    fail_fast: bool = False
    failed_fast: bool = False
    _looking: Looking = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._looking = Looking(self.schedule)

    def run(self) -> None:
        """Run until nothing can run any more, or it is asked to stop.

        Raises
        ------
        SweepError
            When no task can do any better: another launcher has taken over, the disk is full.
        """
        self.listener(Started(self.schedule.progress(), self.executor.workers, self.look))
        while self._run():
            self._cut_anew()

    def look(self) -> Look:
        """Return how it is getting on; asked by any thread."""
        return self._looking.look(self.schedule, self.executor.at_work(), self.executor.workers)

    def reached(self) -> dict[str, dict[str, Any]]:
        """Return how far every stage is and what its points were seen to take, for the store's log."""
        return {
            name: asdict(stage) | self._looking.measured(self.schedule, name) for name, stage in self.progress().items()
        }

    def progress(self) -> Mapping[str, Progress]:
        """Return how far every stage is."""
        return self.schedule.progress()

    def _run(self) -> bool:
        """Return whether it ended because cells are to be cut anew."""
        pause = Pause(self.stopping)
        for outcome in self.executor.run(self.plan, self.store, self._next, self.schedule.expected, pause):
            self._note(outcome)
            if self.schedule.misjudged:
                pause.set()
        return pause.is_set() and not self.stopping.is_set()

    def _next(self, but: Collection[str]) -> Task | None:
        task = self.schedule.next(but, self.executor.workers)
        if task is not None:
            self._looking.begin(task)
        return task

    def _cut_anew(self) -> None:
        """Cut stages into cells that suit what their points take; nobody is at work."""
        recut = {name: self.plan.stages[name].recut(factor) for name, factor in self.schedule.misjudged.items()}
        for name, stage in recut.items():
            what = f"its points take {stage.factor:.3g} times as long as the kernel's `cost` says"
            larger = math.prod(stage.chunk.values()) > math.prod(self.plan.stages[name].chunk.values())
            groups = "larger" if larger else "smaller"
            self.listener(Notice(f"stages.{name}: {what}; they are written in {groups} groups from now on"))
        self.plan = replace(self.plan, stages={**self.plan.stages, **recut})
        self.store.refresh()
        prepare(self.store, self.plan)
        done = {name: done_points(self.store, stage) for name, stage in self.plan.stages.items()}
        former = self.schedule
        self.schedule = Schedule(self.plan, done, former.failed(), former.attempts, former.tried)

    def _note(self, outcome: Outcome) -> None:
        match outcome:
            case Done(task, seconds, account):
                self.schedule.complete(task, account, seconds, self.executor.workers)
                self._looking.end(task, account.memory, seconds)
                self._fail(task, account.failures)
                labels = labels_of(self.plan.stages[task.stage], task.cells)
                self.listener(TaskDone(task, account.points, seconds, account.memory, labels))
            case Failed(task, error, fatal):
                if fatal is not None:
                    raise SweepError(fatal)
                self._fail_whole(task, error.strip().splitlines()[-1], error)
            case Lost():
                self._lost(outcome)
            case Halted(task, failures):
                self._fail(task, failures)
            case Said(text):
                self.listener(Notice(text))

    def _lost(self, lost: Lost) -> None:
        """Note that a worker is gone; the point that is named in the store was its end, or may have been.

        Where there was no memory it may have been another's fault: what it was at is tried once more, alone. The
        system's own killer leaves no word, as no other does; so has the last try of a point whose workers go so.
        """
        log = spoken(lost.log, just_died=not lost.blameless)
        trace = "" if lost.blameless or lost.starved else crash(log)
        reason = trace.partition("\n")[0] or lost.reason
        self.listener(WorkerLost(reason, lost.blameless, log))
        for task in lost.waiting:
            self.schedule.give_back(task)
        for task in lost.begun:
            self._suspect(task, reason, trace, log, starved=lost.starved)

    def _suspect(self, task: Task, reason: str, trace: str, log: str, *, starved: bool) -> None:
        """Have a task done again that may have been the end of its worker, less the point that was."""
        named = taken_point(self.store.location, task)
        if starved and not task.alone:
            self.schedule.give_back(task, careful=True, alone=True)
        elif named is not None:
            point, why = named
            self.schedule.give_back(task, without={point})
            to_itself = " (it had a machine to itself)" if task.alone else ""
            failure = PointFailure(point, why or f"its worker died: {reason}{to_itself}", trace, log=log)
            self._fail(task, [failure], careful=True, killed=not (why or trace), last=starved)
        elif task.careful:
            self._fail_whole(task, f"its worker died before its first point: {reason}")
        else:
            self.schedule.give_back(task, careful=True)

    def _fail(self, task: Task, failures: Sequence[PointFailure], **how: bool) -> None:
        """Tell of points that failed, those of one kind together, and keep why some are set aside."""
        plan = self.plan.stages[task.stage]
        fates = [(self.schedule.fail(task.stage, failure.point, **how), failure) for failure in failures]
        groups: dict[tuple[tuple[int, bool], str], list[PointFailure]] = {}
        for fate, failure in fates:
            groups.setdefault((fate, failure.kind or failure.reason), []).append(failure)
        for (fate, _), group in groups.items():
            points = [plan.point(failure.point) for failure in group]
            why = common_reason([failure.reason for failure in group])
            self.listener(PointsFailed(task.stage, points, why, *fate, group[0].log))
        aside = [
            Failure(task.stage, plan.point(failure.point), attempts, failure.reason, failure.trace, failure.kind)
            for (attempts, final), failure in fates
            if final
        ]
        if aside:
            put_failures(self.store.location, task.stage, plan.stage.key_at(aside[0].labels), aside)
            if self.fail_fast and not self.stopping.is_set():
                self.failed_fast = True
                self.stopping.ask("a point failed")

    def _fail_whole(self, task: Task, why: str, trace: str = "") -> None:
        """Note that a task could not go on: so failed all its points that are not complete."""
        points = self.schedule.left_of(task)
        self.schedule.release(task)
        self._fail(task, [PointFailure(point, why, trace) for point in points])


def done_in(plan: Plan, store: Store) -> dict[str, npt.NDArray[np.bool_]]:
    """Return which points of a plan a store has, which may not hold it yet or not all of it."""
    return {name: done for name, (done, _) in progress_in(plan, store).items()}


def progress_in(plan: Plan, store: Store) -> dict[str, tuple[npt.NDArray[np.bool_], npt.NDArray[np.int32]]]:
    """Return which points of a plan a store has, as `done_in` does, and how many blocks of each point."""
    shapes = {name: stage.stage.shape for name, stage in plan.stages.items()}
    found = {name: (np.zeros(shape, np.bool_), np.zeros(shape, np.int32)) for name, shape in shapes.items()}
    for name, layout in store.layouts().items():
        if name in plan.stages:
            stage, progress, (done, blocks) = plan.stages[name], store.progress(name), found[name]
            where = np.ix_(*(places(stage.stage.axes[axis], labels) for axis, labels in layout.axes.items()))
            done[where] = progress.done & (progress.blocks >= stage.blocks[where])
            blocks[where] = progress.blocks
    return found


def done_points(store: Store, stage: StagePlan) -> npt.NDArray[np.bool_]:
    """Return which points of a stage are complete, as long as the plan wants them."""
    progress = store.progress(stage.stage.name)
    return progress.done & (progress.blocks >= stage.blocks)
