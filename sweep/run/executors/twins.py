"""Tasks that two actors do, on two machines, since one of them is late: whoever completes it first counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from sweep.planning.plan import Task
from sweep.run.executors.staff import Worker

LATE_SECONDS, LATE_TIMES = 30.0, 3.0  # a task is late when it has run for so long, and for so many times the usual

Run = tuple[Worker, int]  # an actor, and the key by which it has the task


class Twins:
    """Which tasks have two actors. A task gets a second one once."""

    def __init__(self) -> None:
        self._other: dict[int, Run] = {}
        self._had: set[int] = set()

    def add(self, first: Run, second: Run) -> None:
        """Note that two do the same."""
        self._other |= {first[1]: second, second[1]: first}
        self._had |= {first[1], second[1]}

    def part(self, key: int) -> Run | None:
        """Note that one of two has ended, and return the other; None where there is none."""
        other = self._other.pop(key, None)
        if other is not None:
            del self._other[other[1]]
        return other

    def left(self, worker: Worker) -> tuple[Task, ...]:
        """Return the tasks of an actor that is gone which no other has; nobody is its twin any more."""
        return tuple(task for key, task in worker.tasks.items() if self.part(key) is None)

    def late(
        self, workers: Iterable[Worker], expected: Callable[[Task], float], now: float
    ) -> Iterator[tuple[Worker, int, Task, float]]:
        """Yield what is late and has one actor, and how many seconds it takes elsewhere.

        A task of which every point is named before it begins is not among it, nor one whose blocks have a limit of
        time: of those the store keeps where they are, for one actor only.
        """
        for worker in workers:
            key, task = next(iter(worker.to_compute.items()), (-1, None))
            if task is None or key in self._had or now - worker.begun < LATE_SECONDS:
                continue
            if not (task.careful or task.alone or task.resources.seconds):
                usual = expected(task)
                if now - worker.begun > LATE_TIMES * usual:
                    yield worker, key, task, usual
