"""Stop means stop: signals and a time limit become one request, which all that runs looks at between two blocks."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from queue import SimpleQueue
from types import FrameType
from typing import TypeVar

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)  # Slurm sends the last one as a warning, where it is asked to
LEAVE_SECONDS = 10.0  # for what is to be put in order by one who leaves at once
INTERRUPTED = 130
T = TypeVar("T")


class StopRequest(threading.Event):
    """Set when a launch is to stop; those at work look at it between two blocks.

    The first signal, or `ask`, sets it: what runs ends with its block and commits. A second signal leaves at once by
    KeyboardInterrupt, and so does the first as long as nothing runs (see `gently`).

    Attributes
    ----------
    reason : str
        Who asked: the name of a signal, say.
    """

    def __init__(self) -> None:
        super().__init__()
        self.reason = ""
        self._gentle = self._is_asked = False
        self._asked: SimpleQueue[str | None] = SimpleQueue()  # may be filled by a signal's handler, unlike an Event
        self._left: SimpleQueue[None] = SimpleQueue()

    def ask(self, reason: str) -> None:
        """Ask to stop."""
        if not self._is_asked:
            self._is_asked = True  # first of all: the next signal may come in the middle of this
            self.reason = reason
            self.set()
            self._asked.put(reason)

    @contextmanager
    def gently(self, tell: Callable[[str], None]) -> Iterator[None]:
        """While tasks run, the first signal lets them end their blocks; the reason is told at once.

        The one who tells is a thread: the launch itself may be held up by a block, or by a store that does not answer.
        """
        teller = threading.Thread(target=self._tell, args=(tell,), daemon=True)
        teller.start()
        self._gentle = True
        try:
            yield
        finally:
            self._gentle = False
            self._asked.put(None)
            teller.join(1.0)

    def _tell(self, tell: Callable[[str], None]) -> None:
        reason = self._asked.get()
        if reason is not None:
            tell(reason)

    @contextmanager
    def kept(self, starting: AbstractContextManager[T]) -> Iterator[T]:
        """Enter what takes signals for its own, as Ray does when it starts, and have them again."""
        with ExitStack() as stack:
            try:
                started = stack.enter_context(starting)
            except SystemExit as error:  # Ray's way to leave, had the signal come while it was starting
                raise KeyboardInterrupt from error
            self._listen()
            yield started

    def _listen(self) -> dict[signal.Signals, signal._HANDLER]:
        """Handle signals from now on; return what handled them before."""
        if threading.current_thread() is not threading.main_thread():
            return {}
        return {number: signal.signal(number, self._signalled) for number in SIGNALS}

    def _signalled(self, number: int, frame: FrameType | None) -> None:
        second = self._is_asked
        self.ask("Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name)
        if second or not self._gentle:
            self._left.put(None)
            raise KeyboardInterrupt

    def _end(self) -> None:
        """End the process of one who was to leave at once and has not: what it waits for may never come."""
        self._left.get()
        time.sleep(LEAVE_SECONDS)
        os._exit(INTERRUPTED)


class Pause(threading.Event):
    """Set to end what runs with its block, as a stop does, but only for a moment; a stop sets it as well.

    Parameters
    ----------
    request : StopRequest
    """

    def __init__(self, request: StopRequest) -> None:
        super().__init__()
        self._request = request

    def is_set(self) -> bool:
        """Return whether what runs is to end."""
        return super().is_set() or self._request.is_set()


@contextmanager
def interruptible(
    given: StopRequest | None = None, *, seconds: float | None = None, in_any_case: bool = False
) -> Iterator[StopRequest]:
    """Turn signals into a request to stop: the first one stops, the second leaves at once.

    Parameters
    ----------
    given : StopRequest, optional
        One that hears the signals already: nothing is changed.
    seconds : float, optional
        It is asked to stop after so many seconds.
    in_any_case : bool
        Leaving at once takes `LEAVE_SECONDS` at most: for a process that does nothing else.
    """
    if given is not None:
        yield given
        return
    request = StopRequest()
    timer = threading.Timer(seconds or 0.0, request.ask, ["its time is over"])
    timer.daemon = True
    if seconds is not None:
        timer.start()
    if in_any_case:
        threading.Thread(target=request._end, daemon=True).start()
    before = request._listen()
    try:
        yield request
    finally:
        timer.cancel()
        for number, handler in before.items():
            signal.signal(number, handler)
