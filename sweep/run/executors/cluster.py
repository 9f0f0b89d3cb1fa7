"""Ray as the pool sees it: actors that are started, told and ended, and what is heard of them, as small values."""

from __future__ import annotations

import queue
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import ray
from ray.exceptions import ActorDiedError, ActorUnavailableError, OutOfMemoryError, RayError, RayTaskError

from sweep.errors import Problem, SweepError, reason
from sweep.planning.plan import Plan, Task
from sweep.run.executors.actor import Assignment, RemoteActor
from sweep.run.executors.messages import Answered, Computed, Gone, Greeted, Message, Told
from sweep.run.executors.room import Node, Share, cores
from sweep.run.executors.session import said
from sweep.run.executors.shared import SharedInputs
from sweep.run.executors.watch import Watch
from sweep.run.hello import Hello, hello, refusal
from sweep.store.lease import revoke
from sweep.store.store import Store

RAY_NAMES = {"num_cpus": "CPU", "num_gpus": "GPU", "memory": "memory"}
HEAD_SECONDS = 45.0  # after 60 s without its head Ray ends the process itself, with a dump
NEEDED = ("gcs_server", "raylet")  # a Ray of one's own is nothing without them
DIED = "its process ended (killed for want of memory or by a signal, or it left by itself); Ray's logs may say more"

_ray: Any = ray  # parts of Ray carry no types


@dataclass(frozen=True, eq=False)
class _Handle:
    """An actor, and the name that it writes under."""

    remote: Any
    writer: str


class RayCluster:
    """The cluster that this process has joined.

    Answers come to a queue by themselves: to ask Ray which of them are there would take longer the more are awaited.

    Parameters
    ----------
    plan : Plan
    store : Store
    own : bool
        It was started by this process, and for it.
    mixed : bool
        Workers with other packages or processors than the launcher's do.
    """

    def __init__(self, plan: Plan, store: Store, *, own: bool, mixed: bool = False) -> None:
        self._store, self._own, self._mixed = store, own, mixed
        self._hello = hello(plan, store)
        self._plan, self._shared = ray.put(plan), SharedInputs(plan, store)
        self._answers = queue.SimpleQueue[tuple[Any, _Handle, Callable[[_Handle, Any], Message]]]()
        self._actors: set[_Handle] = set()
        self._watch = Watch(shared=not own)

    def start(self, share: Share, avoid: frozenset[str]) -> _Handle:
        """Ask for an actor."""
        amounts = dict(share)
        counted = {option: amounts.pop(name, 0) for option, name in RAY_NAMES.items()}
        options: dict[str, Any] = {**counted, "resources": amounts}
        if avoid:
            options["label_selector"] = {"ray.io/node-id": f"!in({','.join(sorted(avoid))})"}
        location = self._store.location.for_another()
        actor = _Handle(RemoteActor.options(**options).remote(), location.writer)
        path = tuple(entry for entry in sys.path if entry)
        given = Assignment(self._plan, self._store.token, location, int(cores(share)), path, self._store.logs)
        self._actors.add(actor)
        self._await(actor.remote.hello.remote(given), actor, self._greeted)
        return actor

    def submit(self, actor: _Handle, key: int, task: Task, rival: _Handle | None = None) -> None:
        """Give a task to an actor."""
        answer = actor.remote.do.remote(key, task, self._shared.of(task), rival and rival.writer)
        self._await(
            answer, actor, lambda actor, said: Computed(actor, key) if said is None else Answered(actor, key, said)
        )

    def await_end(self, actor: _Handle, key: int) -> None:
        """Have an actor say how a task ends that it has computed and is writing."""
        self._await(actor.remote.end.remote(key), actor, lambda actor, outcome: Answered(actor, key, outcome))

    def ask(self, actor: _Handle) -> None:
        """Ask an actor where it is."""
        self._await(actor.remote.at.remote(), actor, Told)

    def stop(self, actor: _Handle) -> None:
        """Tell an actor to stop."""
        actor.remote.stop.remote()

    def kill(self, actor: _Handle) -> None:
        """End an actor. Ray may be wrong that it is dead: one that was only frozen or cut off goes on writing later."""
        revoke(self._store.location, actor.writer)
        self.dismiss(actor)

    def dismiss(self, actor: _Handle) -> None:
        """End an actor that has no work."""
        self._actors.discard(actor)
        ray.kill(actor.remote)

    def close(self) -> None:
        """End all actors: what they work for is over, and the store is given back next."""
        self._watch.close()
        while self._actors:
            ray.kill(self._actors.pop().remote)

    def nodes(self) -> Mapping[str, Node]:
        """Return the nodes."""
        return self._watch.nodes()

    def check(self) -> None:
        """Raise SweepError when Ray has died, or its head has not answered for so long that Ray is about to give up."""
        if self._own:
            died = [kind for kind, _ in _ray._private.worker._global_node.dead_processes() if kind in NEEDED]
            if died:
                what = f"its process {died[0]} died, and with it the workers"
                raise SweepError(Problem("Ray", f"{what}; what is done is kept, and the same line resumes"))
        elif self._watch.silence() > HEAD_SECONDS:
            what = f"the head of the cluster has not answered for {HEAD_SECONDS:.0f} s; the same line resumes"
            raise SweepError(Problem("Ray", what))

    def wait(self, seconds: float) -> Iterator[Message]:
        """Yield what was heard."""
        try:
            heard = self._answers.get(timeout=seconds)
        except queue.Empty:
            return
        yield self._message(*heard)

    def _await(self, answer: Any, actor: _Handle, says: Callable[[_Handle, Any], Message]) -> None:
        """Have what an answer says in the queue as soon as it is there."""
        answer.future().add_done_callback(lambda future: self._answers.put((future, actor, says)))

    def _message(self, answer: Any, actor: _Handle, says: Callable[[_Handle, Any], Message]) -> Message:
        try:
            return says(actor, answer.result())
        except RayError as error:
            node = _node_of(actor) if says == self._greeted else None
            return Gone(actor, *_fate(error), node, isinstance(error, OutOfMemoryError))

    def _greeted(self, actor: _Handle, value: Hello) -> Message:
        refused = refusal(self._hello, value, mixed=self._mixed)
        return Greeted(actor, value.node, value.host, refused, value.log)


def _fate(error: BaseException) -> tuple[str, bool]:
    """Return in one line why an actor is gone, and whether that is no doing of its task."""
    text = str(error)
    if isinstance(error, ActorUnavailableError):
        return "the connection to it broke", True
    if isinstance(error, OutOfMemoryError):
        return "out of memory: its node was running low, and Ray ended it", False
    if "node has died" in text:
        return "its node is gone", True
    if isinstance(error, ActorDiedError):
        return (text.strip().splitlines()[-1] if "creation task" in text else DIED), False
    return reason(error.cause) if isinstance(error, RayTaskError) else said(error), False


def _node_of(actor: _Handle) -> str | None:
    """Return the node that an actor is or was on, None where it never came to one."""
    found = _ray._private.state.actors(actor.remote._actor_id.hex()) or {}
    return found.get("Address", {}).get("NodeID") or None
