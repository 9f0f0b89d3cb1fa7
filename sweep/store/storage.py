"""Where a store lives: a local path or an object-store URL, behind one set of calls."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import obstore
from zarr.abc.store import Store as ZarrStore

from sweep.errors import Problem, SweepError, reason
from sweep.store.files import Fence, Files
from sweep.store.objects import Objects

if TYPE_CHECKING:
    from obstore.store import RetryConfig

# What reading or writing a place may raise when it is not to be had.
_ONE_SLASH = re.compile(r"([a-z][a-z0-9+.-]+):/(?!/)")  # two letters or more: no drive of Windows
UNAVAILABLE: tuple[type[Exception], ...] = (OSError, obstore.exceptions.BaseError)
JOB_FOLDER = "/_ray_pkg_"  # in the path of the folder into which Ray unpacks what comes with a job

AT_ONCE = 8  # requests to a service
# The client's own number of attempts is used up in three seconds; here only time counts.
PATIENT: RetryConfig = {
    "max_retries": 1000,
    "retry_timeout": timedelta(seconds=60),
    "backoff": {"max_backoff": timedelta(seconds=2)},
}


def damage(error: Exception) -> str:
    """Return in one line what is damaged, as an error of reading tells; raise that error again if the place is away.

    A store that does not answer, or may not be read, is not damaged: nothing of it may be taken back for that. A disk
    that cannot read a file is.
    """
    if isinstance(error, UNAVAILABLE) and getattr(error, "errno", None) != errno.EIO:
        raise error
    return reason(error)


@contextmanager
def reaching(place: str) -> Iterator[None]:
    """Say in words when the place cannot be read or written."""
    try:
        yield
    except UNAVAILABLE as error:
        why = getattr(error, "strerror", None) or (str(error).splitlines() or [type(error).__name__])[0]
        what = f"cannot read or write the store: {why}; choose another place with --store"
        raise SweepError(Problem(place, what)) from error


class Location:
    """Named bytes at a path or URL. Every put is atomic: a reader sees the old bytes or the new, never a part.

    Parameters
    ----------
    place : str
        A local path (``~`` is the home, as in a shell), or a URL such as ``s3://bucket/run.zarr`` (credentials and
        endpoint come from the environment, as for the cloud's own tools); ``file:///run.zarr`` is a local path.
    durable : bool, optional
        Whether what is put outlives a power cut: data with the next `flush`, what `put` puts at once. Without it,
        writing is faster. By default what the environment says: yes, unless SWEEP_FSYNC is ``off``.
    writer : str, optional
        32 hexadecimal digits that name who writes, for `clear_unfinished` and the fence; drawn anew by default.
    patient : bool
        Whether a service that was reached before, and does not answer, is asked again for a minute. Otherwise it is
        given up in seconds, as is right for a URL that may be mistaken.

    Attributes
    ----------
    fence : () -> None, optional
        Asked before anything that is written gets in place; it raises LeaseLost when the writer must stop.
    """

    def __init__(
        self, place: str, durable: bool | None = None, writer: str | None = None, patient: bool = False
    ) -> None:
        self.place, self.writer, self.patient = _meant(place), writer or uuid.uuid4().hex, patient
        self.durable = os.environ.get("SWEEP_FSYNC") != "off" if durable is None else durable
        self._home = _open(self.place, self.durable, self.writer, patient)
        self.zarr: ZarrStore = self._home.zarr

    def __reduce__(self) -> tuple[type[Location], tuple[str, bool, str, bool]]:
        # elsewhere the working directory is another
        return Location, (str(self.local_path or self.place), self.durable, self.writer, self.patient)

    def for_another(self) -> Location:
        """Return the same place for another writer."""
        return Location(self.place, self.durable, patient=self.patient)

    @property
    def fence(self) -> Fence | None:
        """Return what is asked before each put."""
        return self._home.fence

    @fence.setter
    def fence(self, fence: Fence | None) -> None:
        self._home.fence = fence

    @property
    def local_path(self) -> Path | None:
        """Return the folder of a local store, None for an object store."""
        return self._home.root if isinstance(self._home, Files) else None

    def get(self, key: str) -> bytes | None:
        """Return the bytes at `key`, None when there are none."""
        return self._home.get(key)

    def exists(self, key: str) -> bool:
        """Return whether there are bytes at `key`."""
        return self._home.exists(key)

    def put(self, key: str, value: bytes, at_once: bool = True) -> None:
        """Put bytes in place of those at `key`; on the disk for good at once, or with the next `flush`."""
        self._home.put(key, value)
        if at_once:
            self.flush()

    def put_if_absent(self, key: str, value: bytes) -> bool:
        """Put bytes at `key` unless there are some, and return whether they were put: one of several callers wins."""
        won = self._home.put_if_absent(key, value)
        self.flush()
        return won

    def delete(self, key: str) -> None:
        """Remove the bytes at `key`, if there are any."""
        self._home.delete(key)

    def delete_prefix(self, prefix: str) -> None:
        """Remove all keys that begin with `prefix`."""
        if prefix.endswith("/"):
            self._home.delete_folder(prefix)
        for key in self.list(prefix):
            self._home.delete(key)

    def flush(self) -> None:
        """Return when all that was put is on the disk, to be found again after a power cut."""
        self._home.flush()

    def list(self, prefix: str) -> list[str]:
        """Return all keys that begin with `prefix`."""
        return sorted(self._home.keys(prefix))

    def sizes(self, prefix: str) -> dict[str, int]:
        """Return all keys that begin with `prefix`, with their sizes in bytes, by one listing."""
        return dict(sorted(self._home.sizes(prefix)))

    def clear_unfinished(self, writer: str | None = None) -> None:
        """Remove what `writer` left half made, by default what all other writers left: none of it gets in place."""
        self._home.clear_unfinished(writer)

    def together(self, acts: Sequence[Callable[[], object]]) -> None:
        """Do what may be done in any order: side by side where each act waits for a service."""
        if self.local_path is not None or len(acts) < 2:
            for act in acts:
                act()
            return
        with ThreadPoolExecutor(min(len(acts), AT_ONCE)) as pool:
            for done in [pool.submit(act) for act in acts]:
                done.result()

    def age(self, key: str) -> float | None:
        """Return how many seconds ago `key` was written, by the clock of the store; None when it is not there."""
        return self._home.age(key)

    def get_json(self, key: str) -> dict[str, Any] | None:
        """Return the JSON document at `key`, None when there is none."""
        raw = self.get(key)
        return None if raw is None else json.loads(raw)

    def check_writable(self, nbytes: int) -> None:
        """Raise SweepError unless `nbytes` more can be written here; creates nothing."""
        if self.local_path is None:
            return
        if JOB_FOLDER in str(self.local_path):
            what = "a Ray job's folder is gone when the job is: give --store a path from the root that all machines see"
            raise SweepError(Problem(self.place, f"{what}, or a URL"))
        folder = next(parent for parent in (self.local_path, *self.local_path.parents) if os.path.lexists(parent))
        if folder.is_symlink() and not folder.exists():
            what = (
                f"{folder} is a link to {os.readlink(folder)}, which is not there; make that folder, or choose another"
            )
            raise SweepError(Problem(self.place, f"{what} place with --store"))
        if not folder.is_dir():
            raise SweepError(Problem(self.place, f"{folder} is a file; wanted a folder to write the store in"))
        if not os.access(folder, os.W_OK | os.X_OK):
            raise SweepError(Problem(self.place, f"cannot write in {folder}; choose another place with --store"))
        free = shutil.disk_usage(folder).free
        if nbytes > free:
            raise SweepError(
                Problem(
                    self.place,
                    f"no room: the plan needs up to {human_bytes(nbytes)} and {folder} has {human_bytes(free)} free; "
                    "make room or choose another place with --store",
                )
            )


def _meant(place: str) -> str:
    """Return the path that is meant by a URL of a file, or by a home; any other place is what it says."""
    if not place:
        raise SweepError(Problem("the store", "found an empty path; wanted one such as runs/NAME.zarr, or a URL"))
    if not place.startswith("file:"):
        return place if "://" in place else os.path.expanduser(place)
    url = urlsplit(place)
    if url.netloc not in ("", "localhost") or not url.path.startswith("/"):
        raise SweepError(Problem(place, "wanted a path, or a URL with three slashes: file:///folder/NAME.zarr"))
    return unquote(url.path)


def _open(place: str, durable: bool, writer: str, patient: bool) -> Files | Objects:
    if slip := _ONE_SLASH.match(place):
        meant = f"{slip[1]}://{place[slip.end() :]}"
        raise SweepError(Problem(place, f"found a URL with one slash; did you mean {meant}?"))
    if "://" not in place:
        return Files(Path(place).absolute(), writer, durable)
    try:
        return Objects(obstore.store.from_url(place, retry_config=PATIENT if patient else None), writer)
    except (obstore.exceptions.BaseError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise SweepError(Problem(place, f"cannot open this URL as an object store: {reason}")) from error


def human_bytes(nbytes: float) -> str:
    """Return a size for people, in powers of 1000."""
    for unit in ("B", "kB", "MB", "GB"):
        if nbytes < 1000:
            return f"{nbytes:.3g} {unit}"
        nbytes /= 1000
    return f"{nbytes:.3g} TB"


def place_of(store: str | None, name: str) -> str:
    """Return where the results of a grid of that name go: where it is told, or where such go that are not."""
    return str(Path("runs") / f"{name}.zarr") if store is None else store
