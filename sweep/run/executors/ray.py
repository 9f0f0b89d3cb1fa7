"""Ray: a pool of actors that stay alive, each with a task at work and one more waiting."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib.metadata import packages_distributions
from types import TracebackType
from typing import Any, NamedTuple

import ray
import ray.cloudpickle
from ray.exceptions import ActorDiedError, RayError

from sweep.errors import Problem, SweepError
from sweep.plan.plan import Plan, Task
from sweep.run.executors.base import Lost, Outcome, attempt, limit_threads
from sweep.run.executors.session import Session
from sweep.run.executors.shared import References, SharedInputs, take
from sweep.run.work import Workbench
from sweep.store.lease import revoke
from sweep.store.storage import Location
from sweep.store.store import Store

IN_FLIGHT = 2  # tasks at an actor: one at work, one waiting, so that it never idles between two
LOSSES_AT_FIRST = 20  # workers that may die before one task came to an end
POLL_SECONDS = 0.2
DIED = "its process ended (killed for want of memory or by a signal, or it left by itself); Ray's logs may say more"
_ray: Any = ray  # parts of Ray carry no types


class _Actor:
    """Does tasks in a process of its own, with as many threads as it was given."""

    def __init__(self, plan: Plan, token: str | None, location: Location, cpus: int, path: list[str]) -> None:
        sys.path.extend(entry for entry in path if entry not in sys.path)
        self._held = ExitStack()
        self._held.enter_context(limit_threads(cpus))
        self._stopping = threading.Event()
        self._bench = Workbench(plan, Store(location, token), self._stopping.is_set)

    def do(self, task: Task, shared: References) -> Outcome:
        take(self._bench.inputs, shared)
        return attempt(self._bench, task)

    @ray.method(concurrency_group="control")
    def stop(self) -> None:
        self._stopping.set()


_RemoteActor: Any = _ray.remote(concurrency_groups={"control": 1})(_Actor)


class _Share(NamedTuple):
    """What an actor has of the machines."""

    cpus: int
    gpus: int


@dataclass
class _Worker:
    actor: Any
    writer: str
    share: _Share
    tasks: dict[Any, Task] = field(default_factory=dict)


class RayExecutor:
    """Runs tasks on Ray actors; starts a Ray of its own, or joins a cluster.

    Parameters
    ----------
    workers : int, optional
        Cores to use; all that there are by default.
    address : str, optional
        A running cluster: ``auto`` or ``HOST:PORT``; by default what RAY_ADDRESS says, if anything.

    Raises
    ------
    SweepError
        On entering, when Ray does not start or no cluster answers at the address.
    """

    def __init__(self, workers: int | None = None, address: str | None = None) -> None:
        self._session = Session(workers, address)
        self._pool: list[_Worker] = []
        self._losses, self._worked = 0, False
        self._given: tuple[Any, str | None]  # what every actor works on
        self._location: Location
        self._shared: SharedInputs

    @property
    def workers(self) -> int:
        """Return how many cores there are to use."""
        return self._session.workers

    @property
    def gpus(self) -> float:
        """Return how many GPUs there are."""
        return self._session.gpus

    def __enter__(self) -> RayExecutor:
        self._session.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self._dismiss()
        self._session.__exit__(kind, value, tb)

    def _dismiss(self) -> None:
        for worker in self._pool:
            ray.kill(worker.actor)
        self._pool.clear()

    def run(
        self, plan: Plan, store: Store, next_task: Callable[[], Task | None], stopping: threading.Event
    ) -> Iterator[Outcome]:
        """Yield the outcomes of tasks as actors finish them."""
        for stage in plan.stages.values():
            _travel_by_value(stage.stage.kernel.params.__module__)
        self._given, self._location = (ray.put(plan), store.token), store.location
        self._shared = SharedInputs(plan, store)
        held: Task | None = None
        told = False
        while True:
            if stopping.is_set() and not told:
                told = True
                for worker in self._pool:
                    worker.actor.stop.remote()
            while not told:
                held = held or next_task()
                if held is None or not self._submit(held):
                    break
                held = None
            waiting = {ref: worker for worker in self._pool for ref in worker.tasks}
            if not waiting:
                self._dismiss()
                return
            ready, _ = ray.wait(list(waiting), num_returns=1, timeout=POLL_SECONDS)
            for ref in ready:
                yield self._outcome(ref, waiting[ref])

    def _outcome(self, ref: Any, worker: _Worker) -> Outcome:
        try:
            outcome: Outcome = ray.get(ref)
        except RayError as error:
            return self._lost(worker, DIED if isinstance(error, ActorDiedError) else str(error).splitlines()[0])
        self._worked = True
        del worker.tasks[ref]
        return outcome

    def _lost(self, worker: _Worker, reason: str) -> Lost:
        self._pool.remove(worker)
        revoke(self._location, worker.writer)  # Ray may be wrong: who was only frozen or cut off goes on writing later
        self._losses += 1
        if self._losses > LOSSES_AT_FIRST and not self._worked:
            what = f"{self._losses} workers died one after the other and none did anything; the last: {reason}"
            raise SweepError(Problem("Ray", what))
        begun, *waiting = worker.tasks.values()
        return Lost(begun, tuple(waiting), reason)

    def _submit(self, task: Task) -> bool:
        """Give a task to an actor that has room; return False when none has."""
        share = _Share(min(task.cpus, self.workers), task.gpus)
        worker = self._idle(share) or self._start(share) or self._least_busy(share)
        if worker is None:
            return False
        worker.tasks[worker.actor.do.remote(task, self._shared.of(task))] = task
        return True

    def _idle(self, share: _Share) -> _Worker | None:
        return next((worker for worker in self._pool if worker.share == share and not worker.tasks), None)

    def _least_busy(self, share: _Share) -> _Worker | None:
        own = [worker for worker in self._pool if worker.share == share and len(worker.tasks) < IN_FLIGHT]
        return min(own, key=lambda worker: len(worker.tasks), default=None)

    def _start(self, share: _Share) -> _Worker | None:
        """Start an actor where there is room for it, if need be that of idle actors of another size."""
        others = [worker for worker in self._pool if not worker.tasks and worker.share != share]
        if not self._fits(share, [worker for worker in self._pool if worker not in others]):
            return None
        while not self._fits(share, self._pool):
            idle = others.pop()
            self._pool.remove(idle)
            ray.kill(idle.actor)
        location = self._location.for_another()
        path = [entry for entry in sys.path if entry]
        options = {"num_cpus": share.cpus, "num_gpus": share.gpus}
        actor = _RemoteActor.options(**options).remote(*self._given, location, share.cpus, path)
        self._pool.append(_Worker(actor, location.writer, share))
        return self._pool[-1]

    def _fits(self, share: _Share, others: Sequence[_Worker]) -> bool:
        """Return whether there are cores and GPUs for one more actor beside others."""
        shares = [share, *(worker.share for worker in others)]
        return sum(one.cpus for one in shares) <= self.workers and sum(one.gpus for one in shares) <= self.gpus


def _travel_by_value(module_name: str) -> None:
    """Let a kernel that is not installed, a user's own file, travel to the workers with the plan."""
    if module_name.partition(".")[0] not in packages_distributions() and module_name in sys.modules:
        _ray.cloudpickle.register_pickle_by_value(sys.modules[module_name])
