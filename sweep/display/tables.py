"""Tables of stages: how far a launch or a store is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from sweep.display.amounts import duration, moment, rate
from sweep.display.consoles import Shown
from sweep.errors import counted
from sweep.run.events import Look, Pace, Progress
from sweep.run.status import Status

BAR = 16  # characters


def progress_table(stages: Mapping[str, tuple[Progress | None, Pace | None]], workers: int = 1) -> Table:
    """Return how far stages are, and how they are getting on.

    Parameters
    ----------
    stages : mapping of str to (Progress or None, Pace or None)
        No progress where that cannot be read, no pace where nobody is at work.
    workers : int
        Cores that share the work.
    """
    table = columns("stage", "", ("points done", "running", "failed", "rate", "left"))
    for name, (stage, pace) in stages.items():
        if stage is None:
            table.add_row(name, "", "?")
            continue
        done = stage.done + (pace.under_way if pace else 0.0)
        left = pace.seconds_left(workers) if pace and stage.done + stage.failed < stage.points else 0.0
        aside = f"{stage.failed}" + (f" (+{stage.waiting} wait)" if stage.waiting else "")
        table.add_row(
            name,
            ProgressBar(total=max(stage.points, 1), completed=done, width=BAR),
            f"{stage.done} of {stage.points}",
            str(pace.running) if pace and pace.running else "",
            aside if stage.failed or stage.waiting else "",
            rate(pace.rate, pace.unit) if pace else "",
            duration(left) if left else "",
        )
    return table


def totals(look: Look) -> Text:
    """Return in one line how far all stages are together, when the end is, and what is at work."""
    done = sum(stage.done for stage, _ in look.stages.values())
    points = sum(stage.points for stage, _ in look.stages.values())
    left = look.seconds_left
    end = f", about {duration(left)} left, until {moment(left)}" if done < points and left else ""
    return Text(f"{done} of {counted(points, 'point')}{end}; {look.cores} of {counted(look.workers, 'core')} at work")


def columns(first: str, second: str, numbers: Sequence[str]) -> Table:
    """Return an empty table of two columns of words and others of numbers."""
    table = Table(box=None, pad_edge=False)
    table.add_column(first, no_wrap=True)
    table.add_column(second)
    for heading in numbers:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


@dataclass(frozen=True)
class ShownStatus(Status, Shown):
    """How far a store is, as a table where it is printed."""

    def __rich__(self) -> RenderableType:
        return status_view(self)


def status_view(status: Status) -> RenderableType:
    """Return how far a store is, stage by stage, who is at work on it, and when the end is."""
    launcher = status.launcher
    who = f"{launcher.get('user', '?')} on {launcher['host']}, process {launcher['pid']}" if launcher else "nobody"
    stages = {name: (stage.progress, status.pace(name)) for name, stage in status.stages.items()}
    parts: list[RenderableType] = [
        Text(f"{status.name}: {status.place}; at work now: {who}"),
        progress_table(stages, status.look.workers if status.look else 1),
    ]
    return Group(*parts, totals(status.look)) if status.look else Group(*parts)
