"""The `sweep` command.

Each verb imports what it needs when it runs, so that ``sweep --help`` does not wait for Ray and numba.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from sweep.cli.listings import grids, kernels, schema
from sweep.cli.unlock import unlock
from sweep.errors import Problem, SweepError

if TYPE_CHECKING:
    from sweep.grid.grid import Grid
    from sweep.run.driver import MakeExecutor, Summary
    from sweep.store.store import Store

FOLLOW_SECONDS = 2.0

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Run a kernel (a Monte Carlo model, a training) at every point of a grid, on all cores or a whole cluster. "
    "Results are labelled xarray datasets in one Zarr store; an interrupted sweep goes on where it was.",
)
out = Console()
err = Console(stderr=True)


class ExecutorName(StrEnum):
    """Where tasks run."""

    ray = "ray"
    inline = "inline"


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


@app.callback()
def _common(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error, at any place.")] = False,
) -> None:
    sys.path.extend(path for path in (os.getcwd(),) if path not in sys.path)


@app.command()
def plan(
    grid: GridArgument, store: StoreOption = None, set_: SetOption = None, accept_code_change: AcceptOption = False
) -> None:
    """Show what a grid would do: tasks, core-hours, bytes, files. Writes nothing."""
    from sweep.cli.display import plan_table
    from sweep.run.driver import plan_for

    loaded = _load(grid, set_)
    opened = _store(store or _default_place(loaded.name))
    out.print(plan_table(plan_for(loaded, opened, accept_code_change=accept_code_change)))


@app.command()
def launch(
    grid: GridArgument,
    store: StoreOption = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Cores to use.", show_default="all")] = None,
    address: Annotated[
        str | None, typer.Option(help="Join a running Ray cluster: auto, HOST:PORT or ray://HOST:PORT.")
    ] = None,
    executor: Annotated[ExecutorName, typer.Option(help="ray, or inline for one process.")] = ExecutorName.ray,
    set_: SetOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and stop.")] = False,
    accept_code_change: AcceptOption = False,
    no_fsync: Annotated[bool, typer.Option("--no-fsync", help="Faster; a power cut may cost results.")] = False,
) -> None:
    """Compute what a grid asks for and its store does not have yet: start, resume or extend.

    Exit status: 0 all done, 1 some tasks failed, 2 the grid, the store or the arguments are wrong (nothing written),
    130 interrupted.
    """
    if dry_run:
        return plan(grid, store, set_, accept_code_change)
    from sweep.cli.display import LiveDisplay, PlainDisplay
    from sweep.run import driver

    loaded = _load(grid, set_)
    place = store or _default_place(loaded.name)
    make = driver.inline if executor is ExecutorName.inline else _on_ray(workers, address)
    with (LiveDisplay if out.is_terminal else PlainDisplay)(out) as display:
        durable = False if no_fsync else None
        summary = driver.launch(loaded, place, make, display, accept_code_change=accept_code_change, durable=durable)
    _conclude(summary, place)
    return None


def _on_ray(workers: int | None, address: str | None) -> MakeExecutor:
    from sweep.run.executors.ray import RayExecutor

    where = f"joining the Ray cluster at {address}" if address else "starting Ray on this machine"
    err.print(f"{where} ...", style="dim")
    return lambda: RayExecutor(workers, address)


def _line() -> str:
    return shlex.join(["sweep", *sys.argv[1:]])


def _conclude(summary: Summary, place: str) -> None:
    """Say how a launch ended and what to do next; leave with its exit status."""
    if summary.interrupted:
        say(f"Interrupted; what is done is kept. To go on:\n  {_line()}")
        raise typer.Exit(130)
    if summary.vanished:
        what = f"{summary.vanished} cells were filled, and their results are not in the store any more"
        say(f"{what}: does another program write there? The same line computes them again:\n  {_line()}")
        raise typer.Exit(1)
    if not summary.complete:
        failed = sum(stage.failed for stage in summary.stages.values())
        say(f"{failed} tasks were set aside; the others are done. Why: sweep status {shlex.quote(place)}")
        raise typer.Exit(1)
    say(f"All done: {place}\nLook at it: sweep report {shlex.quote(place)}")


@app.command()
def status(
    store: StoreArgument,
    follow: Annotated[
        bool, typer.Option("--follow", help="Show it again every two seconds, until all is done.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document, for programs.")] = False,
    launches: Annotated[
        bool, typer.Option("--launches", help="Show who launched what, when and with which code.")
    ] = False,
) -> None:
    """Show how far a store is, who is at work on it, and what failed. Works while a launch runs."""
    from sweep.cli.display import status_table
    from sweep.cli.lines import status_lines
    from sweep.cli.status import read_status

    while True:
        found = read_status(_store(store))
        if as_json:
            typer.echo(json.dumps(found.as_json()))
        else:
            out.print(status_table(found))
            for line in status_lines(found, launches=launches):
                say(line)
        if not follow or found.complete:
            return
        time.sleep(FOLLOW_SECONDS)


@app.command()
def report(
    store: StoreArgument,
    folder: Annotated[
        Path | None, typer.Option("--out", metavar="FOLDER", help="Where it goes.", show_default="STORE with .report")
    ] = None,
) -> None:
    """Write figures (PNG, PDF), the numbers behind them (CSV) and a page, index.html, that shows them."""
    import xarray as xr

    from sweep.analysis.report.report import write_report
    from sweep.verify import undamaged

    opened = _store(store)
    target = folder or Path("runs" if "://" in store else ".") / f"{store.rstrip('/').removesuffix('.zarr')}.report"
    with undamaged(opened), xr.open_datatree(opened.location.zarr, engine="zarr") as tree:  # type: ignore[arg-type]
        page = write_report(tree, target)
    say(f"The report: {page}")


@app.command()
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

    export_node(_store(store), stage, target, variables or (), force=force)
    say(f"Written: {target}")


@app.command()
def verify(
    store: StoreArgument,
    everything: Annotated[bool, typer.Option("--all", help="Compute every point again and compare its bits.")] = False,
    repair: Annotated[
        bool, typer.Option("--repair", help="Take back what is damaged; the next launch redoes it.")
    ] = False,
) -> None:
    """Check that what the store calls done is there, whole, and comes out the same when it is computed again."""
    from sweep.cli.lines import verdict_lines
    from sweep.verify import Remedy, verify_store

    verdict = verify_store(_store(store), everything=everything, repair=repair)
    for line in verdict_lines(verdict, store, repaired=repair):
        say(line)
    left = [finding for finding in verdict.findings if not repair or finding.remedy is Remedy.none]
    raise typer.Exit(1 if left else 0)


@app.command()
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
    results = check_kernel(found)
    for result in results:
        say(str(result))
    raise typer.Exit(0 if all(result.holds for result in results) else 1)


for _verb in (kernels, grids, schema, unlock):
    app.command()(_verb)


def say(text: str) -> None:
    """Print plain words: no markup, no wrapping, so that paths and commands can be copied."""
    out.print(text, markup=False, highlight=False, soft_wrap=True)


def _load(path: Path, overrides: list[str] | None) -> Grid:
    from sweep.grid.resolve import load_grid
    from sweep.grid.shipped import find_grid

    path = find_grid(path)
    sys.path.append(str(path.absolute().parent))  # a kernel may stand beside the grid that names it
    grid = load_grid(path, overrides or ())
    for note in grid.notes:
        err.print(note, markup=False, highlight=False, soft_wrap=True)
    return grid


def _store(place: str) -> Store:
    from sweep.store.storage import Location
    from sweep.store.store import Store

    return Store(Location(place))


def _default_place(name: str) -> str:
    return str(Path("runs") / f"{name}.zarr")


def main() -> None:
    """Run the command; mistakes become one or two lines and exit status 2, with --debug a traceback."""
    debug = "--debug" in sys.argv
    sys.argv = [word for word in sys.argv if word != "--debug"]
    try:
        app()
    except SweepError as error:
        if debug:
            raise
        err.print(str(error), markup=False, highlight=False, soft_wrap=True)
        sys.exit(2)
    except KeyboardInterrupt:
        err.print("Interrupted.")
        sys.exit(130)
