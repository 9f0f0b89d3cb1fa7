"""What a plan predicts of what is left to do, and how that is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from rich.console import Group, RenderableType
from rich.text import Text

from sweep.display.amounts import duration, number
from sweep.display.consoles import Shown
from sweep.display.tables import columns
from sweep.planning.plan import Plan, StagePlan
from sweep.planning.template import BOOKS
from sweep.run.launch import done_in
from sweep.run.looking import soonest
from sweep.store.launches import measured_speeds
from sweep.store.storage import human_bytes
from sweep.store.store import Store


@dataclass(frozen=True)
class StageForecast:
    """What is predicted of a stage.

    Parameters
    ----------
    kernel : str
    axes : mapping of str to int
        Their lengths.
    points, left : int
        Points that the grid wants, and those that are not done.
    tasks : int
        About how many tasks those are.
    seconds : float
        Of one core that they take, as launches have measured or else as the kernel says.
    soonest : float
        Seconds until its end however many cores there are: its longest point, after those of what it reads.
    nbytes : int
        Of all results, before compression.
    files : int
        At most, with those that say what is done, by whom, and where to go on.
    """

    kernel: str
    axes: Mapping[str, int]
    points: int
    left: int
    tasks: int
    seconds: float
    soonest: float
    nbytes: int
    files: int


@dataclass(frozen=True)
class Forecast(Shown):
    """What is left to do of a grid.

    Parameters
    ----------
    stages : mapping of str to StageForecast
    cores : int
        That share the work.
    """

    stages: Mapping[str, StageForecast]
    cores: int

    @property
    def points(self) -> int:
        """Return how many points are left."""
        return sum(stage.left for stage in self.stages.values())

    @property
    def core_seconds(self) -> float:
        """Return the seconds of one core that they take."""
        return sum(stage.seconds for stage in self.stages.values())

    @property
    def seconds(self) -> float:
        """Return the seconds until the end: of all cores at work, or of the longest way through the stages."""
        return max([self.core_seconds / self.cores, *(stage.soonest for stage in self.stages.values())])

    def __rich__(self) -> RenderableType:
        table = columns("stage", "axes", ("points", "left", "tasks", "core time", "data", "files"))
        for name, stage in self.stages.items():
            axes = ", ".join(f"{axis} {length}" for axis, length in stage.axes.items())
            counts = (str(stage.points), str(stage.left), str(stage.tasks), duration(stage.seconds))
            what = f"{stage.kernel}: {axes}" if axes else stage.kernel
            table.add_row(name, what, *counts, human_bytes(stage.nbytes), str(stage.files))
        nbytes, files = (sum(getattr(s, name) for s in self.stages.values()) for name in ("nbytes", "files"))
        time = f"{duration(self.core_seconds)} of one core, {duration(self.seconds)} on {number(self.cores, 'core')}"
        left = f"{number(self.points, 'point')} left: {time}" if self.points else "nothing left to do"
        return Group(table, Text(f"{left}; the store: {human_bytes(nbytes)} before compression, at most {files} files"))


def forecast(plan: Plan, store: Store, cores: int) -> Forecast:
    """Return what is left to do of a plan, for so many cores; writes nothing.

    Parameters
    ----------
    plan : Plan
    store : Store
        Which may not be there yet, or not hold all of it.
    cores : int
    """
    done, speeds = done_in(plan, store), measured_speeds(store.location)
    left = {name: (stage.blocks > 0) & ~done[name] for name, stage in plan.stages.items()}
    seconds = {
        name: speeds.get(name, stage.factor) / stage.factor * stage.per_cell(stage.seconds * left[name])
        for name, stage in plan.stages.items()
    }
    reads = {name: {item.stage for item in stage.stage.inputs.values()} for name, stage in plan.stages.items()}
    ends = soonest({name: float(cells.max(initial=0.0)) for name, cells in seconds.items()}, reads)
    stages = {}
    for name, stage in plan.stages.items():
        work = (int(left[name].sum()), stage.tasks_of(left[name]), float(seconds[name].sum()), ends[name])
        axes = {axis: len(labels) for axis, labels in stage.stage.axes.items()}
        wanted = int((stage.blocks > 0).sum())
        stages[name] = StageForecast(stage.stage.kernel.name, axes, wanted, *work, *_results(stage))
    return Forecast(stages, cores)


def _results(stage: StagePlan) -> tuple[int, int]:
    """Return bytes and files; each cell has one file of every book, and of checkpoints where there is more to do."""
    most = stage.per_cell(stage.blocks, np.maximum)
    beside = len(BOOKS) * int((most > 0).sum()) + int((most > 1).sum())
    return sum(variable.nbytes for variable in stage.variables), beside + sum(v.files for v in stage.variables)
