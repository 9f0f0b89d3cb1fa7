"""What can befall a launch and a store, inside this process: a kill at a write, an interruption, damaged files."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import marks

WRITES = ("replace", "link", "unlink", "rmdir")  # of `os`: each puts a file in place or takes one away


class Killed(BaseException):
    """The process is dead: nothing that it does from now on reaches the disk."""


@cache
def dead_process() -> int:
    """Return the number of a process that is no more."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


@contextmanager
def killed_at(step: int, store: Path) -> Iterator[list[str]]:
    """Die at a write into the store, before it is done; yield the list of the files that were written by then.

    The launch believes to be the process `dead_process`, so that whoever looks for it afterwards finds it dead.
    """
    written: list[str] = []
    lock = threading.Lock()

    def deadly(act: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(path: Any, *rest: Any, **options: Any) -> Any:
            if str(store) in str(os.fspath(path)):
                with lock:
                    if len(written) + 1 >= step:
                        raise Killed
                    written.append(str(path))
            return act(path, *rest, **options)

        return wrapped

    patches = [mock.patch.object(os, name, deadly(getattr(os, name))) for name in WRITES]
    with mock.patch.object(os, "getpid", return_value=dead_process()):
        for patch in patches:
            patch.start()
        try:
            yield written
        except Killed:
            pass
        finally:
            for patch in patches:
                patch.stop()


@contextmanager
def interrupted_at(block: int) -> Iterator[None]:
    """Ask the launch to stop, as Ctrl-C does, before it computes a block."""
    calls = 0

    def interrupt() -> None:
        nonlocal calls
        calls += 1
        if calls == block:
            signal.raise_signal(signal.SIGINT)

    marks.BEFORE_BLOCK.append(interrupt)
    try:
        yield
    finally:
        marks.BEFORE_BLOCK.remove(interrupt)


@contextmanager
def failing_at(label: float | None) -> Iterator[None]:
    """Let the points at a label x raise."""
    marks.FAILING.update([] if label is None else [label])
    try:
        yield
    finally:
        marks.FAILING.clear()


def flip(file: Path, where: int = 0) -> None:
    raw = bytearray(file.read_bytes())
    if raw:
        raw[where % len(raw)] ^= 1 << where % 8
        file.write_bytes(raw)


def cut(file: Path, where: int = 0) -> None:
    raw = file.read_bytes()
    file.write_bytes(raw[: where % max(1, len(raw))])


def empty(file: Path, where: int = 0) -> None:
    file.write_bytes(b"")


def zero(file: Path, where: int = 0) -> None:
    file.write_bytes(bytes(file.stat().st_size))


def delete(file: Path, where: int = 0) -> None:
    file.unlink()


DAMAGES: dict[str, Callable[[Path, int], None]] = {
    "flip": flip,
    "cut": cut,
    "empty": empty,
    "zero": zero,
    "delete": delete,
}
