"""What works: a process of its own on some node that says hello, and then does one task after the other."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import ray

from sweep.errors import reason
from sweep.planning.plan import Task
from sweep.run.account import At
from sweep.run.executors.base import Attempt, Halted, Outcome, limit_threads
from sweep.run.executors.shared import References, take
from sweep.run.guard import Guard
from sweep.run.hello import Hello, hello, unable
from sweep.run.process import without_terminal
from sweep.run.words import keep_words
from sweep.run.work import Workbench
from sweep.store.storage import Location
from sweep.store.store import Store

COMMIT_SECONDS = 0.05  # of writing that are waited for: to be asked for the end of it costs about as much

_ray: Any = ray  # parts of Ray carry no types


@dataclass(frozen=True)
class Assignment:
    """What an actor is to work on.

    Parameters
    ----------
    plan : reference to a Plan
        Fetched by the actor itself, so that a plan that cannot be read on its node is an answer and no death.
    token : str or None
        The launch's lease.
    location : Location
        The store, with a name for the writer.
    cpus : int
        Threads that it may use at most.
    path : tuple of str
        Where the launcher finds modules.
    logs : str
        Path or URL for what is told of the launch; empty where there is none.
    """

    plan: Any
    token: str | None
    location: Location
    cpus: int
    path: tuple[str, ...]
    logs: str


class _Actor:
    """Does tasks, with as many threads as each may use; one may begin while the last commit of another is under way."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._held, self._threads = ExitStack(), 0
        self._bench: Workbench | None = None
        self._committing = dict[int, Attempt]()

    def hello(self, given: Assignment) -> Hello:
        """Make ready for work, and say what this is."""
        node = _ray.get_runtime_context().get_node_id()
        try:
            sys.path.extend(entry for entry in given.path if entry not in sys.path)
            plan, store = _ray.get(given.plan), Store(given.location, given.token)
            said = hello(plan, store, node)
            if said.unable is None and given.logs:  # else the folder may be another of that name
                said = replace(said, log=keep_words(given.logs))
            store.environment = said.environment
            self._most_threads = given.cpus
            self._bench = Workbench(plan, store, self._stopping.is_set, Guard(store.location))
            without_terminal(self._bench.rerun)
        except Exception as error:  # noqa: BLE001 - whatever is wrong here, another node may be able to
            return unable(reason(error), node)
        return said

    def do(self, key: int, task: Task, shared: References, rival: str | None) -> Outcome | None:
        """Do a task, with inputs that all on this machine share, in a race with another writer perhaps.

        Returns
        -------
        Outcome or None
            None when all is computed and is still being written: `end` says how it ends, and other tasks may begin.
        """
        if self._bench is None:
            return Halted(task)
        self._use_threads(min(task.resources.cpus, self._most_threads))
        take(self._bench.inputs, shared)
        tried = Attempt(self._bench, task, rival)
        tried.compute()
        for before in list(self._committing.values()):
            before.settles()
        if tried.settles(COMMIT_SECONDS):
            return tried.outcome()
        self._committing[key] = tried
        return None

    @ray.method(concurrency_group="committing")
    def end(self, key: int) -> Outcome:
        """Return how a task ended that was being written."""
        return self._committing.pop(key).outcome()

    def _use_threads(self, number: int) -> None:
        """Take as many threads as the task may use: one that is alone on its machine has more cores than threads."""
        if number != self._threads:
            self._held.close()
            self._held.enter_context(limit_threads(number))
            self._threads = number

    @ray.method(concurrency_group="control")
    def at(self) -> At | None:
        """Return where this is in its task, its clock being that of the one who asks: 0 is now."""
        at = self._bench and self._bench.at
        return replace(at, begun=at.begun - time.monotonic()) if at else None

    @ray.method(concurrency_group="control")
    def stop(self) -> None:
        """Let the work end with the block that is under way, and begin no other."""
        self._stopping.set()


RemoteActor: Any = _ray.remote(concurrency_groups={"control": 1, "committing": 1})(_Actor)
