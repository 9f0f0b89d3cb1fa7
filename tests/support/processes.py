"""Launches as processes of their own, with everything that they start: found, signalled and ended by a mark."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType

from commands import SUPPORT, SWEEP

MARK = "TEST_MARK"  # in the environment of a launch, so in that of all its descendants, whoever adopted them
ROLES = {  # by the command line
    "launcher": r"\S*python\S* -c from sweep\.cli\.commands",
    "actor": r"ray::\w*Actor",
    "raylet": r"\S*raylet/raylet ",
    "gcs": r"\S*gcs/gcs_server ",
}


class Launch:
    """``sweep launch``, begun and not waited for.

    Parameters
    ----------
    words : str
        What stands behind ``launch``.
    log : Path
        Where its output goes.
    before : list of str
        What stands before the command, such as what enters a namespace.
    """

    def __init__(self, *words: str | Path, log: Path, before: Iterable[str] = (), **environment: str) -> None:
        self.mark, self.log = uuid.uuid4().hex, log
        path = os.pathsep.join([str(SUPPORT), os.environ.get("PYTHONPATH", "")])
        given = {**os.environ, "PYTHONPATH": path, "COLUMNS": "160", MARK: self.mark, **environment}
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                [*before, *SWEEP, "launch", *map(str, words)], env=given, stdout=out, stderr=out, start_new_session=True
            )

    def __enter__(self) -> Launch:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        end_all(self.mark)
        self.process.wait(30)

    @property
    def said(self) -> str:
        """Return what it has printed so far."""
        return self.log.read_text(errors="replace")

    @property
    def over(self) -> bool:
        return self.process.poll() is not None

    def wait(self, seconds: float = 120) -> int:
        """Return its exit status."""
        return self.process.wait(seconds)

    def processes(self, role: str) -> list[int]:
        """Return the processes of a role: ``launcher``, ``actor``, ``raylet``, ``gcs`` or ``other``."""
        found = marked(self.mark)
        return [pid for pid, line in found.items() if role_of(line) == role]

    def send(self, role: str, number: int) -> int:
        """Signal the processes of a role; return how many got it."""
        return sum(send(pid, number) for pid in self.processes(role))

    def left(self) -> dict[int, str]:
        """Return what still runs of it, with its command line."""
        return marked(self.mark)


def marked(mark: str) -> dict[int, str]:
    """Return the processes that carry a mark, with their command lines; zombies do not count."""
    wanted, found = f"{MARK}={mark}".encode(), {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                if wanted in (folder / "environ").read_bytes().split(b"\0"):
                    state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
                    line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                    found |= {int(folder.name): line} if state not in "ZX" else {}
            except OSError:
                continue
    return found


def role_of(line: str) -> str:
    """Return what a process does, by its command line."""
    return next((role for role, pattern in ROLES.items() if re.match(pattern, line)), "other")


def send(pid: int, number: int) -> bool:
    """Signal a process; return whether it was there."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def end_all(mark: str) -> None:
    """Kill whatever carries a mark."""
    deadline = time.monotonic() + 30
    while left := marked(mark):
        assert time.monotonic() < deadline, f"does not end: {left}"
        for pid in left:
            send(pid, signal.SIGKILL)
        time.sleep(0.05)


def wait_until(what: Callable[[], object], seconds: float = 90, why: Callable[[], object] = lambda: "") -> None:
    """Return as soon as something is so; `why` says what there is instead when it does not come to that."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, why()
        time.sleep(0.05)
