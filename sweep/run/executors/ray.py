"""Ray: a pool of actors in a Ray of one's own, or in a cluster."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Sequence
from functools import partial
from types import TracebackType
from typing import Any

import ray
import ray.cloudpickle

from sweep.grid.resources import Resources
from sweep.grid.source import distributions
from sweep.planning.plan import Plan
from sweep.run.account import At
from sweep.run.executors.base import Expected, NextTask, Outcome
from sweep.run.executors.cluster import RayCluster
from sweep.run.executors.pool import Pool
from sweep.run.executors.room import Share, fitting, words
from sweep.run.executors.session import Session
from sweep.store.store import Store

_ray: Any = ray  # parts of Ray carry no types


class RayExecutor:
    """Runs tasks on Ray actors; starts a Ray of its own, or joins a cluster.

    Parameters
    ----------
    workers : int, optional
        Cores to use; all that there are by default, of a cluster also those that come later.
    address : str, optional
        A running cluster: ``auto`` or ``HOST:PORT``; by default what RAY_ADDRESS says, if anything.
    allow_mixed : bool
        Also use nodes with other packages or processors than the launcher's.

    Raises
    ------
    SweepError
        On entering, when Ray does not start or no cluster answers at the address.
    """

    def __init__(self, workers: int | None = None, address: str | None = None, *, allow_mixed: bool = False) -> None:
        self._session, self._mixed = Session(workers, address), allow_mixed
        self._cluster: RayCluster | None = None
        self._pool: Pool | None = None

    @property
    def workers(self) -> int:
        """Return how many cores there are to use."""
        return self._session.workers

    def lacks(self, resources: Resources) -> str | None:
        """Return in words why a task that takes so much can never run; a cluster may get what it has not."""
        share, there = share_of(self.workers, resources), self._session.resources
        if self._session.joined or fitting(share, there):
            return None
        offered = tuple((name, there.get(name, 0.0)) for name, _ in share)
        told = f"each task wants {words(share)}; this machine offers {words(offered)}"
        return f"{told}; ask for less, or join a cluster with --address"

    def at_work(self) -> Sequence[At]:
        """Return where the actors are."""
        return self._pool.at_work() if self._pool else []

    def __enter__(self) -> RayExecutor:
        self._session.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        if self._cluster is not None:
            self._cluster.close()
        self._session.__exit__(kind, value, tb)

    def run(
        self, plan: Plan, store: Store, next_task: NextTask, expected: Expected, stopping: threading.Event
    ) -> Iterator[Outcome]:
        """Yield the outcomes of tasks as actors finish them."""
        for stage in plan.stages.values():
            _travel_by_value(stage.stage.kernel.params.__module__)
        own = not self._session.joined
        limit = self._session.workers if own else self._session.limit
        self._cluster = RayCluster(plan, store, own=own, mixed=self._mixed)
        self._pool = Pool(self._cluster, partial(share_of, limit), limit, own=own)
        yield from self._pool.run(next_task, expected, stopping)
        self._cluster.close()


def share_of(limit: float | None, wanted: Resources) -> Share:
    """Return what a task takes of a machine, as Ray counts it; of cores no more than there are for all."""
    cpus = wanted.cpus if limit is None else min(wanted.cpus, limit)
    amounts = {"CPU": cpus, "GPU": wanted.gpus, "memory": wanted.memory, **dict(wanted.custom)}
    return tuple((name, float(each)) for name, each in amounts.items() if each)


def _travel_by_value(module_name: str) -> None:
    """Let a kernel that is not installed, a user's own file, travel to the workers with the plan."""
    if module_name in sys.modules and not distributions(module_name.partition(".")[0]):
        _ray.cloudpickle.register_pickle_by_value(sys.modules[module_name])
