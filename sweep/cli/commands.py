"""The `sweep` command.

Each verb imports what it needs when it runs, so that ``sweep --help`` does not wait for Ray and numba.
"""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

import sweep
from sweep.cli.arguments import StoreArgument, open_store, store_place
from sweep.cli.compare import compare
from sweep.cli.console import FOLLOW_SECONDS, out, say
from sweep.cli.launch import launch, plan
from sweep.cli.listings import grids, kernels, schema
from sweep.cli.main import main
from sweep.cli.rerun import rerun
from sweep.cli.unlock import unlock
from sweep.cli.verify import verify
from sweep.errors import Problem, SweepError

__all__ = ["app", "main"]

LONELY_SECONDS = 4.0  # between two launches say; and one that was just begun takes the store when Ray is up
SIDE_BY_SIDE = 4  # exhibits of a report: some take much longer than others, and each process has memory of its own

app = typer.Typer(
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Run a kernel (a Monte Carlo model, a training) at every point of a grid, on all cores or a whole cluster. "
    "Results are labelled xarray datasets in one Zarr store; an interrupted sweep goes on where it was.",
)


def _tell_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"sweep {sweep.__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_tell_version, help="Show the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error, at any place.")] = False,
) -> None:
    sys.path.extend(path for path in (os.getcwd(),) if path not in sys.path)


def status(
    store: StoreArgument,
    follow: Annotated[
        bool, typer.Option("--follow", help="Show it again every two seconds, until nobody is at work.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document, for programs.")] = False,
    launches: Annotated[
        bool, typer.Option("--launches", help="Show who launched what, when and with which code.")
    ] = False,
) -> None:
    """Show how far a store is, who is at work on it, and what failed. Works while a launch runs."""
    from rich.live import Live

    from sweep.api.stores import status as look
    from sweep.cli.lines import status_lines
    from sweep.display.tables import status_view
    from sweep.run.status import Status

    in_place = Live(console=out, auto_refresh=False) if follow and out.is_terminal and not as_json else None

    def show(found: Status) -> None:
        if as_json:
            typer.echo(json.dumps(found.as_json()))
        elif in_place:
            in_place.update(status_view(found), refresh=True)
        else:
            out.print(status_view(found))

    with in_place or nullcontext():
        show(found := look(store_place(store)))
        seen = time.monotonic()
        while follow and not found.complete and time.monotonic() - seen < LONELY_SECONDS:
            time.sleep(FOLLOW_SECONDS)
            show(found := look(store_place(store)))
            seen = time.monotonic() if found.launcher else seen
    for line in () if as_json else status_lines(found, launches=launches):
        say(line)


def report(
    store: StoreArgument,
    folder: Annotated[
        Path | None, typer.Option("--out", metavar="FOLDER", help="Where it goes.", show_default="STORE with .report")
    ] = None,
) -> None:
    """Write figures (PNG, PDF), the numbers behind them (CSV) and a page, index.html, that shows them."""
    from rich.progress import Progress

    from sweep.api.stores import report as write
    from sweep.cli.console import err
    from sweep.run.cores import usable_cores

    with Progress(console=err, transient=True, disable=not err.is_terminal) as bar:
        exhibits = bar.add_task("Exhibits", total=None)
        page = write(
            store_place(store),
            folder,
            progress=lambda done, total: bar.update(exhibits, completed=done, total=total),
            processes=min(usable_cores(), SIDE_BY_SIDE),
        )
    say(f"The report: {page}")


def export(
    store: StoreArgument,
    stage: Annotated[str, typer.Option("--stage", metavar="S", help="A stage, or a node below: ising/size=10.")],
    target: Annotated[Path, typer.Option("--to", metavar="FILE", help="FILE.nc, FILE.csv or FILE.parquet.")],
    variables: Annotated[
        list[str] | None, typer.Option("--variable", metavar="V", help="Only these variables.", show_default="all")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
) -> None:
    """Write one stage to one file: netCDF, or a table with a row for every number. Only what is done goes there."""
    from sweep.cli.export import export_node

    export_node(open_store(store), stage, target, variables or (), force=force)
    say(f"Written: {target}")


def check(
    kernel: Annotated[str, typer.Argument(metavar="MODULE:KERNEL", help="Such as potts:POTTS, or ising.")],
) -> None:
    """Hold a kernel to the laws of the contract: determinism, purity, restart, schema, exact distribution."""
    from sweep.grid.registry import find_kernel
    from sweep.laws import check_kernel

    try:
        found = find_kernel(kernel)
    except ValueError as error:
        raise SweepError(Problem(kernel, str(error))) from error
    if found.example is None:
        what = "has no `example` to be run at: give one, or every parameter a default (a function with inputs has none)"
        raise SweepError(Problem(kernel, what))
    results = check_kernel(found)
    for result in results:
        say(str(result))
    raise typer.Exit(0 if all(result.holds for result in results) else 1)


for _verb in (plan, launch, status, report, export, verify, compare, rerun, check, kernels, grids, schema, unlock):
    app.command()(_verb)
