"""What happens during a launch, as small values: for the display, for logs, for tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sweep.grid.axes import Labels
from sweep.plan.plan import Task


@dataclass(frozen=True)
class Progress:
    """How far a stage is.

    Parameters
    ----------
    tasks, done, failed : int
        Tasks of this launch, and how many of them ended well or were set aside.
    """

    tasks: int
    done: int = 0
    failed: int = 0


@dataclass(frozen=True)
class Started:
    """Tasks are about to run."""

    stages: Mapping[str, Progress]
    workers: int


@dataclass(frozen=True)
class TaskDone:
    """A task filled its tile."""

    task: Task
    points: int
    seconds: float


@dataclass(frozen=True)
class TaskFailed:
    """A task failed; `final` when it is set aside and not tried again."""

    task: Task
    labels: Mapping[str, Labels]
    error: str
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


Event = Started | TaskDone | TaskFailed | WorkerLost | Stopping | Notice
Listener = Callable[[Event], None]
