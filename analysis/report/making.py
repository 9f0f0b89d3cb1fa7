"""Exhibits, made and written one after the other, or by several processes side by side."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
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

    def all_made(self, processes: int = 1) -> Iterator[Made]:
        """Yield all exhibits in their order.

        Parameters
        ----------
        processes : int
            How many are made at once at most. Where it is worth it, that many processes are started; where one of them
            is killed, for want of memory say, this one makes what is left.
        """
        ready, worthy = 0, min(processes, len(self.makers) // WORTH)
        if worthy > 1:
            try:
                for one in self._made_by(worthy):
                    ready += 1
                    yield one
            except BrokenProcessPool:
                pass
        yield from map(self.made, range(ready, len(self.makers)))

    def _made_by(self, processes: int) -> Iterator[Made]:
        # Not forked: this process has threads, Zarr's at least, and a lock that one of them holds would never open.
        starting = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(processes, starting, _begin, (self.made,)) as pool:
            with _interrupts_held_back():
                all_made = pool.map(_go_on, range(len(self.makers)))
            yield from all_made


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Hold back Ctrl-C, also from processes that are started meanwhile, until they are ready to end without a word.

    Those inherit that it is blocked. In this process another thread may take it, and then Python tells the main one.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    told: list[int] = []
    main = threading.current_thread() is threading.main_thread()
    usual = signal.signal(signal.SIGINT, lambda number, _: told.append(number)) if main else None
    try:
        yield
    finally:
        if main:
            signal.signal(signal.SIGINT, usual)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if told:
            signal.raise_signal(signal.SIGINT)


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
