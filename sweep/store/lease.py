"""One launcher at a time: whoever holds a store's lease may write to it."""

from __future__ import annotations

import getpass
import json
import os
import socket
import threading
import time
import uuid
from types import TracebackType
from typing import Any

from sweep.errors import LeaseLost, Problem, SweepError
from sweep.store.storage import Location

KEY = ".sweep/lease"
HEARTBEAT_SECONDS = 5.0
STALE_SECONDS = 60.0


class Lease:
    """The right to write to a store, kept alive by a heartbeat, given back at the end.

    A launcher that died leaves its lease behind. It is taken over at once when that process is known to be dead, or
    when its heartbeat is older than `STALE_SECONDS`. The former holder's workers notice that the token changed and stop
    writing (`check`).

    Parameters
    ----------
    location : Location
    facts : mapping
        What others should be told of this launch, such as when it began and what was done by then.

    Raises
    ------
    SweepError
        On entering, when another launcher holds the store.
    """

    def __init__(self, location: Location, facts: dict[str, Any]) -> None:
        self.location = location
        self.token = uuid.uuid4().hex
        self._facts = {**facts, "token": self.token, "host": socket.gethostname(), "pid": os.getpid(), "user": _user()}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> Lease:
        holder = read_lease(self.location)
        if holder is not None:
            if is_alive(holder):
                raise SweepError(Problem(self.location.place, _held_by(holder)))
            self.location.delete(KEY)
        self.location.put_if_absent(KEY, self._document())
        if not holds(self.location, self.token):
            raise SweepError(Problem(self.location.place, _held_by(read_lease(self.location) or {})))
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()
        if holds(self.location, self.token):
            self.location.delete(KEY)

    def _document(self) -> bytes:
        return json.dumps({**self._facts, "heartbeat": time.time()}).encode()

    def _beat(self) -> None:
        while not self._stop.wait(HEARTBEAT_SECONDS):
            if not holds(self.location, self.token):
                return  # taken over; the workers find the same and stop
            self.location.put(KEY, self._document())


def read_lease(location: Location) -> dict[str, Any] | None:
    """Return what the store's present launcher says of itself, None when there is none."""
    return location.get_json(KEY)


def holds(location: Location, token: str) -> bool:
    """Return whether the lease is still the one with this token."""
    return (read_lease(location) or {}).get("token") == token


def check(location: Location, token: str) -> None:
    """Raise LeaseLost unless the lease is still the one with this token."""
    if not holds(location, token):
        raise LeaseLost(Problem(location.place, "another launcher has taken over this store; this one stops"))


def is_alive(holder: dict[str, Any]) -> bool:
    """Return whether the launcher that wrote this lease still runs, as far as can be known from here."""
    if time.time() - holder.get("heartbeat", 0.0) > STALE_SECONDS:
        return False
    return holder.get("host") != socket.gethostname() or _process_exists(int(holder.get("pid", 0)))


def _process_exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _held_by(holder: dict[str, Any]) -> str:
    who = f"{holder.get('user', '?')} on {holder.get('host', '?')}, process {holder.get('pid', '?')}"
    return f"another launch is writing here ({who}); wait for it, stop it, or choose another --store"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
