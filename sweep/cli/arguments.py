"""Arguments and options that several verbs have, and what they stand for."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sweep.cli.console import err

if TYPE_CHECKING:
    from sweep.grid.grid import Grid
    from sweep.store.store import Store

GridArgument = Annotated[Path, typer.Argument(metavar="GRID", help="The grid file; or a name of `sweep grids`.")]
StoreArgument = Annotated[str, typer.Argument(metavar="STORE", help="Path or URL of the store.")]
StoreOption = Annotated[
    str | None,
    typer.Option("--store", metavar="PATH_OR_URL", help="Where results go.", show_default="runs/NAME.zarr"),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Replace a value of the grid file: stages.ising.params.configurations=100."
    ),
]
AcceptOption = Annotated[
    bool,
    typer.Option(
        "--accept-code-change", help="Go on although a kernel's code differs from what made its results; recorded."
    ),
]


def load_grid(path: Path, overrides: list[str] | None) -> Grid:
    """Read a grid file; its notes go to stderr."""
    from sweep.grid import resolve
    from sweep.grid.shipped import find_grid

    path = find_grid(path)
    sys.path.append(str(path.absolute().parent))  # a kernel may stand beside the grid that names it
    grid = resolve.load_grid(path, overrides or ())
    for note in grid.notes:
        err.print(note, markup=False, highlight=False, soft_wrap=True)
    return grid


def open_store(place: str) -> Store:
    """Return the store at a path or URL, there or not."""
    from sweep.store.storage import Location
    from sweep.store.store import Store

    return Store(Location(place))
