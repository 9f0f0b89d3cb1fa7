"""Arguments and options that several verbs have, and what they stand for."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sweep.cli.console import err
from sweep.errors import Problem, SweepError

if TYPE_CHECKING:
    from sweep.grid.grid import Grid
    from sweep.store.store import Store


def _grids(incomplete: str) -> list[str]:
    """Return the shipped grids and the grid files here that a word may become; of nothing the shell makes a path."""
    from sweep.grid.shipped import shipped_grids

    names = [name for name in shipped_grids() if name.startswith(incomplete)]
    return names and [*names, *(path.name for path in sorted(Path().glob(f"{incomplete}*.y*ml")))]


GridArgument = Annotated[
    Path,
    typer.Argument(
        metavar="GRID",
        help="The grid file; a name of `sweep grids`; or a store, for its own grid.",
        autocompletion=_grids,
    ),
]
StoreArgument = Annotated[
    str, typer.Argument(metavar="STORE", help="Path or URL of the store; or the grid that was launched.")
]
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
    """Read a grid file, or the grid that a store keeps; its notes go to stderr."""
    from sweep.grid import load
    from sweep.grid.shipped import find_grid

    if path.is_dir():
        return _of_store(path, overrides)
    path = find_grid(path)
    sys.path.append(str(path.absolute().parent))  # a kernel may stand beside the grid that names it
    grid = load.load_grid(path, overrides or ())
    for note in grid.notes:
        err.print(note, soft_wrap=True)
    return grid


def _of_store(path: Path, overrides: list[str] | None) -> Grid:
    """Return the grid that a store was launched with last."""
    from sweep.grid.file import with_overrides
    from sweep.grid.resolve import resolve
    from sweep.store.store import required_manifest

    text = required_manifest(open_store(str(path)))["grid"]
    document, text = with_overrides(text, str(path), overrides or ())
    return resolve(document, text, str(path), of_store=True)


def store_place(place: str) -> str:
    """Return where the store is that is meant: of a grid file, the one that it is launched to by default."""
    from sweep.store.storage import place_of

    if Path(place).suffix not in (".yaml", ".yml") or not Path(place).is_file():
        return place
    there = place_of(None, load_grid(Path(place), None).name)
    if not Path(there).exists():
        raise SweepError(Problem(place, f"is a grid; wanted a store, and there is none at {there}"))
    return there


def place_for(store: str | None, grid: Path) -> str | None:
    """Return where a grid is launched to: what `--store` says, or the store whose own grid it is."""
    return str(grid) if store is None and grid.is_dir() else store


def open_store(place: str) -> Store:
    """Return the store at a path or URL, there or not."""
    from sweep.store.storage import Location
    from sweep.store.store import Store

    return Store(Location(store_place(place)))
