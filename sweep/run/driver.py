"""The launch: one launcher at a time turns a plan and an executor into a filled store."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from sweep.errors import Problem, SweepError
from sweep.grid.axes import canonical
from sweep.grid.grid import Grid
from sweep.planning.plan import Plan
from sweep.run.events import Ended, Listener, Notice, Progress, Stopping
from sweep.run.executors.base import Executor
from sweep.run.executors.inline import IdleExecutor, InlineExecutor
from sweep.run.launch import Launch, done_in, done_points
from sweep.run.log import Log
from sweep.run.planner import Planner
from sweep.run.schedule import ATTEMPTS, Schedule
from sweep.run.stopping import StopRequest, interruptible
from sweep.run.stream import told_beside
from sweep.run.words import logs_of_launch
from sweep.store.attempts import forget_all
from sweep.store.failures import clear_failures, read_failures
from sweep.store.lease import Lease, await_turn
from sweep.store.prepare import prepare, take_back_incomplete
from sweep.store.provenance import code_differences
from sweep.store.storage import Location, reaching
from sweep.store.store import Store

MakeExecutor = Callable[[], AbstractContextManager[Executor]]


@dataclass(frozen=True)
class Failing:
    """What becomes of points that fail.

    Parameters
    ----------
    attempts : int
        How often a point is tried before it is set aside.
    skip : bool
        Leave alone what an earlier launch set aside.
    fast : bool
        Stop when the first point is set aside.
    """

    attempts: int = ATTEMPTS
    skip: bool = False
    fast: bool = False


@dataclass(frozen=True)
class Summary:
    """How a launch ended.

    Parameters
    ----------
    stages : mapping of str to Progress
    interrupted : bool
        It was asked to stop, by Ctrl-C say.
    vanished : int
        Cells that were filled, and whose results the store did not have when it was looked at in the end.
    """

    stages: Mapping[str, Progress]
    interrupted: bool = False
    vanished: int = 0

    @property
    def complete(self) -> bool:
        """Return whether every point of every stage is done, and its results are there."""
        return not self.vanished and all(stage.done == stage.points for stage in self.stages.values())

    @property
    def finished(self) -> bool:
        """Return whether nothing is left but what was set aside and what waits for it."""
        return all(stage.done + stage.failed + stage.waiting == stage.points for stage in self.stages.values())

    @property
    def failed(self) -> int:
        """Return how many points were set aside."""
        return sum(stage.failed for stage in self.stages.values())

    @property
    def done(self) -> int:
        """Return how many points are complete."""
        return sum(stage.done for stage in self.stages.values())

    @property
    def waiting(self) -> int:
        """Return how many points read one that was set aside."""
        return sum(stage.waiting for stage in self.stages.values())


def inline() -> AbstractContextManager[Executor]:
    """Return the executor that works in this process."""
    return nullcontext(InlineExecutor())


def launch(
    grid: Grid,
    place: str,
    make_executor: MakeExecutor = inline,
    listener: Listener = lambda _: None,
    *,
    accept_code_change: bool = False,
    durable: bool | None = None,
    request: StopRequest | None = None,
    failing: Failing | None = None,
    wait: bool = False,
) -> Summary:
    """Fill the store of a grid: start, resume or extend it.

    Parameters
    ----------
    grid : Grid
    place : str
        Path or URL of the store.
    make_executor : () -> context manager of an Executor
    listener : Event -> None
        Told of everything that happens; so is the log of events beside a store that is a folder.
    accept_code_change : bool
        Go on although the code of kernels differs from what computed the results that are there; the store keeps a
        record of it.
    durable : bool, optional
        Whether results outlive a power cut, as `Location` says.
    request : StopRequest, optional
        What stops it; by default it hears signals itself.
    failing : Failing, optional
        What becomes of points that fail.
    wait : bool
        Wait until another launch that is at work there has ended.

    Returns
    -------
    Summary

    Raises
    ------
    SweepError
        When the grid does not fit the store, another launcher is at work there, no worker can be had, or the disk is
        full.
    """
    look = Planner(grid, accept_code_change=accept_code_change)
    former = Store(Location(place, durable))
    plan = look(former)  # for a first time, so that what is wrong is told before Ray starts
    arguments = (look, Location(place, durable, patient=True), listener, failing or Failing(), wait)
    with interruptible(request) as stopping:
        if _has_all(former, plan):
            summary = _launch(grid, IdleExecutor, stopping, *arguments)
            if summary.complete or summary.interrupted:
                return summary
        return _launch(grid, make_executor, stopping, *arguments)


def _has_all(store: Store, plan: Plan) -> bool:
    """Return whether a store says that nothing is left to do."""
    with reaching(store.location.place):
        done = done_in(plan, store)
    return all(bool(done[name][stage.blocks > 0].all()) for name, stage in plan.stages.items())


def _launch(
    grid: Grid,
    make_executor: MakeExecutor,
    stopping: StopRequest,
    look: Callable[[Store], Plan],
    location: Location,
    listener: Listener,
    failing: Failing,
    wait: bool,
) -> Summary:
    """Run on an executor what the plan under the lease says is left."""
    store = Store(location)
    with (
        _Account() as account,
        _in_turn(location, stopping, listener, wait) as turn,
        stopping.kept(_started(make_executor, grid)) as executor,
        reaching(location.place),
        Lease(location, _facts(executor), turn=turn) as lease,
        logs_of_launch(location) as store.logs,
        told_beside(store.logs, listener) as tell,
    ):
        store.token = lease.token
        plan = look(store)  # what was read before the lease may have changed
        for line in code_differences(store.begun(), plan):
            tell(Notice(f"accepted, and recorded: {line}"))
        account.written = True
        prepare(store, plan)
        forget_all(location)
        aside = _set_aside(store, plan) if failing.skip else None
        if not failing.skip:
            clear_failures(location)
        done = {name: done_points(store, stage) for name, stage in plan.stages.items()}
        schedule = Schedule(plan, done, aside, failing.attempts)
        log = Log(plan, location, tell)
        work = Launch(plan, store, schedule, executor, log.tell, stopping, failing.fast)
        lease.saying = lambda: {"look": asdict(work.look())}
        with log.of(work.reached), stopping.gently(lambda reason: tell(Stopping(reason))):
            work.run()
        interrupted = stopping.is_set() and not work.failed_fast
        tell(Ended(work.progress(), interrupted))
        return Summary(work.progress(), interrupted, _vanished(store, work.schedule, done))


@dataclass
class _Account:
    """Says of a mistake whether something was written before it was found."""

    written: bool = False

    def __enter__(self) -> _Account:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        if isinstance(value, SweepError):
            value.written = self.written


@contextmanager
def _started(make_executor: MakeExecutor, grid: Grid) -> Iterator[Executor]:
    """Start an executor, and refuse a grid one of whose tasks could never run there."""
    with make_executor() as executor:
        lacking = {stage.name: executor.lacks(stage.resources) for stage in grid.stages.values()}
        problems = [Problem(f"stages.{name}", why) for name, why in lacking.items() if why]
        if problems:
            raise SweepError(*problems)
        yield executor


@contextmanager
def _in_turn(location: Location, stopping: StopRequest, listener: Listener, wait: bool) -> Iterator[Callable[[], int]]:
    """Yield what tells whether it is this launch's turn; one that waits for it does so before it takes any core."""
    turn = partial(await_turn, location, lambda: wait and not stopping.is_set(), lambda text: listener(Notice(text)))
    if wait:
        with reaching(location.place):
            turn()
    yield turn


def _set_aside(store: Store, plan: Plan) -> dict[str, npt.NDArray[np.bool_]]:
    """Return the points that an earlier launch set aside."""
    failures, aside = read_failures(store.location), {}
    for name, stage in plan.stages.items():
        axes = stage.stage.axes
        index = {axis: {canonical(label): place for place, label in enumerate(labels)} for axis, labels in axes.items()}
        aside[name] = np.zeros(stage.stage.shape, np.bool_)
        for labels in (failure.labels for failure in failures if failure.stage == name):
            if labels.keys() == axes.keys() and all(canonical(labels[axis]) in index[axis] for axis in axes):
                aside[name][tuple(index[axis][canonical(labels[axis])] for axis in axes)] = True
    return aside


def _vanished(store: Store, schedule: Schedule, before: Mapping[str, npt.NDArray[np.bool_]]) -> int:
    """Take back, and return the number of, cells that the schedule calls done and the store does not have whole."""
    if all(np.array_equal(done, before[name]) for name, done in schedule.done().items()):
        return 0  # nothing was done since the store was looked at
    store.refresh()
    sizes = store.location.sizes("")
    count = 0
    for name, done in schedule.done().items():
        stage = schedule.plan.stages[name]
        count += take_back_incomplete(store, stage, sizes)
        count += int((stage.per_cell(done & ~done_points(store, stage)) > 0).sum())
    return count


def _facts(executor: Executor) -> dict[str, Any]:
    """Return what others are told of this launch."""
    return {"workers": executor.workers, "started": time.time()}
