"""Keeps in a bucket the end of what a process writes: a process beside it, since no object can be appended to.

Its standard output is the file that the other one writes to. It puts the end of that in place whenever there is more:
now and then, and when its standard input ends: when the other one has closed it or is gone, however it went.
"""

from __future__ import annotations

import contextlib
import os
import select
import sys

import obstore

SECONDS = 10.0  # between two looks: somebody pays for each put
LAST = 2**20  # bytes that are kept, less what is left there of a line


def keep(url: str) -> None:
    """Keep the end of what is on the standard output, until the standard input ends."""
    folder, _, name = url.rpartition("/")
    seen, over = 0, False
    while not over:
        over = bool(select.select([0], [], [], SECONDS)[0])
        size = os.fstat(1).st_size
        if size > seen:
            words = os.pread(1, LAST, max(0, size - LAST))
            if size > LAST:
                words = words[words.find(b"\n") + 1 :]
            with contextlib.suppress(OSError, obstore.exceptions.BaseError):
                obstore.put(obstore.store.from_url(folder), name, words)
                seen = size


if __name__ == "__main__" and not os.fork():  # no child of the worker: Ray ends those with it
    keep(sys.argv[1])
