"""What happens during a launch, as small values: for the display, for logs, for tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sweep.grid.axes import Label
from sweep.planning.plan import Task


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
class Pace:
    """How a stage is getting on in this launch.

    Parameters
    ----------
    running : int
        Tasks at work.
    under_way : float
        What is done of the points at work, in points.
    rate : float
        Of what its kernel counts, in a second, since the launch began with it; 0 as long as nothing is known.
    unit : str
        What the kernel counts.
    seconds : float
        Of one core, that the rest takes as far as is known.
    soonest : float
        Seconds until its end however many cores there are: its longest point, after those of what it reads.
    """

    running: int
    under_way: float
    rate: float
    unit: str
    seconds: float
    soonest: float

    def seconds_left(self, workers: int) -> float:
        """Return the seconds until its end, if so many cores are at work at nothing else."""
        return max(self.seconds / max(workers, 1), self.soonest)


@dataclass(frozen=True)
class Look:
    """How a launch is getting on at one moment.

    Parameters
    ----------
    stages : mapping of str to (Progress, Pace)
    workers, cores : int
        Cores to use, and those at work.
    """

    stages: Mapping[str, tuple[Progress, Pace]]
    workers: int
    cores: int

    @property
    def seconds_left(self) -> float:
        """Return the seconds until all is done: of all cores at work, or of the longest way through the stages."""
        paces = [pace for _, pace in self.stages.values()]
        shared = sum(pace.seconds for pace in paces) / max(self.workers, 1)
        return max([shared, *(pace.soonest for pace in paces)])


def look_from(said: Any) -> Look | None:
    """Return a look from what became of it as JSON; None where it is none, of another version say."""
    try:
        stages = {name: (Progress(**progress), Pace(**pace)) for name, (progress, pace) in said["stages"].items()}
        return Look(stages, said["workers"], said["cores"])
    except (TypeError, KeyError, ValueError, AttributeError):
        return None


@dataclass(frozen=True)
class Started:
    """Tasks are about to run.

    Parameters
    ----------
    stages : mapping of str to Progress
    workers : int
        Cores to use.
    look : () -> Look
        Says at any time, in any thread, how the launch is getting on.
    """

    stages: Mapping[str, Progress]
    workers: int
    look: Callable[[], Look] = field(compare=False, repr=False)


@dataclass(frozen=True)
class TaskDone:
    """A task has ended.

    Parameters
    ----------
    task : Task
    points : int
        Points that it has completed.
    seconds : float
    memory : int
        Bytes that its worker had at most by then.
    labels : mapping of str to (label, label)
        The first and the last label along each axis that it covers.
    """

    task: Task
    points: int
    seconds: float
    memory: int
    labels: Mapping[str, tuple[Label, Label]] = field(default_factory=dict)


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
    log : str
        Path or URL of what the worker of the first of them printed; empty where it printed nothing.
    """

    stage: str
    points: Sequence[Mapping[str, Label]]
    reason: str
    attempts: int
    final: bool
    log: str = ""


@dataclass(frozen=True)
class WorkerLost:
    """A worker is gone; its tasks are done by others.

    Parameters
    ----------
    reason : str
    node : bool
        It went with its node, or with the way there: no task is to blame.
    log : str
        Path or URL of what it printed; empty where it printed nothing.
    """

    reason: str
    node: bool = False
    log: str = ""


@dataclass(frozen=True)
class Stopping:
    """The launch was asked to stop, by a signal say; running tasks commit what they have."""

    reason: str = ""


@dataclass(frozen=True)
class Notice:
    """Something that whoever launches should know; the launch goes on."""

    text: str


@dataclass(frozen=True)
class Ended:
    """The launch is over.

    Parameters
    ----------
    stages : mapping of str to Progress
        How far it came.
    interrupted : bool
        It was asked to stop.
    """

    stages: Mapping[str, Progress]
    interrupted: bool


Event = Started | TaskDone | PointsFailed | WorkerLost | Stopping | Notice | Ended
Listener = Callable[[Event], None]
