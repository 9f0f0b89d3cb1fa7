"""Doing a task: the loop over cells, points and blocks, with checkpoints between blocks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from sweep.grid.axes import Label
from sweep.grid.grid import Stage
from sweep.grid.identity import stream
from sweep.kernels.contract import Array, Arrays, Inputs, State
from sweep.plan.layout import Variable
from sweep.plan.plan import Plan, Region, StagePlan, Task
from sweep.plan.values import empty, fill_value, stored_dtype
from sweep.run.inputs import InputReader
from sweep.run.results import checked
from sweep.store.presence import variables_in
from sweep.store.store import CellResult, Store

CHECKPOINT_SECONDS = 10.0


class Stopped(Exception):  # noqa: N818 - not an error: the work was asked to stop and did
    """The task was asked to stop; what it had is committed."""


class Workbench:
    """Does the tasks of a plan, one after the other.

    Parameters
    ----------
    plan : Plan
    store : Store
    stopping : () -> bool
        Asked between blocks; when it says yes, the work so far is committed and `Stopped` is raised.
    """

    def __init__(self, plan: Plan, store: Store, stopping: Callable[[], bool] = lambda: False) -> None:
        self.plan, self.store, self.stopping = plan, store, stopping
        self.inputs = InputReader(plan, store)

    def do(self, task: Task) -> int:
        """Fill a tile, cell by cell, skipping what is done; return how many points were completed.

        Raises
        ------
        Stopped
            When asked to stop.
        """
        plan = self.plan.stages[task.stage]
        return sum(_CellWork(self, plan, plan.cell(number)).do() for number in task.cells)


def run_blocks(
    seed: int, stage: Stage, point: Mapping[str, Label], inputs: Inputs, start: tuple[int, State | None] = (0, None)
) -> Iterator[tuple[int, State, Arrays]]:
    """Yield the number, the state and the results of every remaining block of a point.

    Parameters
    ----------
    seed : int
        The grid's.
    stage : Stage
    point : mapping of axis to label
    inputs : Inputs
    start : (int, State or None)
        Blocks that are done and the state after them. Without a state the work begins at the first block, unless the
        kernel carries no state from block to block.
    """
    kernel, params, key = stage.kernel, stage.params_at(point), stage.key_at(point)
    first, state = start
    if state is None:
        state = kernel.init(params, stream(seed, key, None), inputs)
        first = 0 if state else first
    for block in range(first, kernel.blocks(params)):
        state, results = kernel.advance(params, state, stream(seed, key, block), inputs)
        yield block, state, results


@dataclass
class _CellWork:
    """The values of one cell while it is being filled."""

    bench: Workbench
    plan: StagePlan
    region: Region
    values: dict[str, tuple[Variable, Array]] = field(default_factory=dict)
    states: dict[str, tuple[int, State]] = field(default_factory=dict)
    committed: float = field(default_factory=time.monotonic)

    def do(self) -> int:
        name, store = self.plan.stage.name, self.bench.store
        self.blocks, self.done = store.blocks(name, self.region), store.done(name, self.region)
        wanted = self.plan.blocks[self.region]
        todo = (wanted > 0) & ~(self.done & (self.blocks >= wanted))
        if not todo.any():
            return 0
        self._begin(fresh=not self.blocks.any())
        for index, point in self.plan.points(self.region):
            inside = tuple(i - part.start for i, part in zip(index, self.region, strict=True))
            if todo[inside]:
                self._do_point(inside, point, int(wanted[inside]))
        self._commit()
        return int(todo.sum())

    def _begin(self, fresh: bool) -> None:
        """Lay out the cell's arrays: missing values, or what an earlier run has left of points that it began."""
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

    def _do_point(self, inside: tuple[int, ...], point: Mapping[str, Label], wanted: int) -> None:
        stage, key, seed = self.plan.stage, self.plan.stage.key_at(point), self.bench.plan.grid.seed
        start = self._resume(inside, key)
        for block, state, results in run_blocks(seed, stage, point, self.bench.inputs.at(self.plan, point), start):
            self._keep(inside, block, results)
            self.blocks[inside] = max(block + 1, self.blocks[inside])  # more where a lost state is made again
            if state and wanted > 1:
                self.states[key] = (block + 1, state)
            if block + 1 < wanted:
                self._checkpoint()
        self.blocks[inside], self.done[inside] = wanted, True
        self._checkpoint(due=False)

    def _resume(self, inside: tuple[int, ...], key: str) -> tuple[int, State | None]:
        """Return the blocks that are done and, where one is kept, the state after them."""
        done = int(self.blocks[inside])
        try:
            stored = self.bench.store.load_state(self.plan.stage.name, key) if done else None
        except ValueError:
            stored = None  # a damaged checkpoint: from the first block on, to the same bits
        return stored or (done, None)

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
        stopping = self.bench.stopping()
        if stopping or (due and time.monotonic() - self.committed > CHECKPOINT_SECONDS):
            self._commit()
        if stopping:
            raise Stopped

    def _commit(self) -> None:
        result = CellResult(self.region, list(self.values.values()), self.blocks, self.done, self.states)
        self.bench.store.commit(self.plan, result)
        self.states = {}
        self.committed = time.monotonic()
