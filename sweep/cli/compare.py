"""The verb `compare`: whether two stores hold the same."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sweep.cli.arguments import store_place
from sweep.cli.console import out, say
from sweep.errors import counted

if TYPE_CHECKING:
    from rich.table import Table

    from sweep.analysis.estimators.comparison import Compared, Comparison

MOST = 10.0  # standard errors beyond which the number says no more


def compare(
    first: Annotated[str, typer.Argument(metavar="A", help="Path or URL of a store; or the grid that was launched.")],
    second: Annotated[str, typer.Argument(metavar="B", help="The other one.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document, for programs.")] = False,
) -> None:
    """Say whether two stores hold the same, or which outputs differ and by how many standard errors.

    Exit status: 0 the same points and bits; 1 means differ by more than chance; 3 other bits or points, and no such
    difference.
    """
    from sweep.api.stores import compare as look

    found = look(store_place(first), store_place(second))
    if as_json:
        typer.echo(json.dumps(_as_json(found)))
    else:
        _show(found)
    raise typer.Exit(0 if found.identical else 1 if found.differing else 3)


def _show(found: Comparison) -> None:
    for name, stage in found.stages.items():
        points = (
            f"{counted(stage.both, 'point')} done in both, {stage.only_first} only in A, {stage.only_second} only in B"
        )
        say(f"{name}: {points}")
        for note in stage.notes:
            say(f"  {note}")
        if not found.judged(name):
            say(f"  reads other bits ({', '.join(stage.reads)}), which its errors do not hold: it is not judged")
    for whose, names in (("A", found.only_first), ("B", found.only_second)):
        if names:
            say(f"Only in {whose}: {', '.join(names)}")
    if found.identical:
        say("Identical: the same points, the same bits.")
        return
    out.print(_table(found))
    if found.differing:
        say(f"Different: {', '.join('/'.join(where) for where in found.differing)}")
    else:
        say("Not identical; no mean differs by more than chance.")


def _table(found: Comparison) -> Table:
    """Return a row for every output; those that are the same to the bit, too."""
    from sweep.display.tables import columns

    table = columns("output", "", ("points", "other bits", "differ by up to", "of", "by chance"))
    for name, stage in found.stages.items():
        for variable, numbers in stage.variables.items():
            words = _verdict(numbers, differs=(name, variable) in found.differing)
            errors = _errors(numbers, judged=found.judged(name))
            table.add_row(f"{name}/{variable}", words, str(numbers.points), str(numbers.other or ""), *errors)
    return table


def _verdict(numbers: Compared, *, differs: bool) -> str:
    if not numbers.points:
        return "not the same dimensions, or only in one"
    words = "differs" if differs else "other bits" if numbers.other else "the same bits"
    return words if numbers.whole else f"{words}, as far as both go"


def _errors(numbers: Compared, *, judged: bool) -> tuple[str, str, str]:
    if not numbers.means:
        return "no error bars" if numbers.other else "", "", ""
    largest = f"{numbers.largest:.1f} errors" if numbers.largest <= MOST else f"> {MOST:.0f} errors"
    return largest, str(numbers.means), f"{numbers.chance:.2g}" if judged else ""


def _as_json(found: Comparison) -> dict[str, Any]:
    """Return all numbers; null where there is none, and where a mean without scatter differs."""
    document = {"identical": found.identical, "differing": found.differing, **asdict(found)}
    for stage in document["stages"].values():
        for numbers in stage["variables"].values():
            numbers["largest"] = numbers["largest"] if math.isfinite(numbers["largest"]) else None
    return document
