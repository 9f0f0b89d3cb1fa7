"""What a person sees: a live display in a terminal, plain lines elsewhere, tables for the verbs that only tell."""

from __future__ import annotations

import time
from dataclasses import replace
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Task as Bar
from rich.table import Table
from rich.text import Text

from sweep.cli.ranges import in_ranges
from sweep.cli.status import Status
from sweep.plan.plan import Plan
from sweep.run.events import Event, Notice, PointsFailed, Started, Stopping, TaskDone, WorkerLost
from sweep.run.events import Progress as StageProgress
from sweep.store.storage import human_bytes

PLAIN_SECONDS = 10.0


class _Rate(ProgressColumn):
    def render(self, task: Bar) -> Text:
        return Text(f"{task.speed:.3g} points/s" if task.speed else "")


class LiveDisplay:
    """Bars that move: for every stage the points done, the rate and the time left. A listener of events."""

    def __init__(self, console: Console) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("points"), _Rate())
        self._progress = Progress(*columns, TimeRemainingColumn(elapsed_when_finished=True), console=console)
        self._bars: dict[str, TaskID] = {}

    def __enter__(self) -> LiveDisplay:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self._progress.stop()

    def __call__(self, event: Event) -> None:
        """Show an event."""
        match event:
            case Started(stages):
                for name, stage in stages.items():
                    self._bars[name] = self._progress.add_task(name, total=stage.points, completed=stage.done)
            case TaskDone(task, points):
                self._progress.advance(self._bars[task.stage], points)
            case _:
                self._progress.console.print(_line(event), markup=False, highlight=False)


class PlainDisplay:
    """Lines for logs and pipes: at most one in ten seconds for a stage, one at its end. A listener of events."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._stages: dict[str, StageProgress] = {}
        self._before: dict[str, int] = {}  # what was done when the launch began
        self._said: dict[str, float] = {}
        self._begun = time.monotonic()

    def __enter__(self) -> PlainDisplay:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        pass

    def __call__(self, event: Event) -> None:
        """Show an event."""
        match event:
            case Started(stages):
                self._stages, self._begun = dict(stages), time.monotonic()
                self._before = {name: stage.done for name, stage in stages.items()}
            case TaskDone(task, points):
                stage = self._stages[task.stage]
                self._stages[task.stage] = replace(stage, done=stage.done + points)
                self._say(task.stage)
            case _:
                self._console.print(_line(event), markup=False, highlight=False, soft_wrap=True)

    def _say(self, name: str) -> None:
        stage, now = self._stages[name], time.monotonic()
        if stage.done < stage.points and now - self._said.get(name, self._begun) < PLAIN_SECONDS:
            return
        self._said[name] = now
        rate = (stage.done - self._before[name]) / max(now - self._begun, 1e-9)
        left = f", {_duration((stage.points - stage.done) / rate)} left" if rate and stage.done < stage.points else ""
        self._console.print(
            f"{name}: {stage.done} of {stage.points} points, {rate:.3g} points/s{left}", highlight=False, soft_wrap=True
        )


def _line(event: Event) -> str:
    match event:
        case PointsFailed(stage, points, reason, attempts, final):
            fate = "set aside" if final else "to be tried again"
            return f"{stage} at {in_ranges(points)} failed (attempt {attempts}, {fate}): {reason}"
        case WorkerLost(reason):
            return f"a worker died and is replaced: {reason}"
        case Notice(text):
            return text
        case Stopping(reason):
            return f"stopping ({reason}): running tasks commit what they have (Ctrl-C leaves at once)"
        case _:
            return str(event)


def plan_table(plan: Plan) -> Table:
    """Return what a plan predicts, stage by stage."""
    table = Table(
        title=f"{plan.grid.name}: the plan", caption="bytes before compression; core time as kernels predict it"
    )
    for heading in ("stage", "kernel", "axes", "points", "tasks", "core time", "data", "files"):
        table.add_column(heading, justify="left" if heading in ("stage", "kernel", "axes") else "right")
    for name, stage in plan.stages.items():
        axes = ", ".join(f"{axis} {len(labels)}" for axis, labels in stage.stage.axes.items())
        table.add_row(
            name,
            stage.stage.kernel.name,
            axes,
            str(int((stage.blocks > 0).sum())),
            str(stage.tasks),
            _duration(float(stage.seconds.sum())),
            human_bytes(sum(variable.nbytes for variable in stage.variables)),
            str(sum(variable.files for variable in stage.variables)),
        )
    seconds = sum(float(stage.seconds.sum()) for stage in plan.stages.values())
    size = sum(variable.nbytes for stage in plan.stages.values() for variable in stage.variables)
    files = sum(variable.files for stage in plan.stages.values() for variable in stage.variables)
    table.add_section()
    table.add_row("total", "", "", "", "", f"{seconds / 3600:.3g} core-hours", human_bytes(size), str(files))
    return table


def status_table(status: Status) -> Table:
    """Return how far a store is, stage by stage."""
    launcher = status.launcher
    who = f"{launcher.get('user', '?')} on {launcher['host']}, process {launcher['pid']}" if launcher else "nobody"
    table = Table(title=f"{status.name}: {status.place}", caption=f"at work now: {who}")
    for heading in ("stage", "kernel", "done", "points", "begun", "failed", "rate", "left"):
        table.add_column(heading, justify="left" if heading in ("stage", "kernel") else "right")
    for name, stage in status.stages.items():
        rate = f"{stage.rate:.3g}/s" if stage.rate else ""
        left = _duration(stage.seconds_left) if stage.seconds_left else ""
        counts = (stage.done, stage.points, stage.begun, stage.failed)
        table.add_row(name, stage.kernel, *("?" if n is None else str(n) for n in counts), rate, left)
    return table


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.3g} s"
    if seconds < 3600:
        return f"{int(seconds) // 60} min {int(seconds) % 60:02d} s"
    return f"{seconds / 3600:.3g} h"
