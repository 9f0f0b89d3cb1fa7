"""Plans and launches in Python."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any

from sweep.api.grids import Grid
from sweep.display.forecast import Forecast, forecast
from sweep.display.launching import shown, together
from sweep.errors import Problem, SweepError
from sweep.run import driver
from sweep.run.cores import usable_cores
from sweep.run.events import Listener
from sweep.run.planner import Planner
from sweep.run.stopping import interruptible
from sweep.store.storage import Location, place_of
from sweep.store.store import Store


def plan(
    grid: Any,
    store: str | None = None,
    *,
    workers: int | None = None,
    changes: Mapping[str, Any] | None = None,
    accept_code_change: bool = False,
) -> Forecast:
    """Say what is left to do of a grid. Writes nothing.

    Parameters
    ----------
    grid : path, str, mapping or Grid
        See `Grid`.
    store : str, optional
        Path or URL of the store; ``runs/NAME.zarr`` by default.
    workers : int, optional
        Cores that share the work; all of this machine by default.
    changes : mapping of str to value, optional
        Values of the grid that are replaced.
    accept_code_change : bool
        Whether a kernel's code may differ from what made its results.

    Returns
    -------
    Forecast
        Points, time, bytes and files, stage by stage; printed it is a table.

    Raises
    ------
    SweepError
        When the grid is wrong, or does not fit the store.

    Examples
    --------
    >>> import sweep
    >>> todo = sweep.plan("quick")
    >>> todo.stages["ising"].kernel
    'ising'
    """
    loaded = Grid(grid, changes)
    found = Store(Location(place_of(store, loaded.name)))
    planned = Planner(loaded, accept_code_change=accept_code_change)(found)
    return forecast(planned, found, workers or usable_cores())


def launch(
    grid: Any,
    store: str | None = None,
    *,
    executor: str | driver.MakeExecutor = "ray",
    workers: int | None = None,
    address: str | None = None,
    changes: Mapping[str, Any] | None = None,
    attempts: int = 3,
    retry_failed: bool = True,
    fail_fast: bool = False,
    allow_mixed: bool = False,
    accept_code_change: bool = False,
    durable: bool | None = None,
    seconds: float | None = None,
    wait: bool = False,
    progress: bool | None = None,
    listener: Listener | None = None,
) -> driver.Summary:
    """Compute what a grid asks for and its store does not have yet: start, resume or extend.

    Parameters
    ----------
    grid : path, str, mapping or Grid
        See `Grid`.
    store : str, optional
        Path or URL of the store; ``runs/NAME.zarr`` by default.
    executor : str or () -> context manager of an Executor
        ``ray``, or ``inline`` for this process alone.
    workers : int, optional
        Cores to use; all that there are by default.
    address : str, optional
        Join a running Ray cluster: ``auto`` or ``HOST:PORT``. A Ray that is up in this process is used, and left up.
    changes : mapping of str to value, optional
        Values of the grid that are replaced.
    attempts : int
        How often a point is tried before it is set aside.
    retry_failed : bool
        Try again what an earlier launch set aside.
    fail_fast : bool
        Stop when the first point is set aside.
    allow_mixed : bool
        Use nodes with other packages or processors too; the store keeps which computed what.
    accept_code_change : bool
        Go on although a kernel's code differs from what made its results; the store keeps a record of it.
    durable : bool, optional
        Whether results outlive a power cut: yes, unless SWEEP_FSYNC is ``off``.
    seconds : float, optional
        Stop by itself after so long.
    wait : bool
        Wait for another launch that is at work there.
    progress : bool, optional
        Show how it is getting on; by default where a terminal or a notebook can.
    listener : Event -> None, optional
        Called with everything that happens; see `sweep.run.events`.

    Returns
    -------
    Summary
        How it ended: ``complete``, ``interrupted``, how many points ``failed``, and ``stages``.

    Raises
    ------
    SweepError
        When the grid or the store is wrong, another launch is at work there, no worker can be had, or the disk is full.

    Examples
    --------
    >>> import sweep
    >>> stages = {"ising": {"kernel": "ising", "axes": {"size": [4], "temperature": [2.0, 3.0]}}}
    >>> grid = {"name": "tiny", "seed": 1, "stages": stages}
    >>> sweep.launch(grid, executor="inline").complete
    True
    """
    loaded = Grid(grid, changes)
    with ExitStack() as stack:
        display = shown(progress)
        listeners: list[Listener] = [display] if display else []
        if display:
            stack.enter_context(display)
        request = stack.enter_context(interruptible(seconds=seconds))
        return driver.launch(
            loaded,
            place_of(store, loaded.name),
            _executor(executor, workers, address, allow_mixed),
            together([*listeners, *([listener] if listener else [])]),
            accept_code_change=accept_code_change,
            durable=durable,
            request=request,
            failing=driver.Failing(attempts, not retry_failed, fail_fast),
            wait=wait,
        )


def _executor(
    executor: str | driver.MakeExecutor, workers: int | None, address: str | None, allow_mixed: bool
) -> driver.MakeExecutor:
    if not isinstance(executor, str):
        return executor
    if executor == "inline":
        return driver.inline
    if executor != "ray":
        raise SweepError(Problem("executor", f"found {executor!r}; wanted 'ray' or 'inline'"))
    logging.getLogger("ray.widgets").setLevel(logging.WARNING)  # in a notebook it asks for what nothing here needs
    from sweep.run.executors.ray import RayExecutor  # noqa: PLC0415 - Ray takes half a second

    return partial(RayExecutor, workers, address, allow_mixed=allow_mixed)
