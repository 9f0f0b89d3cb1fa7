"""All that the pool knows of Ray: what it wants of a cluster, and what it hears of the actors there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from sweep.planning.plan import Task
from sweep.run.account import At
from sweep.run.executors.base import Outcome
from sweep.run.executors.room import Node, Share


@dataclass(frozen=True)
class Greeted:
    """An actor runs and has said hello.

    Parameters
    ----------
    actor
    node, host : str
        Where it is: the node's id, and what it calls itself.
    refused : str, optional
        In one line why it must not work for this launch.
    log : str
        Path or URL for what it prints; empty where there is none.
    """

    actor: Any
    node: str
    host: str
    refused: str | None = None
    log: str = ""


@dataclass(frozen=True)
class Answered:
    """An actor has ended a task, the one that was given to it under this key."""

    actor: Any
    key: int
    outcome: Outcome


@dataclass(frozen=True)
class Computed:
    """An actor has computed a task, whose results it is writing, and has room for another one."""

    actor: Any
    key: int


@dataclass(frozen=True)
class Told:
    """An actor has told where it is: in a task that was begun so many seconds ago on a clock whose 0 is now."""

    actor: Any
    at: At | None


@dataclass(frozen=True)
class Gone:
    """An actor is dead, or cannot be reached.

    Parameters
    ----------
    actor
    reason : str
    blameless : bool
        It was nothing that its task did: its node is gone, say.
    node : str, optional
        Where it was, if it ever came to a node.
    starved : bool
        Its node had no memory left.
    """

    actor: Any
    reason: str
    blameless: bool = False
    node: str | None = None
    starved: bool = False


Message = Greeted | Answered | Computed | Told | Gone


class Cluster(Protocol):
    """What the pool wants of Ray. An actor is whatever `start` returns."""

    def start(self, share: Share, avoid: frozenset[str]) -> Any:
        """Ask for an actor, on none of the nodes to avoid; it says hello as soon as there is room for it."""
        ...

    def submit(self, actor: Any, key: int, task: Task, rival: Any = None) -> None:
        """Give a task to an actor, behind those that it has; the one that is faster than its rival writes."""
        ...

    def await_end(self, actor: Any, key: int) -> None:
        """Have an actor say how a task ends that it has computed and is writing."""
        ...

    def ask(self, actor: Any) -> None:
        """Ask an actor where it is."""
        ...

    def stop(self, actor: Any) -> None:
        """Tell an actor to end with the block that is under way."""
        ...

    def kill(self, actor: Any) -> None:
        """End an actor that may be at work and, whatever becomes of it, let it write no more."""
        ...

    def dismiss(self, actor: Any) -> None:
        """End an actor that has no work."""
        ...

    def nodes(self) -> Mapping[str, Node]:
        """Return the nodes that are alive, by id."""
        ...

    def wait(self, seconds: float) -> Iterator[Message]:
        """Yield what was heard; nothing when that is nothing for some seconds."""
        ...

    def check(self) -> None:
        """Raise SweepError when the cluster itself is gone."""
        ...
