"""The verbs that only tell what there is: kernels, grids, the form of a grid file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from sweep.cli.console import out
from sweep.errors import Problem, SweepError, did_you_mean

if TYPE_CHECKING:
    from sweep.kernels.contract import Kernel


def _names(incomplete: str) -> list[str]:
    from sweep.grid.registry import short_names

    return [name for name in sorted(short_names()) if name.startswith(incomplete)]


def kernels(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME", help="Only this one, or any MODULE:KERNEL, with its outputs.", autocompletion=_names
        ),
    ] = None,
) -> None:
    """List the kernels with a short name, their parameters and units; of one of them the outputs, too."""
    from sweep.grid.registry import find_kernel, short_names

    for each in [name] if name else sorted(short_names()):
        try:
            kernel = find_kernel(each)
        except ValueError as error:
            raise SweepError(Problem(each, str(error))) from error
        reference = short_names().get(each, each)
        out.print(_parameters(kernel, f"{each} ({reference}, version {kernel.version})"))
    if name:
        out.print(_outputs(kernel))


def _parameters(kernel: Kernel[Any], title: str) -> Table:
    from sweep.grid.parameters import describe

    table = _table(title, ("parameter", "type, default", "units", "meaning"))
    table.caption = f"{kernel.description.rstrip('.')}. Reads: {', '.join(kernel.inputs) or 'nothing'}."
    for row in describe(kernel):
        table.add_row(*row)
    return table


def _outputs(kernel: Kernel[Any]) -> Table | str:
    """Return the outputs at the kernel's own example; where it has none, their shapes cannot be told."""
    if kernel.example is None:
        return "Its outputs cannot be shown: the kernel has no example."
    table = _table(
        "outputs, with the lengths of the kernel's own example", ("output", "dimensions", "type", "units", "meaning")
    )
    for name, output in kernel.outputs(kernel.example).items():
        dims = ", ".join(f"{dim} {length}" for dim, length in zip(output.dims, output.shape, strict=True))
        table.add_row(name, dims or "one number", output.dtype, output.units, output.description)
    return table


def _table(title: str, headings: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", caption_justify="left")
    for heading in headings:
        table.add_column(heading)
    return table


def grids(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Print this grid, to make one's own from.")] = None,
) -> None:
    """List the grids that come with the program, for `sweep launch NAME`; print one of them."""
    from sweep.grid.shipped import shipped_grids

    there = shipped_grids()
    if name is None:
        for each, path in there.items():
            typer.echo(f"{each}  {path}")
    elif name in there:
        typer.echo(there[name].read_text(encoding="utf-8"), nl=False)
    else:
        raise SweepError(Problem(name, f"no grid of this name comes with sweep; {did_you_mean(name, there)}"))


def schema() -> None:
    """Print the JSON Schema of the grid file, for editors."""
    from sweep.grid.form import GridForm

    typer.echo(json.dumps(GridForm.model_json_schema(), indent=2))
