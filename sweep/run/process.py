"""The process that a kernel works in is lent to it: it may neither end it nor go on with it as a second one.

What others rely on, and what is cheap to look at, is put back after each step: the next point finds what the first one
found, and a block what it would find after a pause.
"""

from __future__ import annotations

import os
import pdb
import resource
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, NoReturn, TypeVar

import numpy as np

_LIMITS = (resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE, resource.RLIMIT_AS)
_exit = os._exit
T = TypeVar("T")


def _folder() -> str:
    try:
        return os.getcwd()
    except FileNotFoundError:  # it was removed
        return ""


# How it is read, and set. Not the umask: to be read it is set for a moment, for all threads.
_KEPT: tuple[tuple[Callable[[], Any], Callable[[Any], object]], ...] = (
    (sys.getrecursionlimit, sys.setrecursionlimit),
    (_folder, os.chdir),
    (np.geterr, lambda was: np.seterr(**was)),
    *((partial(resource.getrlimit, limit), partial(resource.setrlimit, limit)) for limit in _LIMITS),
)


def lend(step: Callable[..., T], *given: Any) -> T:
    """Return what a step of a kernel returns, and have the process afterwards as it was before.

    A process that the step has forked ends when it comes back: the results are those of its parent.

    Raises
    ------
    RuntimeError
        When the step would end the process, by `sys.exit` or `os._exit`.
    BaseException
        Whatever else it raises.
    """
    process, thread, before = os.getpid(), threading.get_ident(), [read() for read, _ in _KEPT]

    def refuse(status: int) -> NoReturn:
        if os.getpid() != process:
            _exit(status)
        if threading.get_ident() != thread:
            _exit(status or 1)
        raise RuntimeError(f"a kernel may not end its process: os._exit({status})")

    os._exit = refuse
    try:
        return step(*given)
    except SystemExit as error:
        if os.getpid() != process:
            raise
        what = f"a kernel may not end its process: sys.exit({error.code!r})"
        raise RuntimeError(what).with_traceback(error.__traceback__) from None
    finally:
        os._exit = _exit
        if os.getpid() != process:
            _leave(sys.exception())
        for (read, write), was in zip(_KEPT, before, strict=True):
            if read() != was:
                with suppress(OSError, ValueError):  # it may have given up the right to
                    write(was)


def _leave(error: BaseException | None) -> NoReturn:
    """End a process that was forked, as Python does at its end."""
    status = error.code if isinstance(error, SystemExit) else error
    if status is not None and not isinstance(status, int):
        os.write(2, "".join(traceback.format_exception(error)).encode())
    with suppress(Exception):
        sys.stdout.flush()
    _exit(status if isinstance(status, int) else int(status is not None))


def without_terminal(instead: Callable[[], str]) -> None:
    """Have nobody in this process wait for a person, from now on: nothing is ever typed, and `breakpoint` raises.

    Parameters
    ----------
    instead : () -> str
        The command that stops there in a terminal.
    """
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)

    def refuse(*args: Any, **options: Any) -> NoReturn:
        raise RuntimeError(f"a breakpoint in a worker, which has no terminal; this stops there: {instead()}")

    sys.breakpointhook = pdb.set_trace = refuse
