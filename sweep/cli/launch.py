"""The verbs `plan` and `launch`."""

from __future__ import annotations

import os
import shlex
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from sweep.cli.arguments import AcceptOption, GridArgument, SetOption, StoreOption, load_grid, place_for
from sweep.cli.console import err, hold, out, say
from sweep.cli.durations import seconds_in
from sweep.errors import SweepError

if TYPE_CHECKING:
    from sweep.run.driver import MakeExecutor
    from sweep.run.executors.ray import RayExecutor


class ExecutorName(StrEnum):
    """Where tasks run."""

    ray = "ray"
    inline = "inline"


WorkersOption = Annotated[int | None, typer.Option(min=1, help="Cores to use.", show_default="all")]


def plan(
    grid: GridArgument,
    store: StoreOption = None,
    workers: WorkersOption = None,
    set_: SetOption = None,
    accept_code_change: AcceptOption = False,
) -> None:
    """Show what is left to do of a grid: points, core time, bytes, files, and how long it takes. Writes nothing."""
    from sweep.api.launching import plan as planned

    out.print(
        planned(
            load_grid(grid, set_),
            place_for(store, grid),
            workers=workers,
            accept_code_change=accept_code_change,
        )
    )


def launch(
    context: typer.Context,
    grid: GridArgument,
    store: StoreOption = None,
    workers: WorkersOption = None,
    address: Annotated[
        str | None, typer.Option(help="Join a running Ray cluster: auto or HOST:PORT; RAY_ADDRESS otherwise.")
    ] = None,
    submit: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Run as a job of the cluster at http://HOST:8265; the grid's files travel."),
    ] = None,
    executor: Annotated[ExecutorName, typer.Option(help="ray, or inline for one process.")] = ExecutorName.ray,
    set_: SetOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and stop.")] = False,
    accept_code_change: AcceptOption = False,
    attempts: Annotated[int, typer.Option(min=1, help="How often a point is tried before it is set aside.")] = 3,
    retry_failed: Annotated[
        bool,
        typer.Option("--retry-failed/--skip-failed", help="Try again what an earlier launch set aside, or do not."),
    ] = True,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Stop when the first point is set aside.")] = False,
    allow_mixed: Annotated[
        bool, typer.Option("--allow-mixed", help="Use nodes with other packages or processors too; recorded.")
    ] = False,
    no_fsync: Annotated[bool, typer.Option("--no-fsync", help="Faster; a power cut may cost results.")] = False,
    time_limit: Annotated[
        float | None,
        typer.Option("--for", parser=seconds_in, metavar="TIME", help="Stop by itself after 55m, 1h30m, 3600 (s)."),
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for another launch that is at work there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Every event as a line of JSON, for programs.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say only what goes wrong, and how it ended.")] = False,
    hooks: Annotated[
        list[str] | None,
        typer.Option("--hook", metavar="MODULE:FUNCTION", help="Call a function of one's own with every event."),
    ] = None,
) -> None:
    """Compute what a grid asks for and its store does not have yet: start, resume or extend.

    Exit status: 0 all done, 1 some points failed or the launch could not go on, 2 the grid, the store or the arguments
    are wrong (nothing written), 130 interrupted.
    """
    if dry_run:
        return plan(grid, store, workers, set_, accept_code_change)
    if submit:
        from sweep.cli.submit import submit_and_follow

        submit_and_follow(context, grid, store, submit, set_)
    from sweep.cli.hooks import with_hooks
    from sweep.cli.lines import conclusion
    from sweep.display.launching import display_for
    from sweep.run import driver
    from sweep.run.stopping import interruptible
    from sweep.store.storage import place_of

    hold()
    with interruptible(seconds=time_limit, in_any_case=True) as request:
        try:
            loaded = load_grid(grid, set_)
            place = place_of(place_for(store, grid), loaded.name)
            make = None if executor is ExecutorName.inline else _on_ray(workers, address, allow_mixed, quiet)
            durable = False if no_fsync else None
            with display_for(out, as_json=as_json, quiet=quiet) as display:
                summary = driver.launch(
                    loaded,
                    place,
                    make or driver.inline,
                    with_hooks(display, hooks or ()),
                    accept_code_change=accept_code_change,
                    durable=durable,
                    request=request,
                    failing=driver.Failing(attempts, not retry_failed, fail_fast),
                    wait=wait,
                )
        except KeyboardInterrupt:
            _interrupted()
        except SweepError as error:
            if request.is_set():  # what it was told to end may have been told the same
                err.print(str(error), soft_wrap=True)
                _interrupted()
            raise
    words, status = conclusion(summary, place, _line())
    say(words, err if as_json else out)
    raise typer.Exit(status)


def _on_ray(workers: int | None, address: str | None, allow_mixed: bool, quiet: bool) -> MakeExecutor:
    def make() -> RayExecutor:
        from sweep.run.executors.ray import RayExecutor

        there = address or os.environ.get("RAY_ADDRESS")
        where = f"joining the Ray cluster at {there}" if there else "starting Ray on this machine"
        if not quiet:
            err.print(f"{where} ...", style="dim")
        return RayExecutor(workers, address, allow_mixed=allow_mixed)

    return make


def _line() -> str:
    return shlex.join(["sweep", *sys.argv[1:]])


def _interrupted() -> NoReturn:
    from sweep.cli.lines import interruption
    from sweep.run.stopping import INTERRUPTED

    say(interruption(_line()))
    raise typer.Exit(INTERRUPTED)
