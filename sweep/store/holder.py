"""Who holds a store: what a launcher says of itself, and whether it still lives."""

from __future__ import annotations

import contextlib
import getpass
import os
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

STALE_SECONDS = 60.0
WATCH_SECONDS = 15.0  # three heartbeats
AHEAD_SECONDS = 5.0  # no file is written so far in the future, unless clocks differ


def own_facts() -> dict[str, Any]:
    """Return what a launcher says of itself, so that others on the same machine can see whether it still runs."""
    pid = os.getpid()
    return {"host": socket.gethostname(), "boot": _boot(), "pid": pid, "born": _born(pid), "user": _user()}


class Watch:
    """Watches what a holder says of itself change, on this process's own clock: no clock of others can mislead it."""

    def __init__(self) -> None:
        self._seen: Mapping[str, Any] | None = None
        self._since = 0.0
        self._beats = False

    def lives(self, holder: Mapping[str, Any], age: Callable[[], float | None]) -> bool | None:
        """Return whether a launcher still runs; None when it has to be watched longer to say so.

        A process of this machine that is no more is dead at once. Others are by their silence: for `STALE_SECONDS` on
        this process's clock; or by the clock of the store, and then for `WATCH_SECONDS` while they are watched.

        Parameters
        ----------
        holder : mapping
            What it says of itself now.
        age : () -> float or None
            Seconds since its last sign of life, by the clock of the store.
        """
        silence = self._silence(holder)
        if _is_here(holder) and not _process_exists(int(holder.get("pid", 0)), holder.get("born")):
            return False
        if self._beats or silence >= STALE_SECONDS:
            return silence < STALE_SECONDS
        written = age()
        if written is None:
            return False
        if written > STALE_SECONDS:
            return False if silence >= WATCH_SECONDS else None
        return True if written >= -AHEAD_SECONDS else None

    def _silence(self, holder: Mapping[str, Any]) -> float:
        now = time.monotonic()
        if holder != self._seen:
            self._beats = self._seen is not None
            self._seen, self._since = holder, now
        return now - self._since


def is_alive(holder: Mapping[str, Any], age: float | None) -> bool:
    """Return whether the launcher that said this of itself still runs, as far as can be known from here.

    Parameters
    ----------
    holder : mapping
    age : float or None
        Seconds since its last sign of life, by the clock of the store; what its own clock says is not believed.
    """
    if age is None or age > STALE_SECONDS:
        return False
    return not _is_here(holder) or _process_exists(int(holder.get("pid", 0)), holder.get("born"))


def describe(holder: Mapping[str, Any]) -> str:
    """Return who holds a store, in words."""
    return f"{holder.get('user', '?')} on {holder.get('host', '?')}, process {holder.get('pid', '?')}"


def _is_here(holder: Mapping[str, Any]) -> bool:
    """Return whether a holder's process number is one of this machine, since it started; the name does not say so."""
    here = (socket.gethostname(), holder.get("boot") and _boot())
    return (holder.get("host"), holder.get("boot")) == here


def _boot() -> str | None:
    """Return a word for this start of this machine and, in a container, for its own numbering of processes."""
    with contextlib.suppress(OSError):
        started = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{started} {os.readlink('/proc/self/ns/pid')}"
    return None


def _born(pid: int) -> str | None:
    """Return when a process began, in ticks since the machine did: a number that is used again has another."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    return None


def _process_exists(pid: int, born: str | None) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return born is None or _born(pid) in (born, None)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
