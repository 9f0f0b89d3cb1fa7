"""What verbs say beside their tables, line by line."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from sweep.display.ranges import in_ranges
from sweep.errors import brief, counted
from sweep.run.driver import Summary
from sweep.run.failure import common_reason
from sweep.run.status import Status
from sweep.run.stopping import INTERRUPTED
from sweep.store.failures import Failure
from sweep.store.launches import command_of, commits_of

MOST = 20  # kinds of failure that are told


def interruption(line: str) -> str:
    """Return in words that a launch was interrupted, by the command that launched."""
    return f"Interrupted; what is done is kept. To go on:\n  {line}"


def conclusion(summary: Summary, place: str, line: str) -> tuple[str, int]:
    """Return in words how a launch ended and what to do next, and its exit status.

    Parameters
    ----------
    summary : Summary
    place : str
        Of the store.
    line : str
        The command that launched.
    """
    if summary.interrupted and not summary.complete:
        return interruption(line), INTERRUPTED
    if summary.vanished:
        what = "cell was filled, and its results are", "cells were filled, and their results are"
        lost = f"{counted(summary.vanished, *what)} not in the store any more"
        return f"{lost}: does another program write there? The same line computes them again:\n  {line}", 1
    if not summary.complete:
        failed = counted(summary.failed, "point failed and was set aside", "points failed and were set aside")
        them = "it" if summary.failed == 1 else "them"
        wait = f", and {counted(summary.waiting, 'point waits', 'points wait')} for {them}" if summary.waiting else ""
        rest = counted(summary.done, "is done", "are done") if summary.finished else "the launch stopped there"
        return f"{failed}{wait}; {rest}. Why: sweep status {shlex.quote(place)}", 1
    return f"All done: {place}\nLook at it: sweep report {shlex.quote(place)}", 0


def status_lines(status: Status, *, launches: bool) -> Iterator[str]:
    """Yield what the table of a store's status has no room for: what cannot be read, launches, failures."""
    for name, stage in status.stages.items():
        if stage.problem is not None:
            way = f"`sweep verify {shlex.quote(status.place)} --repair` and a launch mend it"
            yield f"{name}: how far it is cannot be read ({stage.problem}); {way}"
    if launches:
        yield from launch_lines(status)
    yield from failure_lines(status)
    if status.launcher is None:
        yield outlook(status)


def outlook(status: Status) -> str:
    """Return how it stands with a store that nobody works on, and what to do next."""
    if status.satisfied and status.left:
        rest = counted(
            status.left, "point that only an earlier grid asked for is", "points that only earlier grids asked for are"
        )
        return f"All done that the latest grid asks for; {rest} not done."
    if status.complete:
        return f"All done. Look at it: sweep report {shlex.quote(status.place)}"
    failed = sum(stage.failed for stage in status.stages.values())
    of_them = f", {failed} of them failed" if failed else ""
    left = counted(status.left, "point is left", "points are left")
    return f"Nobody is at work: {left}{of_them}; `sweep launch` with the same grid goes on."


def failure_lines(status: Status) -> Iterator[str]:
    """Yield which points were set aside and why, those of one kind together, with one traceback for each kind."""
    groups: dict[tuple[str, str, int], list[Failure]] = {}
    for failure in status.failures:
        groups.setdefault((failure.stage, failure.kind or failure.reason, failure.attempts), []).append(failure)
    for (stage, _, attempts), group in list(groups.items())[:MOST]:
        why = common_reason([failure.reason for failure in group])
        yield f"\n{stage} at {in_ranges([failure.labels for failure in group])}, {counted(attempts, 'attempt')}: {why}"
        params = status.stages[stage].params if stage in status.stages else {}
        if params:
            yield f"with {', '.join(f'{name} {brief(value)}' for name, value in params.items())}"
        if group[0].trace:
            yield group[0].trace.rstrip()
    if len(groups) > MOST:
        yield f"\n... and {counted(len(groups) - MOST, 'kind')} more: `sweep status --json` has all"


def launch_lines(status: Status) -> Iterator[str]:
    """Yield the log of launches, one line for each."""
    for number, launch in status.launches.items():
        if launch is None:
            yield f"{number}  damaged: `sweep verify {shlex.quote(status.place)} --repair` removes the entry"
            continue
        facts = [
            f"{launch['time']} to {launch.get('ended', '?')}",
            f"{launch['user']} on {launch['machine']}",
            f"sweep-rg {launch['packages']['sweep-rg']}, python {launch['host']['python']}",
            *commits_of(launch),
            shlex.join(command_of(launch)),
        ]
        yield f"{number}  " + "; ".join(facts)
