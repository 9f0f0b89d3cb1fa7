"""Exhibits that tell of the process which makes them; ``python exhibits.py FOLDER`` makes two long ones at once."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from pathlib import Path

import xarray as xr
from analysis_stores import ising_store
from matplotlib.figure import Figure

from sweep.analysis.exhibits.exhibit import Absent, Exhibit
from sweep.analysis.report import making
from sweep.analysis.report.report import write_report


def afresh(tree: xr.DataTree) -> Absent:
    """Say whether another process has what the tests had imported, as a fork of theirs has; these wait for it."""
    if _another(tree):
        return Absent("Afresh", "a fork of the tests" if "pytest" in sys.modules else "began afresh")
    return Absent("Here", "made by the one that asks")


def dying(tree: xr.DataTree) -> Absent:
    """Kill another process that makes it; there is no figure either way."""
    if _another(tree):
        os.kill(os.getpid(), signal.SIGKILL)
    return Absent("Dying", "its process is not to be killed")


def _another(tree: xr.DataTree) -> bool:
    """Return whether this process is another than that which asks for exhibits, which waits until one has said so."""
    mark = Path(tree.attrs["mark"])
    if multiprocessing.parent_process() is not None:
        mark.touch()
        return True
    while not mark.exists():
        time.sleep(0.01)
    return False


def broken(tree: xr.DataTree) -> Absent:
    """Divide by nothing."""
    return Absent("Broken", f"{1 / 0}")


def undrawable(tree: xr.DataTree) -> Exhibit:
    """Give a figure whose words Matplotlib cannot read."""
    figure = Figure()
    figure.suptitle("$\\nothing$")
    return Exhibit("undrawable", "Undrawable", "", figure, xr.Dataset())


def lasting(tree: xr.DataTree) -> Absent:
    """Say which process makes it, and take five minutes."""
    os.write(1, f"{os.getpid()}\n".encode())  # at once: what two print may be mixed
    time.sleep(300)
    return Absent("Lasting", "nobody waits so long")


if __name__ == "__main__":
    making.WORTH = 1
    write_report(ising_store(), Path(sys.argv[1]), [lasting, lasting], processes=2)
