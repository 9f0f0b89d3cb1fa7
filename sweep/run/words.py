"""What is told of launches, beside their store: events, and what workers print, warn and log, a folder for each launch.

A worker prints to a file of its own there, and the launcher writes its events to one. Nothing can be appended to an
object: of a store behind a URL they write to files without a name, and a process beside them keeps the end of that in
the bucket (`sweep.run.keeper`).
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TextIO

from sweep.run.steady import Steady
from sweep.store.launches import next_launch
from sweep.store.storage import UNAVAILABLE, Location

LAUNCHES = 10  # the latest, of which there are logs
ON_THEIR_WAY_SECONDS = 3.0  # the words of a worker that has just died, to a bucket
LAST_WORDS = 2**16  # bytes

_OWN = re.compile(r"(\d+)/(?:events\.jsonl|worker-[^/]*\.log)")  # what launches have written
_CRASH = re.compile(r"^Fatal Python error: .*(?:\n(?!Extension modules:).*)*", re.MULTILINE)
_NAME = ""  # of what keeps the words of this process, which has one standard output
_KEEPER: IO[bytes] | None = None  # of what this process prints, as long as it lives


def logs_beside(location: Location) -> Location | None:
    """Return the place for what is told of a store: beside it; None of a store that is a whole bucket."""
    store = str(location.local_path or location.place).rstrip("/")
    if location.local_path is None and "/" not in store.partition("://")[2]:
        return None
    return Location(f"{store.removesuffix('.zarr')}.logs")


@contextlib.contextmanager
def logs_of_launch(location: Location) -> Iterator[str]:
    """Yield the place for what is told of a launch, and remove what is of launches long ago; the caller has the lease.

    It has the number of the launch, or a higher one where there are logs of a store that was here before. In the end
    the files of workers that had nothing to say are removed. Folders with files of others are left alone.
    """
    beside, logs = logs_beside(location), ""
    with contextlib.suppress(*UNAVAILABLE):
        if beside is not None:
            keys = beside.list("")
            others = {key.partition("/")[0] for key in keys if not _OWN.fullmatch(key)}
            there = sorted({int(found[1]) for key in keys if (found := _OWN.fullmatch(key)) and found[1] not in others})
            logs = f"{beside.place}/{max([next_launch(location), *(number + 1 for number in there[-1:])])}"
            for number in there[: max(0, len(there) + 1 - LAUNCHES)]:
                beside.delete_prefix(f"{number}/")
    yield logs
    with contextlib.suppress(*UNAVAILABLE):
        for key, size in Location(logs).sizes("worker-").items() if logs else ():
            if not size:
                Location(logs).delete(key)


def keep_words(logs: str) -> str:
    """Send what this process prints from now on to a file of its own among the logs of a launch.

    Where that has no room, words are lost. If the process crashes, where it was comes last.

    Returns
    -------
    str
        Its path or URL; empty where there is none, and Ray keeps the words with its own logs.
    """
    global _NAME, _KEEPER  # noqa: PLW0603 - of a process, as its standard output is
    name = f"{logs}/worker-{socket.gethostname()}-{os.getpid()}.log"
    try:
        file, _KEEPER = appended(name)
    except OSError:
        return ""
    for stream in (1, 2):
        os.dup2(file.fileno(), stream)
    sys.stdout = sys.stderr = Steady(file)
    faulthandler.enable(file, all_threads=False)
    _NAME = name
    return name


def appended(name: str) -> tuple[TextIO, IO[bytes] | None]:
    """Return a file whose lines stay at a path or, their end, at a URL, and there what keeps them until it is closed.

    Raises
    ------
    OSError
        If there can be none.
    """
    if "://" not in name:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        return Path(name).open("a", encoding="utf-8", buffering=1), None
    file = tempfile.TemporaryFile("a+", encoding="utf-8", buffering=1)  # noqa: SIM115 - the caller closes it
    keeper = subprocess.Popen(
        [sys.executable, "-m", "sweep.run.keeper", name],
        stdin=subprocess.PIPE,
        stdout=file,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        start_new_session=True,
    )
    keeper.wait()
    return file, keeper.stdin


def kept() -> str:
    """Return what keeps the words of this process; empty where there are none."""
    return _NAME if _NAME and os.fstat(1).st_size else ""


def spoken(name: str, *, just_died: bool = False) -> str:
    """Return what keeps the words of a worker if it has any and can be seen from here, else the empty word."""
    folder, _, key = name.rpartition("/")
    waiting = ON_THEIR_WAY_SECONDS if just_died and "://" in name else 0.0
    begun = time.monotonic()
    with contextlib.suppress(*UNAVAILABLE):
        while name:
            if Location(folder).sizes(key).get(key):
                return name
            if time.monotonic() - begun >= waiting:
                break
            time.sleep(0.1)
    return ""


def crash(name: str) -> str:
    """Return what the words of a worker say of its crash: by which signal it ended, and where; empty if nothing."""
    folder, _, key = name.rpartition("/")
    with contextlib.suppress(*UNAVAILABLE):
        words = (_end_of(Path(name)) if "://" not in name else Location(folder).get(key)) if name else None
        found = _CRASH.search((words or b"").decode("utf-8", "replace"))
        return found[0].strip() if found else ""
    return ""


def _end_of(file: Path) -> bytes:
    with file.open("rb") as words:
        words.seek(max(0, words.seek(0, os.SEEK_END) - LAST_WORDS))
        return words.read()
