"""One task after the other in this process: for debugging, and where nothing else is to be had."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

from sweep.grid.resources import Resources
from sweep.planning.plan import Plan
from sweep.run.account import At
from sweep.run.executors.base import Expected, NextTask, Outcome, attempt, limit_threads
from sweep.run.hello import hello
from sweep.run.work import Workbench
from sweep.store.store import Store


class InlineExecutor:
    """Runs tasks in the calling thread."""

    workers = 1

    def lacks(self, resources: Resources) -> None:
        """Return nothing: this process has what it has, and nobody counts it."""

    def __init__(self) -> None:
        self._bench: Workbench | None = None

    def at_work(self) -> Sequence[At]:
        """Return where it is."""
        at = self._bench and self._bench.at
        return [at] if at else []

    def run(
        self, plan: Plan, store: Store, next_task: NextTask, expected: Expected, stopping: threading.Event
    ) -> Iterator[Outcome]:
        """Yield the outcome of each task as soon as it is done."""
        store.environment = hello(plan, store).environment
        self._bench = bench = Workbench(plan, store, stopping.is_set)
        while not stopping.is_set() and (task := next_task(())) is not None:
            with limit_threads(task.resources.cpus):
                outcome = attempt(bench, task)
            bench.at = None
            yield outcome


class IdleExecutor(InlineExecutor):
    """Runs nothing: for a launch that has nothing to do, as far as is known."""

    def __enter__(self) -> IdleExecutor:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def run(
        self, plan: Plan, store: Store, next_task: NextTask, expected: Expected, stopping: threading.Event
    ) -> Iterator[Outcome]:
        """Yield nothing."""
        return iter(())
