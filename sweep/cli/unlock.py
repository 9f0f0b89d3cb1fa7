"""The verb `unlock`: who holds a store, for people, and taking it away from them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sweep.store.storage import Location


def unlock(
    store: Annotated[str, typer.Argument(metavar="STORE", help="Path or URL of the store.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Break the hold of a launch on its store, when it is gone or cannot be stopped; if it lives, it stops writing."""
    from sweep.store.storage import Location

    location = Location(store)
    line = _holder_line(location)
    if line is None:
        typer.echo(f"{store}: no launch holds it.")
        return
    typer.echo(line)
    if not yes:
        typer.confirm("Break its hold?", abort=True)
    _break_hold(location)
    typer.echo("Unlocked. If that launch still lives, it stops at its next write.")


def _holder_line(location: Location) -> str | None:
    """Return who holds a store and when it was last heard of; None when nobody does."""
    from sweep.store.holder import describe, is_alive
    from sweep.store.lease import KEY, read_lease
    from sweep.store.store import Store, required_manifest

    holder, age = read_lease(location), location.age(KEY)
    if holder is None or age is None:
        required_manifest(Store(location))
        return None
    state = "it seems to be at work" if is_alive(holder, age) else "it seems to be gone"
    return f"{location.place} is held by {describe(holder)}; last sign of life {age:.0f} s ago: {state}."


def _break_hold(location: Location) -> None:
    """Take the lease from whoever has it, and give it back."""
    from sweep.store.lease import Lease

    with Lease(location, {"workers": 0, "started": time.time()}, force=True):
        pass
