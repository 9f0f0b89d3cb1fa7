"""The actors of a pool: who can take a task, how many more may be asked for, and who goes to make room for others."""

from __future__ import annotations

import math
import time
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sweep.planning.plan import Task
from sweep.run.account import At
from sweep.run.executors.messages import Cluster
from sweep.run.executors.room import Node, Share, cores, fitting, less

SHORT_SECONDS = 2.0  # behind a task that takes less another one waits, so that the actor never idles between two
PATIENCE_SECONDS = 10.0  # so long a size waits before those at work make room; so long one is asked for in vain
TURN_SECONDS = 30.0  # so long at least others are kept from the room that is made


@dataclass(eq=False)
class Worker:
    """An actor: asked for; at hand since it has said hello; leaving when it gets no task any more.

    Parameters
    ----------
    actor
        What the cluster knows it by.
    share : Share
    avoid : frozenset of str
        Nodes that it is not to come to.
    node, host : str
        Where it is, empty before it has said so.
    tasks : dict of int to Task
        By key, in the order in which they are done.
    committing : set of int
        Those of them that it has computed, and is writing.
    begun : float
        When it began with the one that it computes.
    fruitful : bool
        It has done a task.
    leaving : bool
    log : str
        Path or URL for what it prints.
    at : At or None
        Where it was when it said so last.
    asked : float
        When it was asked for that; infinite until it answers.
    """

    actor: Any
    share: Share
    avoid: frozenset[str]
    node: str = ""
    host: str = ""
    tasks: dict[int, Task] = field(default_factory=dict)
    committing: set[int] = field(default_factory=set)
    begun: float = math.inf
    fruitful: bool = False
    leaving: bool = False
    log: str = ""
    at: At | None = None
    asked: float = -math.inf

    @property
    def to_compute(self) -> dict[int, Task]:
        """Return what it computes and, behind that, what it will."""
        return {key: task for key, task in self.tasks.items() if key not in self.committing}

    @property
    def begun_tasks(self) -> tuple[Task, ...]:
        """Return what it computes, and what it has computed and not written yet."""
        computing = next(iter(self.to_compute), -1)
        return tuple(task for key, task in self.tasks.items() if key == computing or key in self.committing)

    def give(self, key: int, task: Task, now: float) -> None:
        """Note that it has one more task."""
        self.begun = self.begun if self.to_compute else now
        self.tasks[key] = task

    def commits(self, key: int, now: float) -> None:
        """Note that it has computed a task."""
        self.begun = now
        self.committing.add(key)

    def take(self, key: int, now: float) -> Task:
        """Note that it has ended a task."""
        self.begun = self.begun if key in self.committing else now
        self.committing.discard(key)
        return self.tasks.pop(key)


class Staff:
    """All actors there are.

    Parameters
    ----------
    cluster : Cluster
    limit : float or None
        Cores that all of them may have together.
    spare : int
        Actors of a size to ask for beyond those that there is room for: what an autoscaler sees.
    clock : () -> float

    Attributes
    ----------
    workers : dict of actor to Worker
    missing : dict of Share to float
        Sizes that tasks wait for and that nobody at hand has, and since when.
    """

    def __init__(
        self, cluster: Cluster, limit: float | None, spare: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._cluster, self._spare, self._clock = cluster, spare, clock
        self._limit = math.inf if limit is None else limit
        self.workers: dict[Any, Worker] = {}
        self.missing: dict[Share, float] = {}
        self._asked: defaultdict[Share, dict[Worker, None]] = defaultdict(dict)
        self._free: defaultdict[Share, OrderedDict[Worker, None]] = defaultdict(OrderedDict)  # the idle ones first
        self._pace: dict[Share, float] = {}
        self._nodes: Mapping[str, Node] = {}
        self._avoid: frozenset[str] = frozenset()
        self._room: dict[Share, float] = {}
        self._wanted: dict[Share, float] = {}
        self._turn: tuple[Share, float] | None = None

    def free(self, share: Share) -> Worker | None:
        """Return an actor that can take a task: an idle one, or one that is about to be."""
        return next(iter(self._free[share]), None)

    def idle(self, share: Share, but: str) -> Worker | None:
        """Return an actor that has nothing to do, on any node but one."""
        return next((worker for worker in self._free[share] if not worker.tasks and worker.node != but), None)

    def ask(self, share: Share, number: int) -> bool:
        """Have so many actors of a size on their way, as far as there is room; return whether they are."""
        asked = self._asked[share]
        while len(asked) < number:
            room = self._room_for(share)
            if room < 1:
                return False
            worker = Worker(self._cluster.start(share, self._avoid), share, self._avoid)
            self.workers[worker.actor] = worker
            asked[worker] = None
            self._room = {share: room - 1}
        return True

    def welcome(self, worker: Worker, node: str, host: str) -> None:
        """Note that an actor has said hello."""
        self._asked[worker.share].pop(worker)
        worker.node, worker.host = node, host
        self.sort_in(worker)

    def sort_in(self, worker: Worker) -> None:
        """Note that the tasks of an actor have changed."""
        free = self._free[worker.share]
        free.pop(worker, None)
        short = self._pace.get(worker.share, math.inf) < SHORT_SECONDS
        waiting = len(worker.tasks) - len(worker.committing)
        if worker.node and not worker.leaving and waiting <= short:
            free[worker] = None
            free.move_to_end(worker, last=bool(waiting))

    def note_pace(self, share: Share, seconds: float) -> None:
        """Note what a task took."""
        self._pace[share] = 0.8 * self._pace.get(share, seconds) + 0.2 * seconds

    def remove(self, worker: Worker) -> None:
        """Forget an actor."""
        del self.workers[worker.actor]
        self._asked[worker.share].pop(worker, None)
        self._free[worker.share].pop(worker, None)
        self._room.clear()

    def dismiss(self, workers: Iterable[Worker]) -> None:
        """Let actors go that have no work."""
        for worker in list(workers):
            self.remove(worker)
            self._cluster.dismiss(worker.actor)

    def dismiss_asked(self) -> None:
        """Let all go that have not said hello."""
        self.dismiss(worker for asked in self._asked.values() for worker in asked)

    def look(self, nodes: Mapping[str, Node], avoid: frozenset[str], wanted: Collection[Share]) -> None:
        """Follow the nodes, and the sizes that tasks wait for.

        Parameters
        ----------
        nodes : mapping of str to Node
        avoid : frozenset of str
            Those that are not to be used.
        wanted : collection of Share
        """
        now = self._clock()
        self._nodes = {id_: node for id_, node in nodes.items() if id_ not in avoid}
        self._avoid = avoid
        self._room.clear()
        self._wanted |= dict.fromkeys(wanted, now)
        at_hand = {worker.share for worker in self.workers.values() if worker.node}
        self.missing = {share: self.missing.get(share, now) for share in wanted if share not in at_hand}
        leaving = any(worker.leaving for worker in self.workers.values())
        if self._turn and (self._turn[0] not in self.missing or (now > self._turn[1] and not leaving)):
            self._turn = None
        for share in wanted:
            if self._turn is None and self._fitting(share) < 1:
                self._make_room(share, wanted, now)
        self.dismiss(w for asked in self._asked.values() for w in asked if not self._still_asked(w, now))
        self.dismiss(w for w in self.workers.values() if w.leaving and not w.tasks)

    def _still_asked(self, worker: Worker, now: float) -> bool:
        late = now - self._wanted.get(worker.share, now) > PATIENCE_SECONDS
        return worker.avoid == self._avoid and not late and self._may_ask(worker.share)

    def _may_ask(self, share: Share) -> bool:
        return self._turn is None or self._turn[0] == share

    def _room_for(self, share: Share) -> float:
        """Return how many more actors of a size may be asked for."""
        if share not in self._room:
            more = self._fitting(share) + self._spare - len(self._asked[share])
            self._room[share] = min(more, self._allowed(share, self.workers.values())) if self._may_ask(share) else 0
        return self._room[share]

    def _fitting(self, share: Share) -> float:
        """Return how many actors of a size could be had at once beside those that are at hand."""
        at_hand = [worker for worker in self.workers.values() if worker.node]
        taken = defaultdict[str, list[Share]](list)
        for worker in at_hand:
            taken[worker.node].append(worker.share)
        room = sum(fitting(share, less(node.resources, taken[node.id])) for node in self._nodes.values())
        unused = sum(fitting(share, node.available) for node in self._nodes.values())
        return min(room, unused, self._allowed(share, at_hand))

    def _allowed(self, share: Share, beside: Iterable[Worker]) -> float:
        """Return how many actors of a size the limit allows beside others."""
        return (self._limit - sum(cores(worker.share) for worker in beside)) / cores(share) + 1e-9

    def _make_room(self, share: Share, wanted: Collection[Share], now: float) -> None:
        """Let actors of other sizes go, on a node where that is enough.

        Those that nobody wants; where this size has waited for its first, others too when they have ended their tasks.
        """
        in_need = now - self.missing.get(share, now) > PATIENCE_SECONDS
        others = [w for w in self.workers.values() if w.share != share and w.node and not w.leaving]
        others = [w for w in others if in_need or not (w.tasks or w.share in wanted)]
        busy = Counter(w.node for w in others if w.tasks)
        for node in sorted(self._nodes.values(), key=lambda node: busy[node.id]) if others else []:
            there = sorted(others, key=lambda w: (w.node != node.id, len(w.tasks)))
            for count in range(1, len(there) + 1):
                if self._enough(share, node, there[:count]):
                    self._turn = share, now + TURN_SECONDS
                    for worker in there[:count]:
                        worker.leaving = True
                        self.sort_in(worker)
                    return

    def _enough(self, share: Share, node: Node, going: Collection[Worker]) -> bool:
        stay = [w for w in self.workers.values() if w.node and w not in going]
        left = less(node.resources, (w.share for w in stay if w.node == node.id))
        return fitting(share, left) >= 1 and self._allowed(share, stay) >= 1
