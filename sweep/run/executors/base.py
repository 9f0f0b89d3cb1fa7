"""What every executor does, and what it says of each task."""

from __future__ import annotations

import importlib
import resource
import threading
import time
import traceback
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from errno import EDQUOT, ENOSPC, EROFS
from typing import Protocol

from threadpoolctl import threadpool_limits

from sweep.errors import GivenUp, LeaseLost
from sweep.grid.resources import Resources
from sweep.planning.plan import Plan, Task
from sweep.run.account import Account, At
from sweep.run.failure import PointFailure
from sweep.run.work import Stopped, TaskWork, Workbench
from sweep.store.store import Store


@dataclass(frozen=True)
class Done:
    """The task has ended: all its points are complete but those that failed, and those of the cells that it gave back.

    Parameters
    ----------
    task : Task
    seconds : float
        Until it was computed, and written unless the worker went on with another one.
    account : Account
        What came of it.
    """

    task: Task
    seconds: float
    account: Account


@dataclass(frozen=True)
class Failed:
    """The task could not go on, by no fault of a point; `fatal` says that no other task can do better."""

    task: Task
    error: str
    fatal: str | None = None


@dataclass(frozen=True)
class Halted:
    """The task stopped because it was asked to, and committed what it had."""

    task: Task
    failures: Sequence[PointFailure] = ()


@dataclass(frozen=True)
class Lost:
    """The worker is gone.

    Parameters
    ----------
    begun : tuple of Task
        What it worked on, where that may have been its end: what it computed, and what it had not written yet.
    waiting : tuple of Task
        What else it had: what it had not begun and, where its machine is gone, all.
    reason : str
    starved : bool
        Its machine had no memory left.
    log : str
        Path or URL for what it printed; empty where there is none.
    blameless : bool
        It went with its node, or with the way there; or it lives, and the launch goes on without it.
    """

    begun: tuple[Task, ...]
    waiting: tuple[Task, ...]
    reason: str
    starved: bool = False
    log: str = ""
    blameless: bool = False


@dataclass(frozen=True)
class Said:
    """Something of the machines, and of no task, that whoever launches should know."""

    text: str


Outcome = Done | Failed | Halted | Lost | Said
NextTask = Callable[[Collection[str]], Task | None]
Expected = Callable[[Task], float]


class Executor(Protocol):
    """Runs tasks somewhere."""

    @property
    def workers(self) -> int:
        """Return how many tasks run at once."""
        ...

    def lacks(self, resources: Resources) -> str | None:
        """Return in words why a task that takes so much can never run here; None where it may."""
        ...

    def at_work(self) -> Sequence[At]:
        """Return where every worker is that has a task, as far as it has said so; asked by any thread."""
        ...

    def run(
        self, plan: Plan, store: Store, next_task: NextTask, expected: Expected, stopping: threading.Event
    ) -> Iterator[Outcome]:
        """Yield outcomes until nothing runs and `next_task` has nothing to give.

        Parameters
        ----------
        plan : Plan
            Made under the store's lease.
        store : Store
        next_task : collection of str -> Task or None
            Asked when there is room for a task of any stage but these; None says that none can run before another
            outcome is known.
        expected : Task -> float
            Says how many seconds a task takes, as far as was seen; infinite as long as nothing is known.
        stopping : Event
            When it is set no new task is begun and those that run are asked to stop.
        """
        ...


@contextmanager
def limit_threads(cpus: int) -> Iterator[None]:
    """Hold BLAS and numba to `cpus` threads; a library that a kernel loads later takes as many as numba has."""
    numba = importlib.import_module("numba")
    before = numba.get_num_threads()
    with threadpool_limits(cpus):
        numba.set_num_threads(min(cpus, numba.config.NUMBA_NUM_THREADS))
        try:
            yield
        finally:
            numba.set_num_threads(before)


class Attempt:
    """A try of a task by a worker, which may do another one while the last commit of this is under way.

    Parameters
    ----------
    bench : Workbench
    task : Task
    rival : str, optional
        Another writer, who does the same task.
    """

    def __init__(self, bench: Workbench, task: Task, rival: str | None = None) -> None:
        self._work, self._begun, self._seconds = TaskWork(bench, task, rival), time.monotonic(), 0.0
        self._ended: Outcome | None = None

    def compute(self) -> None:
        """Compute; never raises what the task raises."""
        self._ended = self._failure(self._work.compute)

    def settles(self, seconds: float | None = None) -> bool:
        """Return whether all that was computed is written, well or not, within some seconds."""
        settled = self._work.settles(seconds)
        self._seconds = time.monotonic() - self._begun
        return settled

    def outcome(self) -> Outcome:
        """Return how it ended, as soon as it has."""
        failure = self._ended or self._failure(self._work.settle)
        account = self._work.account
        account.memory = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return failure or Done(self._work.task, self._seconds, account)

    def _failure(self, act: Callable[[], None]) -> Outcome | None:
        """Do something; return how that ended the task, None when it went well."""
        task = self._work.task
        try:
            act()
        except Stopped:
            return Halted(task, self._work.account.failures)
        except GivenUp as error:
            return Lost((), (task,), str(error), blameless=True)
        except Exception as error:  # noqa: BLE001 - the store may be away; the other tasks go on
            return Failed(task, traceback.format_exc(), _fatal(error))
        return None


def attempt(bench: Workbench, task: Task, rival: str | None = None) -> Outcome:
    """Do a task, in a race with another writer perhaps, and say how it went; never raises what the task raises."""
    tried = Attempt(bench, task, rival)
    tried.compute()
    tried.settles()
    return tried.outcome()


def _fatal(error: BaseException) -> str | None:
    """Return in words why no further task can succeed, None when others may."""
    if isinstance(error, LeaseLost):
        return str(error)
    if isinstance(error, OSError) and error.errno in (ENOSPC, EDQUOT, EROFS):
        return f"cannot write the store: {error.strerror}; what is done is kept"
    return None
