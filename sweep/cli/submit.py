"""`sweep launch --submit`: the launch runs on a cluster; its words, and how far the store is, are shown here."""

from __future__ import annotations

import logging
import shlex
import sys
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import typer
from rich.console import RenderableType
from rich.live import Live
from rich.text import Text

from sweep.cli.arguments import load_grid
from sweep.cli.console import FOLLOW_SECONDS, out, say
from sweep.display.tables import status_view
from sweep.errors import Problem, SweepError
from sweep.run.jobs import submit
from sweep.run.status import read_status
from sweep.run.stopping import INTERRUPTED
from sweep.store.storage import Location
from sweep.store.store import Store

HERE_ONLY = {"grid", "set_", "submit", "address", "dry_run"}


def submit_and_follow(context: Any, grid: Path, store: str | None, address: str, set_: list[str] | None) -> NoReturn:
    """Submit a launch with the options of the line, and show what it says; leaves with its exit status."""
    if store is None or not ("://" in store or Path(store).is_absolute()):
        what = f"found {store or 'none'}; wanted a URL or a path from the root: a place that all machines see"
        raise SweepError(Problem("--store", what))
    if context.params["address"]:
        raise SweepError(Problem("--address", "--submit says where already"))
    logging.disable(logging.INFO)  # Ray's client would tell of every package that travels
    job = submit(address, load_grid(grid, set_), options_of(context))
    say(f"Submitted: {job.name} runs on the cluster, whatever becomes of this terminal.")
    say(f"  see it: sweep status {shlex.quote(store)} --follow")
    say(f"  stop it: ray job stop --address {address} {job.name}")
    in_place = Live(get_renderable=partial(overview, store), console=out, refresh_per_second=1 / FOLLOW_SECONDS)
    try:
        with in_place if out.is_terminal else nullcontext():
            status = job.follow(_tell)
        raise typer.Exit(status)
    except KeyboardInterrupt:
        say("Left; it goes on.")
        raise typer.Exit(INTERRUPTED) from None


def overview(store: str) -> RenderableType:
    """Return how far a store is that others fill; nothing where it cannot be seen from here, or not yet."""
    try:
        return status_view(read_status(Store(Location(store))))
    except SweepError:
        return Text("")


def options_of(context: Any) -> list[str]:
    """Return the options that were given, as words, but for those that are not for the cluster."""
    words = []
    for option in context.command.params:
        value = context.params[option.name]
        if option.name in HERE_ONLY or value in (None, (), option.default):
            continue
        if isinstance(value, bool):
            words += option.opts if value else option.secondary_opts
            continue
        for one in value if isinstance(value, list | tuple) else [value]:
            words += [option.opts[0], str(one)]
    return words


def _tell(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
