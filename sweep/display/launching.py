"""What a person sees of a launch: a table that moves in a terminal, plain lines elsewhere."""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live

from sweep.display.amounts import duration, moment, rate
from sweep.display.consoles import html_of, plain_console
from sweep.display.ranges import in_ranges
from sweep.display.tables import progress_table, totals
from sweep.errors import counted
from sweep.run.events import (
    Ended,
    Event,
    Listener,
    Look,
    Notice,
    Pace,
    PointsFailed,
    Progress,
    Started,
    Stopping,
    TaskDone,
    WorkerLost,
)
from sweep.run.stream import line_of as json_line

PLAIN_SECONDS = 10.0
JSON_SECONDS = 2.0
NOTEBOOK_SECONDS = 1.0


class LiveDisplay:
    """A table that moves every second: for every stage the points, the rate and the time left. A listener of events."""

    def __init__(self, console: Console) -> None:
        self._look: Callable[[], Look] | None = None
        self._live = Live(console=console, get_renderable=self._table, refresh_per_second=1)

    def __enter__(self) -> LiveDisplay:
        self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self._live.stop()

    def __call__(self, event: Event) -> None:
        """Show an event."""
        match event:
            case Started(_, _, look):
                self._look = look
            case TaskDone() | Ended():
                pass  # the table tells
            case _:
                self._live.console.print(line_of(event))

    def _table(self) -> RenderableType:
        return "" if self._look is None else view_of(self._look())


class _Teller:
    """Prints lines, those of events and, now and then, how the launch is getting on."""

    def __init__(self, console: Console, seconds: float) -> None:
        self._console, self._seconds = console, seconds
        self._look: Callable[[], Look] | None = None
        self._ended, self._speaking = threading.Event(), threading.RLock()
        self._thread = threading.Thread(target=self._keep_telling, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()

    def _keep_telling(self) -> None:
        while not self._ended.wait(self._seconds):
            with self._speaking:
                if self._look is not None:
                    self._tell(self._look())

    def _tell(self, look: Look) -> None:
        """Say how the launch is getting on; nothing where nobody asks."""

    def _print(self, text: str) -> None:
        with self._speaking:
            self._console.print(text, soft_wrap=True)


class PlainDisplay(_Teller):
    """Lines for logs and pipes: one in ten seconds for a stage at work, one at its end. A listener of events."""

    def __init__(self, console: Console) -> None:
        super().__init__(console, PLAIN_SECONDS)
        self._said: Mapping[str, Progress] = {}

    def __call__(self, event: Event) -> None:
        """Show an event."""
        match event:
            case Started(stages, _, look):
                self._said, self._look = stages, look
            case TaskDone(task):
                self._tell_ends(task.stage)
            case Ended():
                pass
            case _:
                self._print(line_of(event))

    def _tell(self, look: Look) -> None:
        for name, (stage, pace) in look.stages.items():
            if stage.done < stage.points and (pace.running or stage != self._said[name]):
                self._say(name, stage, pace, look.workers)

    def _tell_ends(self, name: str) -> None:
        """Say that a stage is complete when its last task has ended."""
        look = self._look() if self._look else Look({}, 0, 0)
        stage, pace = look.stages[name]
        if stage.done == stage.points and stage != self._said[name]:
            self._say(name, stage, pace, look.workers)

    def _say(self, name: str, stage: Progress, pace: Pace, workers: int) -> None:
        self._said = {**self._said, name: stage}
        self._print(_progress_line(name, stage, pace, workers))


class JsonDisplay(_Teller):
    """Every event as a line of JSON and, every two seconds, how the launch is getting on. A listener of events."""

    def __init__(self, console: Console) -> None:
        super().__init__(console, JSON_SECONDS)

    def __call__(self, event: Event) -> None:
        """Print an event."""
        with self._speaking:
            if isinstance(event, Started | Ended):
                self._look = event.look if isinstance(event, Started) else None  # the end is the last word
            self._print(json_line(event))

    def _tell(self, look: Look) -> None:
        self._print(json_line(look))


class NotebookDisplay(_Teller):
    """A table below the cell that moves every second, and words above it. A listener of events."""

    def __init__(self) -> None:
        super().__init__(plain_console(), NOTEBOOK_SECONDS)
        self._cell: Any = None

    def __call__(self, event: Event) -> None:
        """Show an event."""
        match event:
            case Started(_, _, look):
                self._look = look
                self._cell = ipython_display().display(self._drawn(look()), display_id=True)
            case Ended() if self._look:
                self._tell(self._look())
            case TaskDone() | Ended():
                pass  # the table tells
            case _:
                print(line_of(event))

    def _tell(self, look: Look) -> None:
        self._cell.update(self._drawn(look))

    def _drawn(self, look: Look) -> Any:
        return ipython_display().HTML(html_of(view_of(look)))


def view_of(look: Look) -> RenderableType:
    """Return how a launch is getting on."""
    return Group(progress_table(look.stages, look.workers), totals(look))


def ipython_display() -> Any:
    """Return what a notebook is drawn with."""
    return importlib.import_module("IPython.display")


def in_notebook() -> bool:
    """Return whether this is the kernel of a notebook."""
    shell = sys.modules.get("IPython")
    return shell is not None and "ipykernel" in sys.modules and shell.get_ipython() is not None


def shown(progress: bool | None) -> LiveDisplay | PlainDisplay | NotebookDisplay | None:
    """Return what shows a launch of a session, None where nobody would see it and it is not asked for."""
    if progress is False:
        return None
    if in_notebook():
        return NotebookDisplay()
    console = plain_console()
    if console.is_terminal:
        return LiveDisplay(console)
    return PlainDisplay(console) if progress else None


def together(listeners: Sequence[Listener]) -> Listener:
    """Return a listener that tells several, one after the other."""

    def tell(event: Event) -> None:
        for listener in listeners:
            listener(event)

    return tell


class QuietDisplay(_Teller):
    """Only what goes wrong. A listener of events."""

    def __init__(self, console: Console) -> None:
        super().__init__(console, PLAIN_SECONDS)

    def __call__(self, event: Event) -> None:
        """Show an event that is a loss."""
        if isinstance(event, PointsFailed | WorkerLost):
            self._print(line_of(event))


def display_for(
    console: Console, *, as_json: bool = False, quiet: bool = False
) -> LiveDisplay | PlainDisplay | QuietDisplay | JsonDisplay:
    """Return what shows a launch there."""
    if as_json:
        return JsonDisplay(console)
    if quiet:
        return QuietDisplay(console)
    return LiveDisplay(console) if console.is_terminal else PlainDisplay(console)


def _progress_line(name: str, stage: Progress, pace: Pace, workers: int) -> str:
    parts = [f"{stage.done} of {counted(stage.points, 'point')}"]
    if pace.under_way:
        more = f"{pace.under_way:.2g}" if pace.under_way < 10 else f"{pace.under_way:.0f}"
        parts.append(f"{more} more in {counted(pace.running, 'task')} under way")
    if pace.rate:
        parts.append(rate(pace.rate, pace.unit))
    left = pace.seconds_left(workers)
    if stage.done < stage.points and left:
        parts.append(f"{duration(left)} left, until {moment(left)}")
    return f"{name}: {', '.join(parts)}"


def _printed(log: str) -> str:
    return f" (it printed: {log})" if log else ""


def line_of(event: Event) -> str:
    """Return an event in words."""
    match event:
        case PointsFailed(stage, points, reason, attempts, final, log):
            fate = "set aside" if final else "to be tried again"
            return f"{stage} at {in_ranges(points)} failed (attempt {attempts}, {fate}): {reason}{_printed(log)}"
        case WorkerLost(reason, node, log):
            what = "a worker was lost, its work is done elsewhere" if node else "a worker died and is replaced"
            return f"{what}: {reason}{_printed(log)}"
        case Notice(text):
            return text
        case Stopping(reason):
            return f"stopping ({reason}): running tasks commit what they have (Ctrl-C leaves at once)"
        case _:
            return str(event)
