"""One launcher at a time: whoever holds a store's lease may write to it.

Whoever wants the lease creates the next of the numbered keys ``.sweep/epochs/<n>``, which only one can, and then puts
the document that says who it is. The store belongs to the document whose epoch is the highest: a former holder that
was asleep finds a higher one before it writes (`check`). Launchers of earlier versions know the document only; theirs
have no epoch and are respected, as ours are by them.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
import uuid
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Any

from sweep.errors import GivenUp, LeaseLost, Problem, SweepError
from sweep.store import holder as holders
from sweep.store.files import Fence
from sweep.store.storage import UNAVAILABLE, Location

KEY = ".sweep/lease"
SAID = {"token", "host", "pid", "heartbeat"}  # by whoever holds the store
EPOCHS = ".sweep/epochs/"
HEARTBEAT_SECONDS = 5.0
LOOK_SECONDS = 1.0  # between two looks at a holder that is watched or waited for
CLAIM_SECONDS = 5.0  # how long one who has created an epoch may take to say who it is


class Lease:
    """The right to write to a store, kept alive by a heartbeat, given back at the end.

    A launcher that died leaves its lease behind. It is taken over at once when that process is known to be dead, else
    when it gives no sign of life, as `Watch` says. As long as the lease is held, it is the location's fence.

    Parameters
    ----------
    location : Location
    facts : mapping
        What others should be told of this launch, such as when it began and what was done by then.
    force : bool
        Take it from whoever holds it, alive or not.
    turn : () -> int, optional
        Returns the number of the latest take-over when nobody holds the store; `await_turn` by default.

    Attributes
    ----------
    saying : () -> dict
        What else each sign of life says, such as how the launch is getting on.

    Raises
    ------
    SweepError
        On entering, when another launcher holds the store.
    """

    def __init__(
        self,
        location: Location,
        facts: dict[str, Any],
        *,
        force: bool = False,
        turn: Callable[[], int] | None = None,
    ) -> None:
        self.location = location
        self.token = uuid.uuid4().hex
        self.epoch = 0
        self._facts = {**facts, "token": self.token, **holders.own_facts()}
        self._turn = partial(highest_epoch, location) if force else turn or partial(await_turn, location)
        self.saying: Callable[[], dict[str, Any]] = dict
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> Lease:
        self.epoch = self._claim()
        self.location.fence = self._still_highest
        try:
            self._say()
            self.location.clear_unfinished()
            if not holds(self.location, self.token):
                self._say()  # a put of the former holder that was under way has come in between: now none is left
        except LeaseLost as error:
            self.location.fence = None
            raise _refusal(self.location) from error
        self.location.fence = fence_of(self.location, self.token)
        for key, number in _epochs(self.location):
            if number < self.epoch:
                self.location.delete(key)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()
        with contextlib.suppress(LeaseLost, *UNAVAILABLE):
            self.location.put(KEY, json.dumps({"epoch": self.epoch, "released": True}).encode())
        self.location.fence = None

    def _claim(self) -> int:
        """Create the next epoch and return it, when nobody holds the store."""
        while not self.location.put_if_absent(_epoch(epoch := self._turn() + 1), self.token.encode()):
            pass  # another was faster, and will have said so when it is one's turn again
        return epoch

    def _still_highest(self) -> None:
        if highest_epoch(self.location) != self.epoch:
            raise LeaseLost(Problem(self.location.place, "another launcher was faster"))

    def _say(self) -> None:
        said = {**self._facts, **self.saying(), "epoch": self.epoch, "heartbeat": time.time()}
        self.location.put(KEY, json.dumps(said).encode())

    def _beat(self) -> None:
        while not self._stop.wait(HEARTBEAT_SECONDS):
            try:
                if self._is_succeeded():
                    return  # the workers find the same and stop
            except Exception:  # noqa: BLE001 - whatever it is, it may pass; if it does not, another may take over
                continue

    def _is_succeeded(self) -> bool:
        """Give a sign of life; return whether another holds the store for certain, as none does of one that is away."""
        try:
            check(self.location, self.token)  # first: where the folder of a store is away, none is to be made
            self._say()
        except LeaseLost:
            return bool(_document(self.location)) and not holds(self.location, self.token)
        return False


def await_turn(
    location: Location, wait: Callable[[], bool] = lambda: False, tell: Callable[[str], None] = lambda _: None
) -> int:
    """Return the number of the latest take-over when nobody holds the store.

    Parameters
    ----------
    location : Location
    wait : () -> bool
        Asked now and then while another launcher holds it: whether to go on waiting for its end.
    tell : str -> None
        Told of whom is waited for, or watched.

    Raises
    ------
    SweepError
        When another launcher holds it and is not waited for.
    """
    watch, told = holders.Watch(), ""
    while True:
        highest, document = highest_epoch(location), _document(location)
        lives = False if _is_free(document) else watch.lives(document, partial(location.age, KEY))
        if lives is False and (document.get("epoch", 0) >= highest or _is_past(location.age(_epoch(highest)))):
            return highest
        if lives and not wait():
            raise _refusal(location)
        if lives is not False and (what := _awaited(document, lives)) != told:
            told = what
            tell(what)
        time.sleep(CLAIM_SECONDS / 50 if lives is False else LOOK_SECONDS)  # or someone is about to say who it is


def _awaited(document: dict[str, Any], lives: bool | None) -> str:
    who = holders.describe(document)
    if lives:
        return f"waiting for another launch that is writing here ({who})"
    return f"the launch that was writing here ({who}) gives no sign of life; watched a while before it is succeeded"


def _refusal(location: Location) -> SweepError:
    who, place = holders.describe(read_lease(location) or {}), location.place
    ways = f"wait for it (--wait), stop it, choose another --store, or break its hold: sweep unlock {place}"
    return SweepError(Problem(place, f"another launch is writing here ({who}); {ways}"))


def check(location: Location, token: str) -> None:
    """Raise LeaseLost unless the lease still has this token; GivenUp when the launch goes on without this writer."""
    document = _document(location)
    if not _is_of(location, document, token):
        raise LeaseLost(Problem(location.place, "another launcher has taken over this store; this one stops"))
    if location.exists(_revoked(document.get("epoch", 0), location.writer)):
        raise GivenUp(Problem(location.place, "the launch has given up this worker; it stops"))


def fence_of(location: Location, token: str) -> Fence:
    """Return the fence of a writer of the launch whose lease has this token."""
    return partial(check, location, token)


def revoke(location: Location, writer: str) -> None:
    """Give up a worker of the launch that holds the store: it puts nothing in place any more, alive or not."""
    location.put(_revoked(_document(location).get("epoch", 0), writer), b"")
    location.clear_unfinished(writer)


def read_lease(location: Location) -> dict[str, Any] | None:
    """Return what the store's present launcher says of itself, None when there is none."""
    document = _document(location)
    return document if document and "released" not in document else None


def holds(location: Location, token: str) -> bool:
    """Return whether the lease is still the one with this token, and nobody is about to succeed it."""
    return _is_of(location, _document(location), token)


def living_holder(location: Location) -> dict[str, Any] | None:
    """Return what the store's present launcher says of itself if, as far as can be known from here, it lives."""
    document = _document(location)
    return document if _alive(location, document) else None


def highest_epoch(location: Location) -> int:
    """Return the number of the latest take-over, 0 when there was none."""
    return max((number for _, number in _epochs(location)), default=0)


def _is_of(location: Location, document: dict[str, Any], token: str) -> bool:
    """Return whether a lease document has this token and no later epoch was begun."""
    later = "epoch" in document and location.exists(_epoch(document["epoch"] + 1))
    return document.get("token") == token and not later


def _is_free(document: dict[str, Any]) -> bool:
    return not document or "released" in document


def _alive(location: Location, document: dict[str, Any]) -> bool:
    return not _is_free(document) and holders.is_alive(document, location.age(KEY))


def _document(location: Location) -> dict[str, Any]:
    """Return the lease document; an empty one where there is none, or what is there is damaged or was cut short."""
    try:
        document = location.get_json(KEY)
    except ValueError:
        return {}
    if not isinstance(document, dict) or not ("released" in document or document.keys() >= SAID):
        return {}
    return document


def _epochs(location: Location) -> list[tuple[str, int]]:
    """Return the keys of epochs, and of the writers revoked in them, with their numbers."""
    names = [(key, key.removeprefix(EPOCHS).partition(".")[0]) for key in location.list(EPOCHS)]
    return [(key, int(number)) for key, number in names if number.isdigit()]


def _is_past(age: float | None) -> bool:
    """Return whether an epoch is so old, or gone, that nobody is about to say that it is theirs."""
    return age is None or age > CLAIM_SECONDS


def _epoch(number: int) -> str:
    return f"{EPOCHS}{number:08d}"


def _revoked(epoch: int, writer: str) -> str:
    return f"{_epoch(epoch)}.{writer}"
