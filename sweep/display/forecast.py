"""What a plan predicts of what is left to do, and how that is shown."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np
import numpy.typing as npt
from rich.console import Group, RenderableType
from rich.text import Text

from sweep.display.amounts import duration
from sweep.display.consoles import Shown
from sweep.display.tables import columns
from sweep.errors import counted
from sweep.planning.plan import Plan, StagePlan
from sweep.planning.template import stage_fields
from sweep.run.launch import progress_in
from sweep.run.looking import soonest
from sweep.store.launches import measured
from sweep.store.storage import human_bytes
from sweep.store.store import Store

OF_THE_STORE = 8  # its root twice, when it was made, its lease and epoch; what computed points; a launch, its tasks


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
        At most, with those that say what is there, what is done, by whom, and where to go on.
    memory : float
        Bytes that a worker was seen to have at most; 0 where no launch has seen it.
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
    memory: float = 0.0


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
    def files(self) -> int:
        """Return how many files the store has in the end, at most."""
        return OF_THE_STORE + sum(stage.files for stage in self.stages.values())

    @property
    def core_seconds(self) -> float:
        """Return the seconds of one core that they take."""
        return sum(stage.seconds for stage in self.stages.values())

    @property
    def seconds(self) -> float:
        """Return the seconds until the end: of all cores at work, or of the longest way through the stages."""
        return max([self.core_seconds / self.cores, *(stage.soonest for stage in self.stages.values())])

    def __rich__(self) -> RenderableType:
        seen = any(stage.memory for stage in self.stages.values())
        numbers = ("points", "left", "tasks", "core time", *(["memory"] if seen else []), "data", "files")
        table = columns("stage", "axes", numbers)
        for name, stage in self.stages.items():
            axes = ", ".join(f"{axis} {length}" for axis, length in stage.axes.items())
            counts = [str(stage.points), str(stage.left), str(stage.tasks), duration(stage.seconds)]
            counts += [human_bytes(stage.memory) if stage.memory else ""] if seen else []
            what = f"{stage.kernel}: {axes}" if axes else stage.kernel
            table.add_row(name, what, *counts, human_bytes(stage.nbytes), str(stage.files))
        nbytes = sum(stage.nbytes for stage in self.stages.values())
        time = f"{duration(self.core_seconds)} of one core, {duration(self.seconds)} on {counted(self.cores, 'core')}"
        left = f"{counted(self.points, 'point')} left: {time}" if self.points else "nothing left to do"
        size = f"{human_bytes(nbytes)} before compression, at most {counted(self.files, 'file')}"
        return Group(table, Text(f"{left}; the store: {size}"))


def forecast(plan: Plan, store: Store, cores: int) -> Forecast:
    """Return what is left to do of a plan, for so many cores; writes nothing.

    Parameters
    ----------
    plan : Plan
    store : Store
        Which may not be there yet, or not hold all of it.
    cores : int
    """
    there, (speeds, memory) = progress_in(plan, store), measured(store.location)
    left = {name: (stage.blocks > 0) & ~there[name][0] for name, stage in plan.stages.items()}
    seconds = {
        name: speeds.get(name, stage.factor) / stage.factor * stage.per_cell(_seconds_left(stage, *there[name]))
        for name, stage in plan.stages.items()
    }
    reads = {name: {item.stage for item in stage.stage.inputs.values()} for name, stage in plan.stages.items()}
    ends = soonest({name: float(cells.max(initial=0.0)) for name, cells in seconds.items()}, reads)
    stages = {}
    for name, stage in plan.stages.items():
        work = (int(left[name].sum()), stage.tasks_of(left[name]), float(seconds[name].sum()), ends[name])
        axes = {axis: len(labels) for axis, labels in stage.stage.axes.items()}
        wanted = int((stage.blocks > 0).sum())
        kernel, most = stage.stage.kernel.name, memory.get(name, 0.0)
        stages[name] = StageForecast(kernel, axes, wanted, *work, *_results(stage), most)
    return Forecast(stages, cores)


def _seconds_left(
    stage: StagePlan, done: npt.NDArray[np.bool_], blocks: npt.NDArray[np.int32]
) -> npt.NDArray[np.float64]:
    """Return the seconds that the kernel predicts of the blocks of each point that are not there."""
    share = np.minimum(blocks, stage.blocks) / np.maximum(stage.blocks, 1)
    return stage.seconds * ~done * (1 - share)


def _results(stage: StagePlan) -> tuple[int, int]:
    """Return bytes and files: chunks and a document of every array, one of every node, a cell's checkpoints."""
    nodes = stage_fields(stage)
    arrays = [item for _, items in nodes.values() for item in items]
    chunks = sum(math.prod(map(_parts, item.shape, item.chunks)) for item in arrays)
    groups = {str(path) for node in nodes for path in (PurePath(node), *PurePath(node).parents)} - {"."}
    states = int((stage.per_cell(stage.blocks, np.maximum) > 1).sum())
    return sum(variable.nbytes for variable in stage.variables), chunks + len(arrays) + len(groups) + states


def _parts(length: int, chunk: int) -> int:
    return math.ceil(length / max(chunk, 1))
