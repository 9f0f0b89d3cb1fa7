"""Exhibits, made and written one after the other, or by several processes side by side, this one among them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

import matplotlib as mpl
import xarray as xr
from threadpoolctl import threadpool_limits

from sweep.analysis.exhibits.exhibit import Absent, Exhibit, Failed, Maker, failed
from sweep.analysis.exhibits.style import TEXT
from sweep.analysis.report.files import files_of

WORTH = 4  # exhibits for each process: its imports take two seconds, as long as one or two exhibits


class Made(NamedTuple):
    """An exhibit that is written, and its figure as PNG; or why there is none."""

    result: Exhibit | Absent | Failed
    image: bytes = b""


class Making(NamedTuple):
    """What exhibits are made of.

    Parameters
    ----------
    tree : DataTree
    makers : sequence of Maker
    folder : Path
        Where their files go.
    header : sequence of str
        What each CSV says of itself.
    """

    tree: xr.DataTree
    makers: Sequence[Maker]
    folder: Path
    header: Sequence[str]

    def made(self, number: int) -> Made:
        """Make an exhibit and write its files."""
        maker = self.makers[number]
        try:
            # Matrices are small: threads would wait for each other.
            with threadpool_limits(1), mpl.rc_context(TEXT):
                result = maker(self.tree)
                files = files_of(result, self.header) if isinstance(result, Exhibit) else {}
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one: all others are made
            return Made(failed(maker, error))
        for name, content in files.items():
            (self.folder / name).write_bytes(content)
        return Made(result, next(iter(files.values()), b""))

    def all_made(self, processes: int = 1) -> Iterator[tuple[int, Made]]:
        """Yield all exhibits with their numbers, as they are made.

        Parameters
        ----------
        processes : int
            How many are made at once at most, one of them in this process. Others are started where that is worth it;
            what such a process leaves when it is killed, for want of memory say, is made in this one.
        """
        left = deque(reversed(range(len(self.makers))))  # the last take longest
        others = min(processes, len(self.makers) // WORTH) - 1
        if others > 0:
            yield from self._made_with(others, left)
        else:
            yield from ((number, self.made(number)) for number in left)

    def _made_with(self, others: int, left: deque[int]) -> Iterator[tuple[int, Made]]:
        done = SimpleQueue[tuple[int, Made | None]]()
        # Not forked: this process has threads, Zarr's at least, and a lock that one of them holds would never open.
        starting = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(others, starting, _begin, (self.made,)) as pool:
            try:
                for _ in range(others):
                    threading.Thread(target=_hand_out, args=(pool, left, done)).start()
                for _ in self.makers:
                    own = _taken(left) if done.empty() else None
                    number, found = done.get() if own is None else (own, None)
                    yield number, found or self.made(number)
            finally:
                left.clear()


def _taken(left: deque[int]) -> int | None:
    try:
        return left.popleft()
    except IndexError:
        return None


def _hand_out(pool: ProcessPoolExecutor, left: deque[int], done: SimpleQueue[tuple[int, Made | None]]) -> None:
    """Have another process make one exhibit after the other; tell of those that it could not make."""
    # It inherits from this thread that Ctrl-C is blocked, until it is ready to end without a word.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    while (number := _taken(left)) is not None:
        try:
            done.put((number, pool.submit(_go_on, number).result()))
        except Exception:  # noqa: BLE001 - it was killed, or could not be started: whatever it is, this process makes it
            done.put((number, None))


_made: Callable[[int], Made]  # of a process that makes exhibits: what it is there for


def _begin(made: Callable[[int], Made]) -> None:
    """Begin as such a process, which Ctrl-C ends at once: the one that waits for it says what there is to say."""
    global _made  # noqa: PLW0603 - that is how a process keeps what it is given once
    _made = made
    threading.Thread(target=_end_with_the_one_that_waits, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _end_with_the_one_that_waits() -> None:
    """End this process as soon as nobody waits for it: that one was killed."""
    if waiting := multiprocessing.parent_process():
        waiting.join()
    os._exit(1)


def _go_on(number: int) -> Made:
    return _made(number)
