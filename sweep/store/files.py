"""A folder as a home of named bytes: every file is on the disk before it is in place, and nobody's put lands too late.

A put writes ``NAME.<writer>.partial``, flushes it to the disk, asks the fence whether the writer may still write, and
renames. A writer that was frozen between these steps wakes up either before the fence, which stops it, or after it:
then its successor has removed the unfinished file (`Files.clear_unfinished`), and the rename finds nothing. Folders
are flushed later, once for many files (`Files.flush`).
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import itertools
import os
import re
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from zarr.core.buffer import Buffer
from zarr.storage import LocalStore

from sweep.errors import LeaseLost, Problem

Fence = Callable[[], None]
ATTEMPTS = 5
_UNFINISHED = re.compile(r"\.([0-9a-f]{32})\.partial$")
_NOT_TO_BE_FLUSHED = (errno.EINVAL, errno.ENOTSUP, errno.EBADF)  # what file systems say that cannot flush a folder


class Files:
    """Named bytes in a folder.

    Parameters
    ----------
    root : Path
    writer : str
        32 hexadecimal digits that no other process has.
    durable : bool
        Whether files and folders are flushed to the disk.
    """

    def __init__(self, root: Path, writer: str, durable: bool = True) -> None:
        self.root, self.writer, self.durable = root, writer, durable
        self.fence: Fence | None = None
        self._base = next(folder for folder in root.parents if folder.exists())
        self._changed: set[Path] = set()
        self._settled: set[Path] = set()  # folders whose own name is on the disk

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "fence": None, "_changed": set(), "_settled": set()}

    @property
    def zarr(self) -> FileStore:
        """Return the folder as Zarr wants it."""
        return FileStore(self.root, files=self)

    def get(self, key: str) -> bytes | None:
        """Return the bytes at `key`, None when there are none."""
        try:
            with open(f"{self.root}/{key}", "rb") as file:
                return file.read()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            return None

    def exists(self, key: str) -> bool:
        """Return whether there are bytes at `key`."""
        return os.path.isfile(f"{self.root}/{key}")

    # -- writing --------------------------------------------------------------------------------------------------

    def put(self, key: str, value: Any) -> None:
        """Put bytes in place of those at `key`; on the disk for good after the next `flush`.

        Raises
        ------
        LeaseLost
            When the fence says so.
        """
        path = self.root / key
        for _ in range(ATTEMPTS):
            if self._put(path, value):
                self._changed.add(path.parent)
                return
        raise LeaseLost(Problem(str(path), "was taken away before it was in place, again and again; this writer stops"))

    def _put(self, path: Path, value: Any) -> bool:
        """Return whether the file is in place; if not, someone took it away who believed that this writer was gone."""
        partial = path.with_name(f"{path.name}.{self.writer}.partial")
        try:
            self._write(partial, "wb", value)
            self._check()
            os.replace(partial, path)
        except FileNotFoundError:
            self._check()
            return False
        except IsADirectoryError:  # no writer makes one there: it is damage
            shutil.rmtree(path)
            return False
        except BaseException:
            with contextlib.suppress(OSError):
                partial.unlink()
            raise
        return True

    def put_if_absent(self, key: str, value: Any) -> bool:
        """Put bytes at `key` unless there are some, and return whether they were put: one of several callers wins.

        It takes nothing of the file system but exclusive creation. For a moment a reader may find no bytes yet.
        """
        self._check()
        path = self.root / key
        try:
            self._write(path, "xb", value)
        except FileExistsError:
            if not path.is_dir():
                return False
            self.delete(key)  # damage, as in `_put`
            return self.put_if_absent(key, value)
        self._changed.add(path.parent)
        return True

    def _write(self, path: Path, mode: str, value: Any) -> None:
        try:
            file = path.open(mode)
        except (FileNotFoundError, NotADirectoryError):
            for folder in (path.parent, *path.parent.parents):
                if self.root in folder.parents and folder.is_file():
                    folder.unlink()  # damage, as in `_put`
            path.parent.mkdir(parents=True, exist_ok=True)
            file = path.open(mode)
        with file:
            file.write(value)
            file.flush()
            if self.durable:
                os.fsync(file.fileno())

    def _check(self) -> None:
        if self.fence is not None:
            self.fence()

    def delete(self, key: str) -> None:
        """Remove what is at `key`, if there is anything: a folder with all that is in it."""
        self._check()
        path = self.root / key
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            if path.is_dir():
                shutil.rmtree(path)
                self._settled.clear()
            else:
                path.unlink()
            self._changed.add(path.parent)

    delete_folder = delete

    def flush(self) -> None:
        """Return when all that was put, or removed, is so on the disk: the folders, and where they are new those above.

        Another writer may have made a folder and not have flushed the one above; so each writer does that once.
        """
        changed: set[Path] = set()
        while self._changed:
            changed.add(self._changed.pop())
        if not self.durable:
            return
        new: set[Path] = set()
        for folder in changed:
            new.update(itertools.takewhile(self._is_new, itertools.chain((folder,), folder.parents)))
        for folder in sorted(changed | {each.parent for each in new}, key=lambda folder: -len(folder.parts)):
            _flush_folder(folder)
        self._settled |= new

    def _is_new(self, folder: Path) -> bool:
        return folder not in self._settled and folder != self._base

    # -- what is there --------------------------------------------------------------------------------------------

    def sizes(self, prefix: str) -> Iterator[tuple[str, int]]:
        """Yield the keys that begin with `prefix`, with their sizes in bytes."""
        for key, entry in self._walk(prefix):
            if not _UNFINISHED.search(key):
                with contextlib.suppress(FileNotFoundError):
                    yield key, entry.stat().st_size

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield the keys that begin with `prefix`."""
        return (key for key, _ in self._walk(prefix) if not _UNFINISHED.search(key))

    def _walk(self, prefix: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
        folder = prefix.rpartition("/")[0]
        pending = [f"{folder}/" if folder else ""]
        while pending:
            above = pending.pop()
            with (
                contextlib.suppress(FileNotFoundError, NotADirectoryError),
                os.scandir(f"{self.root}/{above}") as entries,
            ):
                for entry in entries:
                    key = f"{above}{entry.name}"
                    if entry.is_dir():
                        pending.append(f"{key}/")
                    elif key.startswith(prefix):
                        yield key, entry

    def clear_unfinished(self, writer: str | None) -> None:
        """Remove what `writer` left half made, by default what all others left."""
        for key, entry in self._walk(""):
            found = _UNFINISHED.search(key)
            if found and (found[1] != self.writer if writer is None else found[1] == writer):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(entry.path)

    def age(self, key: str) -> float | None:
        """Return how many seconds ago `key` was written, by the clock of the file system; None when it is not there."""
        path = self.root / key
        try:
            written = path.stat().st_mtime
        except (FileNotFoundError, NotADirectoryError):
            return None
        return _clock(path.parent) - written


class FileStore(LocalStore):
    """Zarr's store of files, which writes as `Files` does."""

    def __init__(self, root: Path | str, *, read_only: bool = False, files: Files | None = None) -> None:
        super().__init__(root, read_only=read_only)
        self.files = files or Files(self.root, uuid.uuid4().hex)

    def with_read_only(self, read_only: bool = False) -> FileStore:
        """Return the same store, to be read only or not."""
        return type(self)(self.root, read_only=read_only, files=self.files)

    async def _set(self, key: str, value: Buffer, exclusive: bool = False) -> None:
        if not self._is_open:
            await self._open()
        self._check_writable()
        put: Callable[[str, Any], object] = self.files.put_if_absent if exclusive else self.files.put
        await asyncio.to_thread(put, key, value.as_buffer_like())

    def set_sync(self, key: str, value: Buffer) -> None:
        """Put a buffer in place."""
        self._ensure_open_sync()
        self._check_writable()
        self.files.put(key, value.as_buffer_like())

    async def delete(self, key: str) -> None:
        """Remove a key, or a folder with all that is in it."""
        self._check_writable()
        self.files.delete(key)

    def delete_sync(self, key: str) -> None:
        """Remove a key, or a folder with all that is in it."""
        self._check_writable()
        self.files.delete(key)

    async def delete_dir(self, prefix: str) -> None:
        """Remove a folder with all that is in it."""
        self._check_writable()
        self.files.delete_folder(prefix)


def _flush_folder(folder: Path) -> None:
    """Flush the names in a folder to the disk, where the file system can."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:
        return  # it was removed since
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _NOT_TO_BE_FLUSHED:
            raise
    finally:
        os.close(handle)


def _clock(folder: Path) -> float:
    """Return the time of the file system, as a new file gets it; this machine's own where none can be written."""
    probe = folder / f"clock.{uuid.uuid4().hex}.partial"
    try:
        with probe.open("xb") as file:
            file.write(b"\0")
            file.flush()
            os.fsync(file.fileno())
            return os.fstat(file.fileno()).st_mtime
    except OSError:
        return time.time()
    finally:
        with contextlib.suppress(OSError):
            probe.unlink()
