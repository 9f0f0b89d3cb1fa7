"""Who holds a store: what a launcher says of itself, and whether it still lives."""

from __future__ import annotations

import contextlib
import getpass
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

STALE_SECONDS = 60.0


def own_facts() -> dict[str, Any]:
    """Return what a launcher says of itself, so that others on the same machine can see whether it still runs."""
    pid = os.getpid()
    return {"host": socket.gethostname(), "boot": _boot(), "pid": pid, "born": _born(pid), "user": _user()}


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
    here = (socket.gethostname(), holder.get("boot") and _boot())
    if (holder.get("host"), holder.get("boot")) != here:
        return True
    return _process_exists(int(holder.get("pid", 0)), holder.get("born"))


def describe(holder: Mapping[str, Any]) -> str:
    """Return who holds a store, in words."""
    return f"{holder.get('user', '?')} on {holder.get('host', '?')}, process {holder.get('pid', '?')}"


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
