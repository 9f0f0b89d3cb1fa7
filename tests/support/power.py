"""A disk that loses, when the power goes, what was not flushed: contents of files, and names in folders."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

Names = dict[str, bytes | None]  # of a folder: what is in each file, None for a folder
Choice = Callable[[list[Names]], Names]  # of what was flushed last, and what is there now


class Disk:
    """What of a folder is on the disk for good.

    Parameters
    ----------
    base : Path
        All that is in it now is on the disk.
    """

    def __init__(self, base: Path) -> None:
        self.base = base
        self.flushed = {file.stat().st_ino: file.read_bytes() for file in base.rglob("*") if file.is_file()}
        self.names = {Path(folder): self._names(Path(folder)) for folder, _, _ in os.walk(base)}

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Note what is flushed."""
        with mock.patch.object(os, "fsync", self._noted(os.fsync)):
            yield

    def _noted(self, fsync: Callable[[int], None]) -> Callable[[int], None]:
        def wrapped(handle: int) -> None:
            fsync(handle)
            path, facts = Path(os.readlink(f"/proc/self/fd/{handle}")), os.fstat(handle)
            if path.is_relative_to(self.base) and path.exists():
                if stat.S_ISDIR(facts.st_mode):
                    self.names[path] = self._names(path)
                else:
                    self.flushed[facts.st_ino] = path.read_bytes()

        return wrapped

    def lose_power(self, choose: Choice) -> int:
        """Leave in the folder what a power cut may leave; return how many files it has lost or put back.

        Of a name that changed since its folder was flushed there is either the old file or the new one, as `choose`
        says. A file that was not flushed is empty.
        """
        left = dict(self._left(self.base, choose))
        before = {path: path.read_bytes() for path in self.base.rglob("*") if path.is_file()}
        for path in self.base.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        for path, content in left.items():
            if content is None:
                path.mkdir()
            else:
                path.write_bytes(content)
        after = {path: content for path, content in left.items() if content is not None}
        return sum(before.get(path) != after.get(path) for path in before.keys() | after.keys())

    def _left(self, folder: Path, choose: Choice) -> Iterator[tuple[Path, bytes | None]]:
        old, new = self.names.get(folder, {}), self._names(folder) if folder.is_dir() else {}
        for name in sorted(old.keys() | new.keys()):
            side = choose([old, new])
            if name in side:
                yield folder / name, side[name]
                if side[name] is None:
                    yield from self._left(folder / name, choose)

    def _names(self, folder: Path) -> Names:
        """Return what is in a folder, each file as a power cut would leave it."""
        return {entry.name: None if entry.is_dir() else self._content(entry) for entry in os.scandir(folder)}

    def _content(self, entry: os.DirEntry[str]) -> bytes:
        content = Path(entry.path).read_bytes()
        return content if self.flushed.get(entry.inode()) == content else b""
