"""What happens during a launch, as small values: for the display, for logs, for tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sweep.grid.axes import Label
from sweep.plan.plan import Task


@dataclass(frozen=True)
class Progress:
    """How far a stage is.

    Parameters
    ----------
    points, done : int
        Points that the grid wants, and how many of them are complete, by this launch or one before.
    failed, waiting : int
        Points that were set aside, and those that read one that was.
    """

    points: int
    done: int = 0
    failed: int = 0
    waiting: int = 0


@dataclass(frozen=True)
class Started:
    """Tasks are about to run."""

    stages: Mapping[str, Progress]
    workers: int


@dataclass(frozen=True)
class TaskDone:
    """A task has ended; so many more points are complete."""

    task: Task
    points: int
    seconds: float


@dataclass(frozen=True)
class PointsFailed:
    """Points of a stage failed, all for one reason; `final` when they are set aside and not tried again.

    Parameters
    ----------
    stage : str
    points : sequence of mapping of axis to label
    reason : str
        In one line.
    attempts : int
        How often they were tried by now.
    final : bool
    """

    stage: str
    points: Sequence[Mapping[str, Label]]
    reason: str
    attempts: int
    final: bool


@dataclass(frozen=True)
class WorkerLost:
    """A worker process died; another takes its place and its tasks are tried again."""

    reason: str


@dataclass(frozen=True)
class Stopping:
    """The launch was asked to stop, by a signal say; running tasks commit what they have."""

    reason: str = ""


@dataclass(frozen=True)
class Notice:
    """Something that whoever launches should know; the launch goes on."""

    text: str


Event = Started | TaskDone | PointsFailed | WorkerLost | Stopping | Notice
Listener = Callable[[Event], None]
