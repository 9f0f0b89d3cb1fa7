"""Where a store lives: a local path or an object-store URL, behind one set of calls."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import obstore
from zarr.abc.store import Store as ZarrStore
from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import sync
from zarr.storage import LocalStore, ObjectStore

from sweep.errors import Problem, SweepError

# What reading or writing a place may raise when it is not to be had.
UNAVAILABLE: tuple[type[Exception], ...] = (OSError, obstore.exceptions.BaseError)
_UNFINISHED = re.compile(r"\.[0-9a-f]{32}\.partial$")  # what zarr writes before it puts a file in place


class Location:
    """Named bytes at a path or URL. Every put is atomic: a reader sees the old bytes or the new, never a part.

    Parameters
    ----------
    place : str
        A local path, or a URL such as ``s3://bucket/run.zarr`` (credentials and endpoint come from the environment, as
        for the cloud's own tools).
    """

    def __init__(self, place: str) -> None:
        self.place = place
        self.zarr = _open(place)

    @property
    def local_path(self) -> Path | None:
        """Return the folder of a local store, None for an object store."""
        return self.zarr.root if isinstance(self.zarr, LocalStore) else None

    def get(self, key: str) -> bytes | None:
        """Return the bytes at `key`, None when there are none."""
        if self._absent():
            return None
        buffer = sync(self.zarr.get(key, default_buffer_prototype()))
        return None if buffer is None else buffer.to_bytes()

    def put(self, key: str, value: bytes) -> None:
        """Put bytes in place of those at `key`."""
        sync(self.zarr.set(key, default_buffer_prototype().buffer.from_bytes(value)))

    def put_if_absent(self, key: str, value: bytes) -> None:
        """Put bytes at `key` unless there are some; one of several racing callers wins."""
        sync(self.zarr.set_if_not_exists(key, default_buffer_prototype().buffer.from_bytes(value)))

    def delete(self, key: str) -> None:
        """Remove the bytes at `key`, if there are any."""
        sync(self.zarr.delete(key))

    def list(self, prefix: str) -> list[str]:
        """Return all keys that begin with `prefix`."""

        async def collect() -> list[str]:
            return [key async for key in self.zarr.list_prefix(prefix) if not _UNFINISHED.search(key)]

        return [] if self._absent() else sorted(sync(collect()))

    def sizes(self, prefix: str) -> dict[str, int]:
        """Return all keys that begin with `prefix`, with their sizes in bytes."""
        if self.local_path is None:
            return dict.fromkeys(self.list(prefix), 1)
        return {key: (self.local_path / key).stat().st_size for key in self.list(prefix)}

    def flush(self) -> None:
        """Flush."""

    def clear_unfinished(self, spare: str) -> None:
        """Remove what killed writers left half made, but not beside the key `spare`, which others may be writing."""
        if self.local_path is None or self._absent():
            return  # object stores show nothing of a put that was cut short
        for file in self.local_path.rglob("*.partial"):
            key = file.relative_to(self.local_path).as_posix()
            if _UNFINISHED.search(key) and not key.startswith(f"{spare}."):
                file.unlink(missing_ok=True)

    def _absent(self) -> bool:
        """Return whether the folder is not there; to look into it with zarr would make it."""
        return self.local_path is not None and not self.local_path.exists()

    def get_json(self, key: str) -> dict[str, Any] | None:
        """Return the JSON document at `key`, None when there is none."""
        raw = self.get(key)
        return None if raw is None else json.loads(raw)

    def check_writable(self, nbytes: int) -> None:
        """Raise SweepError unless `nbytes` more can be written here; creates nothing."""
        if self.local_path is None:
            return
        folder = next(parent for parent in (self.local_path, *self.local_path.parents) if parent.exists())
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


def _open(place: str) -> ZarrStore:
    if "://" not in place:
        return LocalStore(Path(place).absolute())
    try:
        return ObjectStore(obstore.store.from_url(place))
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
