"""Ends a worker whose block takes too long: a process beside it, for compiled code keeps Python from doing anything.

The worker tells it of each block in a line on its standard input; an empty one says that the block is over.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:  # the process beside a worker is to be small, and at work in no time
    from sweep.planning.plan import Task
    from sweep.store.storage import Location


class Guard:
    """Knows the limits of time of the blocks that this process works on.

    Parameters
    ----------
    location : Location
        The store, where the point is named at which the process was ended.
    """

    def __init__(self, location: Location) -> None:
        self._location = location
        self._process: subprocess.Popen[bytes] | None = None

    @contextmanager
    def __call__(self, task: Task, point: int) -> Iterator[None]:
        """End this process if the body, a block of a point, takes longer than the task allows."""
        if task.resources.seconds is None:
            yield
            return
        told = self._listener()
        told.write(json.dumps([task.resources.seconds, task.stage, task.cells.start, point]).encode() + b"\n")
        try:
            yield
        finally:
            told.write(b"\n")

    def _listener(self) -> IO[bytes]:
        """Return where the process beside this one listens; it is started when it is needed."""
        if self._process is None or self._process.poll() is not None:
            place = str(self._location.local_path or self._location.place)
            line = [sys.executable, "-m", __name__, str(os.getpid()), place, str(self._location.durable)]
            path = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
            self._process = subprocess.Popen(line, stdin=subprocess.PIPE, bufsize=0, env=path, start_new_session=True)
        assert self._process.stdin is not None
        return self._process.stdin


def watch(worker: int, place: str, durable: bool) -> None:
    """Listen until the worker is gone, or has to go."""
    rest, block, wait = b"", b"", None
    while select.select([sys.stdin], [], [], wait)[0]:
        heard = os.read(sys.stdin.fileno(), 2**16)
        if not heard:
            return
        *lines, rest = (rest + heard).split(b"\n")
        if lines:
            block = lines[-1]
            wait = json.loads(block)[0] if block else None
    if os.getppid() == worker:
        os.kill(worker, signal.SIGSTOP)  # what it may yet do must not contradict what is said of it
        try:
            _name(place, durable, *json.loads(block))
        finally:
            os.kill(worker, signal.SIGKILL)


def _name(place: str, durable: bool, seconds: float, stage: str, cell: int, point: int) -> None:
    from sweep.store.attempts import name_point
    from sweep.store.storage import Location

    name_point(Location(place, durable, patient=True), stage, cell, point, f"took longer than {seconds:g} s")


if __name__ == "__main__":
    watch(int(sys.argv[1]), sys.argv[2], sys.argv[3] == "True")
