"""A cluster that is pretended, with a clock of its own: nodes come and go, actors start, work and die in no time."""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from sweep.planning.plan import Task
from sweep.run.account import Account, At
from sweep.run.executors.base import Done, Lost, Outcome, Said
from sweep.run.executors.messages import Answered, Computed, Gone, Greeted, Message, Told
from sweep.run.executors.pool import Pool
from sweep.run.executors.ray import share_of
from sweep.run.executors.room import Node, Share, cores, fitting, less

START_SECONDS = 1.0


@dataclass(eq=False)
class Actor:
    share: Share
    avoid: frozenset[str]
    asked: float
    node: str = ""
    tasks: dict[int, Task] = field(default_factory=dict)
    ends: float = 0.0
    committing: dict[int, tuple[Task, float]] = field(default_factory=dict)  # and when each is written
    to_tell: bool = False


class Pretended:
    """A cluster as the pool wants it.

    Parameters
    ----------
    nodes : mapping of str to (mapping of str to float)
        What each has.
    seconds : float
        What a task takes.
    commit : float
        What it takes to write what came of it; others may be computed meanwhile.
    """

    def __init__(self, nodes: Mapping[str, Mapping[str, float]], seconds: float = 5.0, commit: float = 0.0) -> None:
        self.now, self.seconds, self.commit = 0.0, seconds, commit
        self._nodes: dict[str, Node] = {}
        self.actors: list[Actor] = []
        self.started, self.came, self.most = 0, 0, 0.0
        self.used: dict[str, int] = {}
        self.refused: dict[str, str] = {}
        self.slow: dict[str, float] = {}  # nodes that take so many times as long
        self.deadly: set[str] = set()  # nodes where every task is the end of its worker
        self.block = 0  # at which whoever is asked says to be
        self.at: list[tuple[float, Callable[[], object]]] = []
        for name, has in nodes.items():
            self.add(name, **has)

    def add(self, name: str, **has: float) -> None:
        self._nodes[name] = Node(name, name, has, has)

    def lose(self, name: str) -> None:
        """Let a node be gone; the cluster says so of the actors that were on it."""
        del self._nodes[name]

    def cut(self, name: str, *, off: bool) -> None:
        self._nodes[name] = replace(self._nodes[name], reachable=not off)

    def start(self, share: Share, avoid: frozenset[str]) -> Actor:
        self.actors.append(Actor(share, avoid, self.now))
        self.started += 1
        self.most = max(self.most, sum(cores(actor.share) for actor in self.actors))
        return self.actors[-1]

    def submit(self, actor: Actor, key: int, task: Task, rival: Actor | None = None) -> None:
        assert actor.node, "it has not said hello"
        assert actor in self.actors
        assert rival is None or (rival.node != actor.node and task in rival.tasks.values())
        if not actor.tasks:
            actor.ends = self.now + self.seconds * self.slow.get(actor.node, 1.0)
        actor.tasks[key] = task

    def await_end(self, actor: Actor, key: int) -> None:
        assert key in actor.committing

    def ask(self, actor: Actor) -> None:
        assert not actor.to_tell, "it was asked, and has not answered yet"
        actor.to_tell = True

    def stop(self, actor: Actor) -> None:
        actor.ends = self.now

    def kill(self, actor: Actor) -> None:
        self.actors.remove(actor)

    def dismiss(self, actor: Actor) -> None:
        assert not actor.tasks
        assert not actor.committing
        self.actors.remove(actor)

    def nodes(self) -> Mapping[str, Node]:
        return {name: replace(node, available=self._left(node)) for name, node in self._nodes.items()}

    def _left(self, node: Node) -> dict[str, float]:
        return less(node.resources, (actor.share for actor in self.actors if actor.node == node.id))

    def check(self) -> None:
        pass

    def wait(self, seconds: float) -> Iterator[Message]:
        self.now += seconds
        for due in [item for item in self.at if item[0] <= self.now]:
            self.at.remove(due)
            due[1]()
        yield from [message for actor in list(self.actors) if (message := self._heard(actor)) is not None]

    def _heard(self, actor: Actor) -> Message | None:
        if not actor.node:
            return self._hello(actor)
        if actor.node not in self._nodes or not self._nodes[actor.node].reachable:
            return None
        written = next((key for key, (_, when) in actor.committing.items() if self.now >= when), None)
        if written is not None:
            return Answered(actor, written, Done(actor.committing.pop(written)[0], self.seconds, Account()))
        if actor.tasks and self.now >= actor.ends:
            return Gone(actor, "killed") if actor.node in self.deadly else self._computed(actor)
        if actor.to_tell and actor.tasks:
            actor.to_tell = False
            task = next(iter(actor.tasks.values()))
            return Told(actor, At(task, 0, 0, self.block, 100, actor.ends - self.seconds - self.now))
        return None

    def _computed(self, actor: Actor) -> Message:
        key = next(iter(actor.tasks))
        task = actor.tasks.pop(key)
        actor.ends = self.now + self.seconds * self.slow.get(actor.node, 1.0)
        self.used[actor.node] = self.used.get(actor.node, 0) + 1
        if self.commit:
            actor.committing[key] = task, self.now + self.commit
            return Computed(actor, key)
        return Answered(actor, key, Done(task, self.seconds, Account()))

    def _hello(self, actor: Actor) -> Message | None:
        if self.now - actor.asked < START_SECONDS:
            return None
        for name, node in self._nodes.items():
            if name not in actor.avoid and node.reachable and fitting(actor.share, self._left(node)):
                actor.node, self.came = name, self.came + 1
                return Greeted(actor, name, name, self.refused.get(name))
        return None


class Ran:
    """What came of a pool at work on tasks; what is given back is done again.

    Parameters
    ----------
    cluster : Pretended
    tasks : list of Task
    limit : float, optional
    own : bool
    stop_at : float, optional
        Ask it to stop then.
    look_at : float
        Keep as `looked` where the actors are then.
    """

    def __init__(
        self,
        cluster: Pretended,
        tasks: list[Task],
        limit: float | None = None,
        *,
        own: bool = False,
        stop_at: float | None = None,
        look_at: float = math.inf,
    ) -> None:
        self.said: list[str] = []
        self.lost: list[Lost] = []
        self.done: list[Task] = []
        self._waiting = deque(tasks)
        stopping = threading.Event()
        if stop_at is not None:
            cluster.at.append((stop_at, stopping.set))
        pool = Pool(cluster, partial(share_of, limit), limit, own=own, clock=lambda: cluster.now)
        self.looked: list[At] = []
        cluster.at.append((look_at, lambda: self.looked.extend(pool.at_work())))
        for outcome in pool.run(self._next, lambda _: cluster.seconds, stopping):
            self._note(outcome)
            assert cluster.now < 10_000, "it hangs"
        self.seconds = cluster.now

    def _next(self, but: Collection[str]) -> Task | None:
        task = next((task for task in self._waiting if task.stage not in but), None)
        if task is not None:
            self._waiting.remove(task)
        return task

    def _note(self, outcome: Outcome) -> None:
        match outcome:
            case Done(task):
                self.done.append(task)
            case Said(text):
                self.said.append(text)
            case Lost(begun, waiting):
                self.lost.append(outcome)
                self._waiting.extend([*begun, *waiting])
