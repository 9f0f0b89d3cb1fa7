"""Doing a task: the loop over cells, points and blocks, with checkpoints between blocks."""

from __future__ import annotations

import itertools
import shlex
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, nullcontext, suppress

import numpy as np

from sweep.grid.axes import Label
from sweep.kernels.contract import Array, Arrays, State
from sweep.planning.cells import CELL_AT_MOST
from sweep.planning.layout import Variable
from sweep.planning.plan import Plan, Region, Task
from sweep.planning.values import empty, fill_value, stored_dtype
from sweep.run.account import Account, At
from sweep.run.blocks import run_blocks
from sweep.run.failure import failure_of
from sweep.run.inputs import InputReader
from sweep.run.results import checked
from sweep.store.attempts import forget, name_point
from sweep.store.lease import revoke
from sweep.store.presence import variables_in
from sweep.store.store import CellResult, Store

CHECKPOINT_SECONDS = 10.0
CAREFUL_SECONDS = 1.0  # between commits where a worker died before
TASK_SECONDS = 20.0  # a task that took so long gives back the cells that it has not begun
SEEN = 2  # points of a cell that say what points cost: the first one may have been slow for a reason of its own


Limit = Callable[[Task, int], AbstractContextManager[None]]


def _any_time(task: Task, point: int) -> AbstractContextManager[None]:
    return nullcontext()


class Stopped(Exception):  # noqa: N818 - not an error: the work was asked to stop and did
    """The task was asked to stop; what it had is committed."""


class Workbench:
    """What a worker has for all its tasks, which it does one after the other.

    Parameters
    ----------
    plan : Plan
    store : Store
    stopping : () -> bool
        Asked between blocks; when it says yes, the work so far is committed and `Stopped` is raised.
    limit : (Task, int) -> context manager
        Holds a block of a point of a task to the time that it may take; without one it may take any.

    Attributes
    ----------
    at : At or None
        Where it is, for another thread to look at.
    known : set of str
        Stages of which a point was done here.
    behind : ThreadPoolExecutor
        Writes one thing after the other while the next is computed.
    """

    def __init__(
        self, plan: Plan, store: Store, stopping: Callable[[], bool] = lambda: False, limit: Limit = _any_time
    ) -> None:
        self.plan, self.store, self.stopping, self.limit = plan, store, stopping, limit
        self.inputs = InputReader(plan, store)
        self.at: At | None = None
        self.known = set[str]()
        self.behind = ThreadPoolExecutor(1)

    def rerun(self) -> str:
        """Return the command that computes again the point that it is at."""
        at = self.at
        if at is None:
            return "sweep rerun"
        labels = self.plan.stages[at.task.stage].point(at.point).items()
        words = [word for axis, label in labels for word in ("--at", f"{axis}={label}")]
        return shlex.join(["sweep", "rerun", self.store.location.place, "--stage", at.task.stage, *words])


class TaskWork:
    """The work of a task: its cells one after the other, each committed while the next one is computed.

    Parameters
    ----------
    bench : Workbench
    task : Task
    rival : str, optional
        Another writer, who is late with it: nothing is written until this one is ahead; then the other writes no more.

    Attributes
    ----------
    account : Account
        What came of it so far.
    """

    def __init__(self, bench: Workbench, task: Task, rival: str | None = None) -> None:
        self.bench, self.task, self.rival, self.account = bench, task, rival, Account()
        self.plan = bench.plan.stages[task.stage]
        self._commit: Future[None] | None = None

    def compute(self) -> None:
        """Fill the tile, skipping what is done and going past points that raise; the last commit may be under way then.

        Raises
        ------
        Stopped
            When asked to stop.
        """
        begun, cells = time.monotonic(), self.task.cells
        try:
            for number in cells:
                if self.bench.stopping():
                    raise Stopped
                if number > cells.start and time.monotonic() - begun > TASK_SECONDS:
                    self.account.rest = cells.stop - number
                    break
                if not _CellWork(self, self.plan.cell(number)).do():
                    self.account.rest = cells.stop - number
                    break
        except BaseException:
            self.settle()
            raise
        if self.task.careful:
            self.settle()
            forget(self.bench.store.location, self.task)

    def commit(self, write: Callable[[], None]) -> None:
        """Begin to commit, while this goes on with what is not changed by it; one commit at a time."""
        self.settle()
        self._commit = self.bench.behind.submit(write)

    def settle(self) -> None:
        """Return when all is committed; raise what went wrong with it."""
        last, self._commit = self._commit, None
        if last is not None:
            last.result()

    def settles(self, seconds: float | None = None) -> bool:
        """Return whether all is committed, well or not, within some seconds."""
        return self._commit is None or bool(wait([self._commit], seconds).done)

    def leads(self, region: Region, blocks: Array, done: Array) -> bool:
        """Return whether no rival has as much of a cell as this; from then on there is none."""
        if self.rival is None:
            return True
        store, name = self.bench.store, self.task.stage
        if (store.blocks(name, region) >= blocks).all() and (store.done(name, region) >= done).all():
            return False
        revoke(store.location, self.rival)
        self.rival = None
        return True


class _CellWork:
    """The values of one cell while it is being filled."""

    def __init__(self, work: TaskWork, region: Region) -> None:
        self.work, self.bench, self.plan, self.task, self.region = work, work.bench, work.plan, work.task, region
        self.values: dict[str, tuple[Variable, Array]] = {}
        self.states: dict[str, tuple[int, State]] = {}
        self.committed = time.monotonic()

    def do(self) -> bool:
        """Fill the cell; return False when it turned out to be too much work for one, and others may have the rest."""
        name, store = self.plan.stage.name, self.bench.store
        self.blocks, self.done = store.blocks(name, self.region), store.done(name, self.region)
        wanted, numbers = self.plan.blocks[self.region], self.plan.numbers(self.region)
        todo = (wanted > 0) & ~(self.done & (self.blocks >= wanted))
        if self.task.without:
            todo &= ~np.isin(numbers, list(self.task.without))
        if not todo.any():
            return True
        self._begin(fresh=not self.blocks.any())
        left, before, begun = int(todo.sum()), self.work.account.points, time.monotonic()
        for index, point in self.plan.points(self.region):
            inside = tuple(i - part.start for i, part in zip(index, self.region, strict=True))
            if todo[inside]:
                self._try_point(int(numbers[inside]), inside, point, int(wanted[inside]))
                left -= 1
                if left and self.work.account.points - before >= SEEN and time.monotonic() - begun > CELL_AT_MOST:
                    break
        if self.blocks.any():
            self.work.commit(self._write)
        return not left

    def _begin(self, fresh: bool) -> None:
        """Lay out the cell's arrays: missing values, or what an earlier run has left of points that it began.

        The states come first: what is read after them goes as far as they do, whoever else is at work.
        """
        if not fresh:
            with suppress(ValueError):  # damaged: from the first block on, to the same bits
                self.states = self.bench.store.load_states(self.plan, self.region)
        for variable in variables_in(self.plan, self.region):
            if fresh:
                parts = dict(zip(self.plan.stage.axes, self.region, strict=True))
                shape = tuple(parts[axis].stop - parts[axis].start for axis in variable.axes) + variable.output.shape
                values = empty(shape, variable.output)
            else:
                values = self.bench.store.read_cell(variable, self.plan, self.region)
                whole = tuple(0 if axis in variable.at else slice(None) for axis in self.plan.stage.axes)
                values[self.blocks[whole] == 0] = fill_value(stored_dtype(variable.output))
            self.values[variable.name] = variable, values

    def _try_point(self, number: int, inside: tuple[int, ...], point: Mapping[str, Label], wanted: int) -> None:
        """Complete a point; what its kernel raises is noted, and the other points go on."""
        if self.task.careful:
            name_point(self.bench.store.location, self.task.stage, self.task.cells.start, number)
        begun, inputs = time.monotonic(), self.bench.inputs.at(self.plan, point)
        start = self._resume(inside, self.plan.stage.key_at(point))
        blocks = run_blocks(self.bench.plan.grid.seed, self.plan.stage, point, inputs, start)
        for coming in itertools.count(start[0]):
            self.bench.at = At(self.task, self.work.account.points, number, coming, wanted, time.monotonic())
            try:
                with self.bench.limit(self.task, number):
                    block, state, results = next(blocks)
                self._keep(inside, block, results)
            except StopIteration:
                break
            except BaseException as error:  # a kernel may raise anything
                if isinstance(error, KeyboardInterrupt) and self.bench.stopping():
                    raise  # it is the user's
                self.work.account.failures.append(failure_of(number, error))
                return
            self._kept(inside, point, block, state, wanted)
        self.blocks[inside], self.done[inside] = wanted, True
        predicted, stage = float(self.plan.seconds.flat[number]), self.task.stage
        self.work.account.note(predicted, time.monotonic() - begun, first=stage not in self.bench.known)
        self.bench.known.add(stage)
        self._checkpoint(due=False)

    def _kept(self, inside: tuple[int, ...], point: Mapping[str, Label], block: int, state: State, wanted: int) -> None:
        """Note that a block is complete."""
        self.blocks[inside] = max(block + 1, self.blocks[inside])  # more where a lost state is made again
        self.work.account.state = max(self.work.account.state, sum(np.asarray(part).nbytes for part in state))
        if state and wanted > 1:
            self.states[self.plan.stage.key_at(point)] = (block + 1, state)
        if block + 1 < wanted:
            self._checkpoint()

    def _resume(self, inside: tuple[int, ...], key: str) -> tuple[int, State | None]:
        """Return the blocks that are done and, where one is kept, the state after them."""
        done = int(self.blocks[inside])
        return (self.states.get(key) if done else None) or (done, None)

    def _keep(self, inside: tuple[int, ...], block: int, results: Arrays) -> None:
        outputs = {name: variable.output for name, (variable, _) in self.values.items()}
        for name, result in checked(results, outputs, block).items():
            variable, values = self.values[name]
            axes = zip(self.plan.stage.axes, inside, strict=True)
            place: list[int | slice] = [i for axis, i in axes if axis in variable.axes]
            step = variable.output.block
            if step is None:
                values[tuple(place)] = result
            else:
                rows = max(0, min(step, variable.output.shape[0] - block * step))
                values[(*place, slice(block * step, block * step + rows))] = result[:rows]

    def _checkpoint(self, due: bool = True) -> None:
        """Commit when it is time to, or when asked to stop; then stop."""
        stopping, every = self.bench.stopping(), CAREFUL_SECONDS if self.task.careful else CHECKPOINT_SECONDS
        if stopping or ((due or self.task.careful) and time.monotonic() - self.committed > every):
            self.work.commit(self._write)
            self.work.settle()
            self.committed = time.monotonic()
        if stopping:
            raise Stopped

    def _write(self) -> None:
        if self.work.leads(self.region, self.blocks, self.done):
            result = CellResult(self.region, list(self.values.values()), self.blocks, self.done, self.states)
            self.bench.store.commit(self.plan, result)
