"""The verbs that only tell what there is: kernels, grids, the form of a grid file."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console

from sweep.errors import Problem, SweepError, did_you_mean


def kernels() -> None:
    """List the kernels with a short name, their parameters, units and outputs."""
    from rich.table import Table

    from sweep.grid.parameters import describe
    from sweep.grid.registry import find_kernel, short_names

    for name, reference in sorted(short_names().items()):
        kernel = find_kernel(name)
        table = Table(
            title=f"{name} ({reference}, version {kernel.version})", title_justify="left", caption_justify="left"
        )
        table.caption = f"{kernel.description.rstrip('.')}. Reads: {', '.join(kernel.inputs) or 'nothing'}."
        for heading in ("parameter", "type, default", "units", "meaning"):
            table.add_column(heading)
        for row in describe(kernel.params):
            table.add_row(*row)
        Console().print(table)


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
