"""The verb `verify`: whether a store can be trusted."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from sweep.cli.arguments import StoreArgument, store_place
from sweep.cli.console import say

if TYPE_CHECKING:
    from sweep.verification import Verdict


def verify(
    store: StoreArgument,
    everything: Annotated[bool, typer.Option("--all", help="Compute every point again and compare its bits.")] = False,
    repair: Annotated[
        bool, typer.Option("--repair", help="Take back what is damaged; the next launch redoes it.")
    ] = False,
) -> None:
    """Check that what the store calls done is there, whole, and comes out the same when it is computed again."""
    from sweep.api.stores import verify as look

    verdict = look(store_place(store), everything=everything, repair=repair)
    left = _left(verdict) if repair else len(verdict.findings)
    for line in _lines(verdict, store, repaired=repair):
        say(line)
    raise typer.Exit(1 if left else 0)


def _left(verdict: Verdict) -> int:
    """Return how many of the findings no repair can mend."""
    from sweep.verification import Remedy

    return sum(finding.remedy is Remedy.none for finding in verdict.findings)


def _lines(verdict: Verdict, place: str, *, repaired: bool) -> Iterator[str]:
    """Yield what was looked at, what was found, and what to do about it."""
    from sweep.errors import counted

    yield from verdict.looked.lines()
    yield from map(str, verdict.findings)
    if not verdict.findings:
        read, elsewhere = len(verdict.looked.only_read), sum(verdict.looked.elsewhere.values())
        rest = f", but {counted(read, 'stage')} only read" if read else ""
        rest += f", but {counted(elsewhere, 'point')} computed by another environment" if elsewhere else ""
        yield f"{place}: nothing wrong found{rest}."
    elif repaired:
        left = _left(verdict)
        kept = f" {counted(left, 'finding')} cannot be mended here." if left else ""
        yield f"Mended or taken back; `sweep launch` with the same grid computes again what was taken back.{kept}"
    else:
        way = f"`sweep verify {shlex.quote(place)} --repair` mends it, or takes it back for the next launch to compute"
        yield f"{counted(len(verdict.findings), 'finding')}; {way}."
