"""The verb `rerun`: one point again in this process, for debugging."""

from __future__ import annotations

import pdb
import traceback
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sweep.cli.arguments import StoreArgument, store_place
from sweep.cli.console import out, say
from sweep.errors import Problem, SweepError, counted

if TYPE_CHECKING:
    from sweep.verification.rerun import Rerun


def rerun(
    store: StoreArgument,
    stage: Annotated[str, typer.Option("--stage", metavar="S", help="The stage.")],
    at: Annotated[
        list[str] | None,
        typer.Option("--at", metavar="AXIS=LABEL", help="The point; an axis of one label may be left out."),
    ] = None,
    debug: Annotated[bool, typer.Option("--pdb", help="Go into the debugger where the kernel raises.")] = False,
) -> None:
    """Compute one point again in this process, with its own random numbers, inputs and checkpoint; write nothing.

    Exit status: 0 its bits are those of the store, or it is not done there; 1 they are not, or the kernel raised.
    """
    from sweep.api.stores import rerun as compute

    try:
        found = compute(store_place(store), stage, dict(map(_label, at or ())))
    except SweepError:
        raise
    except Exception as error:  # noqa: BLE001 - the kernel's, of any kind
        traceback.print_exception(error)
        if debug:
            pdb.post_mortem(error.__traceback__)
        raise typer.Exit(1) from None
    _show(found)
    raise typer.Exit(0 if all(found.same.values()) else 1)


def _label(word: str) -> tuple[str, Any]:
    from sweep.grid.yaml_text import parse_yaml

    axis, equals, label = word.partition("=")
    if not equals:
        raise SweepError(Problem(f"--at {word}", "wanted AXIS=LABEL, such as temperature=2.2"))
    return axis.strip(), parse_yaml(label, f"--at {word}")


def _show(found: Rerun) -> None:
    from sweep.display.amounts import duration
    from sweep.display.tables import columns

    point = ", ".join(f"{axis} {label}" for axis, label in found.point.items())
    blocks = f"blocks {found.first + 1} to {found.blocks}" if found.first else counted(found.blocks, "block")
    say(f"{found.stage} at {point or 'its only point'}: {blocks} in {duration(found.seconds)}")
    table = columns("output", "type and shape", ("mean", "in the store"))
    for name, values in found.outputs.items():
        mean = f"{values.mean():.6g}" if values.size and values.dtype.kind in "fiub" else ""
        kept = {True: "the same bits", False: "OTHER BITS"}.get(found.same.get(name), "not done")  # type: ignore[arg-type]
        table.add_row(name, f"{values.dtype} {values.shape}", mean, kept)
    out.print(table)
