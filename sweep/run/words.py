"""What workers print, warn and log: each in a file of its own, beside a store that is a folder."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import socket
import sys
from pathlib import Path

from sweep.store.storage import Location

_FILE = ""  # of this process, which has one standard output


def logs_beside(location: Location) -> Path | None:
    """Return the folder for what is told of a store: beside it; None of a store that is no folder."""
    store = location.local_path
    return None if store is None else store.with_name(f"{store.name.removesuffix('.zarr')}.logs")


def keep_words(location: Location) -> str:
    """Send what this process prints from now on to a file of its own.

    Returns
    -------
    str
        The file's path; empty where there is none, and Ray keeps the words with its own logs.
    """
    global _FILE  # noqa: PLW0603
    folder = logs_beside(location)
    if folder is None:
        return ""
    path = folder / f"worker-{socket.gethostname()}-{os.getpid()}.log"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = path.open("a", encoding="utf-8", buffering=1)
    except OSError:
        return ""
    for stream in (1, 2):
        os.dup2(file.fileno(), stream)
    sys.stdout = sys.stderr = file
    faulthandler.enable(file)
    _FILE = str(path)
    return _FILE


def kept() -> str:
    """Return the file that keeps the words of this process; empty where there is none."""
    return _FILE


def spoken(path: str) -> str:
    """Return a file of words if it has any and can be seen from here, else the empty word."""
    with contextlib.suppress(OSError):
        return path if path and Path(path).stat().st_size else ""
    return ""


def forget_silence(location: Location) -> None:
    """Remove the files of workers that had nothing to say."""
    folder = logs_beside(location)
    for path in folder.glob("worker-*.log") if folder else ():
        with contextlib.suppress(OSError):
            if not path.stat().st_size:
                path.unlink()
