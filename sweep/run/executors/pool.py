"""The pool: actors that are asked for, say hello, get tasks, and are lost or let go. Knows nothing of Ray.

Tasks go only to actors that have said hello; those that have not are the demand that an autoscaler sees. Actors follow
the nodes: those that come are used; those that go, or answer no more, are given up with all that is on them, and are
welcome again.
"""

from __future__ import annotations

import heapq
import itertools
import math
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from sweep.errors import Problem, SweepError
from sweep.grid.resources import Resources
from sweep.planning.plan import Task
from sweep.run.account import At
from sweep.run.executors.base import Done, Expected, Failed, Lost, NextTask, Outcome, Said
from sweep.run.executors.losses import Losses
from sweep.run.executors.messages import Answered, Cluster, Computed, Gone, Greeted, Message, Told
from sweep.run.executors.room import Node, Share, awaited, fitting, offer, whole, words
from sweep.run.executors.staff import Staff, Worker
from sweep.run.executors.twins import Twins

POLL_SECONDS = 0.1
LOOK_SECONDS = 0.2  # between looks at the nodes and the clock
ASK_SECONDS = 1.0  # between questions to an actor where it is, but
ASKS = 10  # at each look at most, of those first that were not asked for longest
WAIT_SECONDS, AGAIN_SECONDS = 10.0, 60.0  # without an actor before that is said, and before it is said again
STRIKES = 2  # actors in a row that died on a node before they did anything: it is left out
LEFT_OUT_SECONDS = 60.0  # before a node that was left out is tried again
SPARE = 2  # actors of a size beyond those that there is room for, where others may bring more nodes


class Pool:
    """Does tasks on the actors of a cluster.

    Parameters
    ----------
    cluster : Cluster
    share_of : Resources -> Share
        What a task takes of a machine, as Ray counts it.
    limit : float, optional
        Cores that all actors may have together; without one they follow the cluster.
    own : bool
        The cluster is this launch's own: it does not grow, and nobody else is on it.
    clock : () -> float
        Counts seconds.
    """

    def __init__(
        self,
        cluster: Cluster,
        share_of: Callable[[Resources], Share],
        limit: float | None = None,
        *,
        own: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cluster, self._share_of, self._own, self._clock = cluster, share_of, own, clock
        self._limit = math.inf if limit is None else limit
        self._staff = Staff(cluster, limit, 0 if own else SPARE, clock)
        self._held: defaultdict[tuple[str, bool], deque[Task]] = defaultdict(deque)  # what no actor has room for yet
        self._keys = itertools.count()
        self._twins, self._empty = Twins(), False
        self._nodes: Mapping[str, Node] = {}
        self._fruitful: set[str] = set()  # nodes that have done something
        self._strikes: Counter[str] = Counter()
        self._left_out: dict[str, tuple[str, float]] = {}
        self._losses = Losses()
        self._stopped = False
        self._looked = -LOOK_SECONDS
        self._said: dict[Share, float] = {}  # when it was last said that a size has no actor

    def run(self, next_task: NextTask, expected: Expected, stopping: threading.Event) -> Iterator[Outcome]:
        """Yield outcomes until nothing runs and there is nothing to give."""
        while True:
            if stopping.is_set() and not self._stopped:
                self._stop()
            yield from self._look(expected)
            if not self._stopped:
                self._hand_out(next_task)
            if not any(self._held.values()) and not any(worker.tasks for worker in self._staff.workers.values()):
                return
            for message in self._cluster.wait(POLL_SECONDS):
                yield from self._note(message)

    def at_work(self) -> list[At]:
        """Return where every actor is that has said so of the task that it has now."""
        told = [(worker.at, next(iter(worker.to_compute.values()), None)) for worker in [*self._staff.workers.values()]]
        each = {task: at for at, task in told if at is not None and at.task == task}  # a task that two do counts once
        return list(each.values())

    def _hand_out(self, next_task: NextTask) -> None:
        """Give tasks to actors; those for which there is none yet are held, an actor being asked for each of them."""
        full = set()
        for (stage, alone), tasks in self._held.items():
            while tasks and self._submit(tasks[0]):
                tasks.popleft()
            if tasks and not self._ask(tasks[0]) and not alone:
                full.add(stage)
        while (task := next_task(full)) is not None:
            if not self._submit(task):
                self._held[task.stage, task.alone].append(task)
                if not self._ask(task) and not task.alone:
                    full.add(task.stage)
        self._empty = not any(self._held.values())

    def _share(self, task: Task) -> Share:
        share = self._share_of(task.resources)
        return whole(share, self._nodes.values(), self._limit) if task.alone else share

    def _submit(self, task: Task) -> bool:
        worker = self._staff.free(self._share(task))
        if worker is not None:
            self._give(worker, task)
        return worker is not None

    def _give(self, worker: Worker, task: Task, late: Worker | None = None) -> int:
        key = next(self._keys)
        worker.give(key, task, self._clock())
        self._staff.sort_in(worker)
        self._cluster.submit(worker.actor, key, task, late and late.actor)
        return key

    def _start_again(self, expected: Expected, now: float) -> Iterator[Outcome]:
        """Give what is late to idle actors of other nodes too."""
        for worker, key, task, usual in self._twins.late(list(self._staff.workers.values()), expected, now):
            idle = self._staff.idle(self._share(task), worker.node)
            if idle is not None:
                self._twins.add((worker, key), (idle, self._give(idle, task, worker)))
                what = f"what takes {usual:.3g} s elsewhere has run for {now - worker.begun:.0f} s on {worker.host}"
                yield Said(f"stages.{task.stage}: {what}; it is started on {idle.host} too, and who is first counts")

    def _ask(self, task: Task) -> bool:
        share = self._share(task)
        held = [tasks for tasks in self._held.values() if tasks and self._share(tasks[0]) == share]
        return self._staff.ask(share, sum(map(len, held)))

    def _stop(self) -> None:
        """Ask for an end: what runs ends with its block, what waits at an actor is given back, nothing else begins."""
        self._stopped = True
        self._held.clear()
        self._staff.dismiss_asked()
        for worker in self._staff.workers.values():
            self._cluster.stop(worker.actor)

    def _note(self, message: Message) -> Iterator[Outcome]:
        worker = self._staff.workers.get(message.actor)
        if worker is None:
            return  # it was given up
        match message:
            case Greeted(_, node, host, None, log):
                worker.log = log
                self._staff.welcome(worker, node, host)
            case Greeted(_, node, _, refused):
                self._staff.dismiss([worker])
                yield from self._leave_out(node, refused or "")
            case Computed(_, key):
                worker.commits(key, self._clock())
                self._cluster.await_end(worker.actor, key)
                self._staff.sort_in(worker)
            case Answered(_, _, Lost(_, _, reason)):
                self._count_loss(worker.node, reason)
                self._go_on_without(worker)
            case Answered(_, key, outcome):
                yield from self._answered(worker, key, outcome)
            case Told(_, at):
                worker.asked = self._clock()
                if at is not None:
                    worker.at = replace(at, begun=worker.asked + at.begun)
                    self._losses.note_at(at)
            case Gone(_, reason, blameless, node, starved):
                yield from self._lose(worker, reason, node, blameless=blameless, starved=starved)

    def _answered(self, worker: Worker, key: int, outcome: Outcome) -> Iterator[Outcome]:
        """Note how a task ended; of two who do it the first to complete it counts, else the last."""
        task, other = worker.take(key, self._clock()), self._twins.part(key)
        if isinstance(outcome, Done):
            self._note_done(worker, task, outcome.seconds)
            if other is not None:
                del other[0].tasks[other[1]]
                self._go_on_without(other[0])
        self._staff.sort_in(worker)
        if other is None or isinstance(outcome, Done) or (isinstance(outcome, Failed) and outcome.fatal):
            yield outcome

    def _go_on_without(self, worker: Worker) -> None:
        """End an actor that is late with what another has done; what else it had goes to others."""
        self._staff.remove(worker)
        self._cluster.kill(worker.actor)
        for task in self._twins.left(worker) if not self._stopped else ():
            self._held[task.stage, task.alone].append(task)

    def _note_done(self, worker: Worker, task: Task, seconds: float) -> None:
        self._staff.note_pace(self._share(task), seconds)
        worker.fruitful = True
        self._fruitful.add(worker.node)
        self._strikes.pop(worker.node, None)
        self._losses.note_done()

    def _lose(
        self, worker: Worker, reason: str, node: str | None = None, *, blameless: bool = False, starved: bool = False
    ) -> Iterator[Outcome]:
        """Give up an actor: what it had is given back, and it writes no more if it lives."""
        self._staff.remove(worker)
        self._cluster.kill(worker.actor)
        if not worker.node:
            self._count_loss(node, reason)
            if node and not (blameless or self._stopped):
                yield from self._strike(node, reason)
            return
        begun, tasks = worker.begun_tasks, self._twins.left(worker)
        suspects = () if blameless or self._stopped else tuple(task for task in tasks if task in begun)
        if not suspects:
            self._count_loss(worker.node, reason)
            yield Lost((), tasks, reason, log=worker.log, blameless=blameless)
            return
        yield Lost(suspects, tuple(task for task in tasks if task not in begun), reason, starved, worker.log)
        if not worker.fruitful and self._fruitful and worker.node not in self._fruitful:
            yield from self._strike(worker.node, reason)

    def _count_loss(self, node: str | None, reason: str) -> None:
        """Note a loss that counts for no task; after many with no progress it gives up."""
        if not self._stopped:
            self._losses.add(node, reason)

    def _strike(self, node: str, why: str) -> Iterator[Outcome]:
        """Note that an actor died on a node, perhaps for what that is; leave the node out when it goes on."""
        self._strikes[node] += 1
        if self._strikes[node] >= STRIKES:
            yield from self._leave_out(node, f"node {self._host(node)}: {why}")

    def _leave_out(self, node: str, why: str) -> Iterator[Outcome]:
        """Start nothing on a node for a while."""
        if self._stopped:
            return
        known = self._left_out.get(node, ("", 0.0))[0]
        self._left_out[node] = why, self._clock() + LEFT_OUT_SECONDS
        if why != known:
            yield Said(f"left out: {why}")
        if not self._nodes.keys() - self._left_out.keys():
            raise SweepError(*(Problem("Ray", line) for line, _ in self._left_out.values()))

    def _host(self, node: str) -> str:
        return self._nodes[node].host if node in self._nodes else node[:12]

    def _look(self, expected: Expected) -> Iterator[Outcome]:
        """Look at the nodes and the clock: who is lost, who is wanted, what is waited for."""
        now = self._clock()
        if now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        self._nodes = self._cluster.nodes()
        for worker in list(self._staff.workers.values()):
            node = self._nodes.get(worker.node)
            if worker.node and node is None:
                yield from self._lose(worker, f"its node {worker.host} is gone", blameless=True)
            elif node is not None and not node.reachable:
                yield from self._lose(worker, f"its node {worker.host} does not answer", blameless=True)
        if self._stopped:
            return
        self._cluster.check()
        self._ask_where(now)
        away = {id_ for id_, node in self._nodes.items() if not node.reachable}
        left_out = {id_ for id_, (_, until) in self._left_out.items() if now < until and id_ in self._nodes}
        wanted = {self._share(tasks[0]): None for tasks in self._held.values() if tasks}
        self._staff.look(self._nodes, frozenset(away | left_out), wanted)
        if self._empty:
            yield from self._start_again(expected, now)
        yield from self._say_what_is_missing(now)

    def _ask_where(self, now: float) -> None:
        workers = self._staff.workers.values()
        due = (worker for worker in workers if worker.tasks and now - worker.asked > ASK_SECONDS)
        for worker in heapq.nsmallest(ASKS, due, key=lambda worker: worker.asked):
            worker.asked = math.inf
            self._cluster.ask(worker.actor)

    def _say_what_is_missing(self, now: float) -> Iterator[Outcome]:
        """Say what is waited for: at once what no node has, else when a size has had no actor for a while."""
        self._said = {share: when for share, when in self._said.items() if share in self._staff.missing}
        usable = [node for id_, node in self._nodes.items() if id_ not in self._left_out]
        for share, since in self._staff.missing.items():
            impossible = not any(fitting(share, node.resources) for node in usable)
            if impossible and self._own:
                raise SweepError(Problem("Ray", f"a task wants {words(share)}; {offer(share, usable)}"))
            due = self._said[share] + AGAIN_SECONDS if share in self._said else since + WAIT_SECONDS * (not impossible)
            if now >= due:
                self._said[share] = now
                yield Said(awaited(share, usable, own=self._own))
