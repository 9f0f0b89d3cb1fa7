"""Two processes that want one lease at the same instant, again and again."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from sweep.errors import SweepError
from sweep.store.lease import KEY, Lease, holds
from sweep.store.storage import Location

Outcomes = Counter[tuple[str, str]]


def dead_process() -> int:
    """Return the number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def left_behind(place: Path, age: float = 0.0, **facts: object) -> Location:
    """Return a location with the lease of another launcher, of an earlier version, put there `age` seconds ago."""
    own = {"token": "theirs", "host": socket.gethostname(), "pid": os.getpid(), "heartbeat": time.time()}
    location = Location(str(place))
    location.put(KEY, json.dumps({**own, **facts}).encode())
    os.utime(place / KEY, (time.time() - age,) * 2)
    return location


def race(place: Path, rounds: int, kind: str) -> Outcomes:
    """Return how often the two contenders fared how.

    Parameters
    ----------
    place : Path
    rounds : int
    kind : str
        ``free``: nobody holds the store; ``stale``: someone who died does; ``epoch``: and who wrote an epoch.

    Returns
    -------
    counter of pairs of "holds", "refused" or what went wrong
    """
    context = multiprocessing.get_context("spawn")
    barrier, queue = context.Barrier(3), context.Queue()
    two = [context.Process(target=_contend, args=(str(place), barrier, queue), daemon=True) for _ in range(2)]
    for process in two:
        process.start()
    outcomes: Outcomes = Counter()
    dead = dead_process()
    try:
        for _ in range(rounds):
            _set_the_scene(place, kind, dead)
            for _ in range(3):  # both begin; both have tried; both have looked again
                barrier.wait(60)
            first, second = sorted(queue.get(timeout=60) for _ in two)
            outcomes[first, second] += 1
    finally:
        for process in two:
            process.terminate()
            process.join()
    return outcomes


def _set_the_scene(place: Path, kind: str, dead: int) -> None:
    shutil.rmtree(place, ignore_errors=True)
    if kind == "stale":
        left_behind(place, pid=dead)
    if kind == "epoch":
        location = left_behind(place, pid=dead, epoch=7)
        location.put_if_absent(".sweep/epochs/00000007", b"theirs")


def _contend(place: str, barrier: Any, queue: Any) -> None:
    while True:
        location = Location(place)
        lease = Lease(location, {})
        barrier.wait()
        try:
            lease.__enter__()
        except SweepError as error:
            result = "refused" if "another launch is writing here" in str(error) else str(error)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test shows it
            result = repr(error)
        else:
            result = ""
        barrier.wait()
        queue.put(result or ("holds" if holds(location, lease.token) else "was given it and lost it"))
        barrier.wait()
        lease._stop.set()
