"""What the launcher's own work is with a thousand nodes and more, which are only pretended.

Their actors start in a second and take as long for a task as they are told, by a clock of their own; what is measured
is the pool that gives them tasks and hears of them. Ray's part of a task is not in it: `scale.py` measures that. A
number is told only when every task was done once.
"""

from __future__ import annotations

import argparse
import heapq
import itertools
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from sweep.planning.plan import Task
from sweep.run.account import Account, At
from sweep.run.executors.base import Done
from sweep.run.executors.messages import Answered, Greeted, Message, Told
from sweep.run.executors.pool import Pool
from sweep.run.executors.ray import share_of
from sweep.run.executors.room import Node, Share

CORES = 8  # of a node


@dataclass(eq=False)
class Actor:
    """One that works through its tasks."""

    tasks: dict[int, Task] = field(default_factory=dict)
    begun: float = 0.0


class Pretended:
    """A cluster as the pool wants it, whose clock jumps to what happens next."""

    def __init__(self, nodes: int, seconds: float) -> None:
        self.now = 0.0
        self._seconds, self._numbers = seconds, itertools.count()
        self._coming: list[tuple[float, int, Callable[[], Message]]] = []
        self._room = itertools.chain.from_iterable(itertools.repeat(f"n{number}", CORES) for number in range(nodes))
        self._nodes = {f"n{number}": Node(f"n{number}", "", {"CPU": CORES}, {"CPU": CORES}) for number in range(nodes)}

    def _in(self, seconds: float, happens: Callable[[], Message]) -> None:
        heapq.heappush(self._coming, (self.now + seconds, next(self._numbers), happens))

    def start(self, share: Share, avoid: frozenset[str]) -> Actor:
        """Start an actor, where there is room."""
        actor, node = Actor(), next(self._room, None)
        if node is not None:
            self._in(1.0, lambda: Greeted(actor, node, node))
        return actor

    def submit(self, actor: Actor, key: int, task: Task, rival: Actor | None = None) -> None:
        """Give it a task."""
        actor.tasks[key] = task
        if len(actor.tasks) == 1:
            self._begin(actor)

    def _begin(self, actor: Actor) -> None:
        actor.begun = self.now
        self._in(self._seconds, partial(self._end, actor))

    def _end(self, actor: Actor) -> Message:
        key = next(iter(actor.tasks))
        task = actor.tasks.pop(key)
        if actor.tasks:
            self._begin(actor)
        return Answered(actor, key, Done(task, self._seconds, Account()))

    def await_end(self, actor: Actor, key: int) -> None:
        """Have it say when all is written: it takes no time here."""

    def ask(self, actor: Actor) -> None:
        """Have it tell where it is."""
        self._in(0.01, partial(self._tell, actor))

    def _tell(self, actor: Actor) -> Message:
        task = next(iter(actor.tasks.values()), None)
        return Told(actor, At(task, 0, 0, 0, 1, actor.begun - self.now) if task else None)

    def stop(self, actor: Actor) -> None:
        """Nobody asks for it."""

    kill = dismiss = stop

    def nodes(self) -> Mapping[str, Node]:
        """Return the nodes."""
        return self._nodes

    def check(self) -> None:
        """Find nothing wrong."""

    def wait(self, seconds: float) -> Iterator[Message]:
        """Yield what happens next."""
        if not self._coming:
            self.now += seconds
            return
        when, _, happens = heapq.heappop(self._coming)
        self.now = max(self.now, when)
        yield happens()


def measure(nodes: int, each: int, seconds: float) -> str:
    """Return in words what a cluster of so many nodes costs the launcher, where each core has so many tasks."""
    cluster = Pretended(nodes, seconds)
    waiting = iter([Task("stage", range(cell, cell + 1)) for cell in range(nodes * CORES * each)])
    pool = Pool(cluster, partial(share_of, None), clock=lambda: cluster.now)

    def following(but: Collection[str]) -> Task | None:
        return None if "stage" in but else next(waiting, None)

    done: list[int] = []
    begun = first = time.process_time()
    for outcome in pool.run(following, lambda _: seconds, threading.Event()):
        if isinstance(outcome, Done):
            first = first if done else time.process_time()
            done.append(outcome.task.cells.start)
    ended = time.process_time()
    if sorted(done) != list(range(nodes * CORES * each)):
        raise SystemExit("not every task was done once; nothing is worth telling")
    cost = 1e3 * (ended - first) / len(done)
    return f"{nodes:6d} {nodes * CORES:8d} {first - begun:18.2f} {cost:21.3f}"


def main() -> None:
    """Print a line for each number of nodes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, nargs="*", default=[8, 125, 1000])
    parser.add_argument("--each", type=int, default=10, help="tasks for each core")
    parser.add_argument("--seconds", type=float, default=10.0, help="of a task")
    asked = parser.parse_args()
    print(" nodes   actors    to the first, s    the pool, ms a task")
    for nodes in asked.nodes:
        print(measure(nodes, asked.each, asked.seconds), flush=True)


if __name__ == "__main__":
    main()
