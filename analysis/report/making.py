"""Exhibits, made and written one after the other, or by several processes side by side."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl
import xarray as xr

from sweep.analysis.exhibits.exhibit import Absent, Exhibit, Maker
from sweep.analysis.exhibits.style import TEXT
from sweep.analysis.report.files import write_exhibit


class Made(NamedTuple):
    """An exhibit that is written, and its figure as PNG; or why there is none."""

    result: Exhibit | Absent
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
        with mpl.rc_context(TEXT):
            result = self.makers[number](self.tree)
            if isinstance(result, Absent):
                return Made(result)
            return Made(result, write_exhibit(result, self.folder, self.header))

    def all_made(self, processes: int = 1) -> Iterator[Made]:
        """Yield all exhibits in their order.

        Parameters
        ----------
        processes : int
            How many are made at once. Beyond one, processes are forked, which have all that this one has; where one of
            them is killed, for want of memory say, this one makes what is left.
        """
        ready = 0
        if processes > 1 and "fork" in multiprocessing.get_all_start_methods():
            try:
                for one in self._made_by(processes):
                    ready += 1
                    yield one
            except BrokenProcessPool:
                pass
        yield from map(self.made, range(ready, len(self.makers)))

    def _made_by(self, processes: int) -> Iterator[Made]:
        forking = multiprocessing.get_context("fork")
        with ProcessPoolExecutor(processes, forking, _begin, (self.made,)) as pool:
            yield from pool.map(_go_on, range(len(self.makers)))


_made: Callable[[int], Made]  # of a forked process: what it is there for


def _begin(made: Callable[[int], Made]) -> None:
    """Begin as a forked process, which Ctrl-C ends at once: the one that waits for it says what there is to say."""
    global _made  # noqa: PLW0603 - that is how a forked process keeps what it inherits
    _made = made
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _go_on(number: int) -> Made:
    return _made(number)
