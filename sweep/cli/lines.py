"""What verbs say beside their tables, line by line."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from sweep.cli.status import Status
from sweep.verify import Remedy, Verdict


def status_lines(status: Status, *, launches: bool) -> Iterator[str]:
    """Yield what the table of a store's status has no room for: what cannot be read, launches, failures."""
    for name, stage in status.stages.items():
        if stage.problem is not None:
            way = f"`sweep verify {shlex.quote(status.place)} --repair` and a launch mend it"
            yield f"{name}: how far it is cannot be read ({stage.problem}); {way}"
    if launches:
        yield from launch_lines(status)
    for failure in status.failures:
        yield f"\n{failure['stage']} at {failure['labels']}, {failure['attempts']} attempts:\n{failure['error']}"


def launch_lines(status: Status) -> Iterator[str]:
    """Yield the log of launches, one line for each."""
    for number, launch in status.launches.items():
        if launch is None:
            yield f"{number}  damaged: `sweep verify {shlex.quote(status.place)} --repair` removes the entry"
            continue
        marks = {f"git {item['commit'][:10]}{' (edited)' if item['dirty'] else ''}" for item in launch["git"]}
        facts = [
            f"{launch['time']} to {launch.get('ended', '?')}",
            f"{launch['user']} on {launch['machine']}",
            f"sweep-rg {launch['packages']['sweep-rg']}, python {launch['host']['python']}",
            *sorted(marks),
            shlex.join([Path(launch["command"][0]).name, *launch["command"][1:]]),
        ]
        yield f"{number}  " + "; ".join(facts)


def verdict_lines(verdict: Verdict, place: str, *, repaired: bool) -> Iterator[str]:
    """Yield what was looked at, what was found, and what to do about it."""
    yield from verdict.looked.lines()
    yield from map(str, verdict.findings)
    if not verdict.findings:
        rest = f", but {len(verdict.looked.only_read)} stages were only read" if verdict.looked.only_read else ""
        yield f"{place}: nothing wrong found{rest}."
    elif repaired:
        left = sum(finding.remedy is Remedy.none for finding in verdict.findings)
        kept = f" {left} of the findings cannot be mended here." if left else ""
        yield f"Mended or taken back; `sweep launch` with the same grid computes again what was taken back.{kept}"
    else:
        way = f"`sweep verify {shlex.quote(place)} --repair` mends it, or takes it back for the next launch to compute"
        yield f"{len(verdict.findings)} findings; {way}."
