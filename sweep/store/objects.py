"""A bucket as a home of named bytes: every put is atomic and durable by the service; what is left is who may write.

A put looks at the version of what is there, asks the fence, and puts on the condition that the version is still that.
Whoever was frozen in between, and succeeded, finds the version changed where its successor has written. Services
without conditional puts are asked the fence only, and what was under way when a launcher was succeeded may then land.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from typing import Any

import obstore
from obstore.store import ObjectStore as Bucket
from zarr.core.buffer import Buffer
from zarr.storage import ObjectStore

from sweep.errors import LeaseLost, Problem
from sweep.store.files import ATTEMPTS, Fence

SETTLE_SECONDS = 1.0  # how long a put may be under way at a service that has no exclusive creation
_CONFLICT = (obstore.exceptions.PreconditionError, obstore.exceptions.AlreadyExistsError)
_NOT_CONDITIONAL = (obstore.exceptions.NotSupportedError, NotImplementedError)
PROBE = ".sweep/clock/"


class Objects:
    """Named bytes in a bucket.

    Parameters
    ----------
    bucket : obstore store
    writer : str
        32 hexadecimal digits that no other process has.
    """

    def __init__(self, bucket: Bucket, writer: str) -> None:
        self.bucket, self.writer = bucket, writer
        self.fence: Fence | None = None
        self._conditional = True

    @property
    def zarr(self) -> BucketStore:
        """Return the bucket as Zarr wants it."""
        return BucketStore(self.bucket, objects=self)

    def get(self, key: str) -> bytes | None:
        """Return the bytes at `key`, None when there are none."""
        try:
            return bytes(obstore.get(self.bucket, key).bytes())
        except FileNotFoundError:
            return None

    def exists(self, key: str) -> bool:
        """Return whether there are bytes at `key`."""
        return self._head(key) is not None

    def _head(self, key: str) -> Any:
        try:
            return obstore.head(self.bucket, key)
        except FileNotFoundError:
            return None

    def put(self, key: str, value: Any) -> None:
        """Put bytes in place of those at `key`.

        Raises
        ------
        LeaseLost
            When the fence says so.
        """
        for _ in range(ATTEMPTS):
            condition: Any = self._condition(key) if self.fence is not None else "overwrite"
            self._check()
            try:
                obstore.put(self.bucket, key, value, mode=condition)
            except _CONFLICT:
                continue  # if by a successor, the fence will say so
            except _NOT_CONDITIONAL:
                self._conditional = False
                continue
            return
        raise LeaseLost(Problem(key, "is being changed by someone else, again and again"))

    def _condition(self, key: str) -> Any:
        if not self._conditional:
            return "overwrite"
        head = self._head(key)
        return "create" if head is None else {name: head[name] for name in ("e_tag", "version") if head[name]}

    def put_if_absent(self, key: str, value: Any) -> bool:
        """Put bytes at `key` unless there are some, and return whether they were put: one of several callers wins."""
        self._check()
        try:
            obstore.put(self.bucket, key, value, mode="create")
        except _CONFLICT:
            return False
        except _NOT_CONDITIONAL:
            return self._put_and_settle(key, bytes(value))
        return True

    def _put_and_settle(self, key: str, value: bytes) -> bool:
        """Put, and see whose bytes are there when all who put at the same time must have ended: theirs differ."""
        if self.exists(key):
            return False
        obstore.put(self.bucket, key, value)
        time.sleep(SETTLE_SECONDS)
        return self.get(key) == value

    def _check(self) -> None:
        if self.fence is not None:
            self.fence()

    def delete(self, key: str) -> None:
        """Remove the bytes at `key`, if there are any."""
        self._check()
        with contextlib.suppress(FileNotFoundError):
            obstore.delete(self.bucket, key)

    def delete_folder(self, key: str) -> None:
        """Remove all keys below `key`."""
        self._check()
        keys = list(self.keys(f"{key.rstrip('/')}/" if key else ""))
        if keys:
            obstore.delete(self.bucket, keys)

    def flush(self) -> None:
        """Return at once: what a bucket has taken is on its disks."""

    def sizes(self, prefix: str) -> Iterator[tuple[str, int]]:
        """Yield the keys that begin with `prefix`, with their sizes in bytes."""
        for batch in obstore.list(self.bucket, prefix=prefix.rpartition("/")[0] or None):
            for item in batch:
                if item["path"].startswith(prefix) and not item["path"].startswith(PROBE):
                    yield item["path"], item["size"]

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield the keys that begin with `prefix`."""
        return (key for key, _ in self.sizes(prefix))

    def clear_unfinished(self, writer: str | None) -> None:
        """Return at once: a bucket shows nothing of a put that was cut short."""

    def age(self, key: str) -> float | None:
        """Return how many seconds ago `key` was written, by the clock of the bucket; None when it is not there."""
        head = self._head(key)
        if head is None:
            return None
        probe = f"{PROBE}{self.writer}"
        obstore.put(self.bucket, probe, b"\0")
        now = obstore.head(self.bucket, probe)["last_modified"]
        obstore.delete(self.bucket, probe)
        return float((now - head["last_modified"]).total_seconds())


class BucketStore(ObjectStore[Bucket]):
    """Zarr's store of objects, which writes as `Objects` does."""

    def __init__(self, store: Bucket, *, read_only: bool = False, objects: Objects) -> None:
        super().__init__(store, read_only=read_only)
        self.objects = objects

    def with_read_only(self, read_only: bool = False) -> BucketStore:
        """Return the same store, to be read only or not."""
        return type(self)(self.store, read_only=read_only, objects=self.objects)

    async def set(self, key: str, value: Buffer) -> None:
        """Put a buffer in place."""
        self._check_writable()
        await asyncio.to_thread(self.objects.put, key, value.as_buffer_like())

    async def set_if_not_exists(self, key: str, value: Buffer) -> None:
        """Put a buffer where there is none."""
        self._check_writable()
        await asyncio.to_thread(self.objects.put_if_absent, key, value.as_buffer_like())

    async def delete(self, key: str) -> None:
        """Remove a key, if it is there."""
        self._check_writable()
        await asyncio.to_thread(self.objects.delete, key)
