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
NUDGE = signal.SIGURG  # means nothing to a process that does not handle it
NUDGE_SECONDS = 0.05
THROUGH = b"\0"  # no signal
LEAVE_SECONDS = 10.0  # for what is to be put in order by one who leaves at once
INTERRUPTED = 130
T = TypeVar("T")


class StopRequest(threading.Event):
    """Set when a launch is to stop; those at work look at it between two blocks.

    The first signal, or `ask`, sets it: what runs ends with its block and commits. A second signal leaves at once by
    KeyboardInterrupt, and so does the first as long as nothing runs (see `gently`).

    A thread hears the signals. Their handlers would do so too late: Python runs them in the main thread, between two of
    its own instructions, and these may be far apart where compiled code runs, or a sleep begins at the very moment.

    Attributes
    ----------
    reason : str
        Who asked: the name of a signal, say.
    """

    def __init__(self) -> None:
        super().__init__()
        self.reason = ""
        self._gentle = self._leaving = False
        self._numbers: int | None = None  # where those of signals are written, while somebody listens
        self._through: SimpleQueue[None] = SimpleQueue()
        self._asked: SimpleQueue[str | None] = SimpleQueue()

    def ask(self, reason: str) -> None:
        """Ask to stop."""
        if not self.is_set():
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
            self._settle()
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
            self._handle()
            yield started

    @contextmanager
    def listening(self, *, in_any_case: bool = False) -> Iterator[None]:
        """Hear signals while the body runs, in the main thread: elsewhere none are to be had.

        Parameters
        ----------
        in_any_case : bool
            Leaving at once takes `LEAVE_SECONDS` at most, then the process ends: what it waits for may never come.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        read, write = os.pipe()
        os.set_blocking(write, False)
        wakeup_before, before = signal.set_wakeup_fd(write, warn_on_full_buffer=False), self._handle()
        self._numbers = write
        threading.Thread(target=self._listen, args=(read, in_any_case), daemon=True).start()
        try:
            yield
            self._settle()
        finally:
            self._numbers = None
            for number, handler in before.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(wakeup_before)
            os.close(write)

    def _settle(self) -> None:
        """Wait until the thread that listens has heard what came until now."""
        if self._numbers is not None:
            os.write(self._numbers, THROUGH)
            self._through.get()

    def _handle(self) -> dict[signal.Signals, signal._HANDLER]:
        """Handle signals from now on, where that can be done; return what handled them before."""
        if threading.current_thread() is not threading.main_thread():
            return {}
        return {number: signal.signal(number, self._interrupt) for number in (*SIGNALS, NUDGE)}

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        """Leave, if the thread that listens says so."""
        if self._leaving:
            self._leaving = False
            raise KeyboardInterrupt

    def _listen(self, read: int, in_any_case: bool) -> None:
        with open(read, "rb", buffering=0) as numbers:
            while number := numbers.read(1):
                if number == THROUGH:
                    self._through.put(None)
                elif number[0] in SIGNALS and signal.getsignal(number[0]) == self._interrupt:  # not taken by Ray
                    self._signalled(signal.Signals(number[0]), in_any_case)

    def _signalled(self, number: signal.Signals, in_any_case: bool) -> None:
        leave = self.is_set() or not self._gentle
        self.ask("Ctrl-C" if number == signal.SIGINT else number.name)
        if leave and in_any_case:
            end = threading.Timer(LEAVE_SECONDS, os._exit, [INTERRUPTED])
            end.daemon = True
            end.start()
        self._leaving = leave
        while self._leaving and self._numbers is not None:
            signal.pthread_kill(threading.main_thread().ident or 0, NUDGE)
            time.sleep(NUDGE_SECONDS)


def _leave_to_python() -> None:
    """Let a process that was forked, by a kernel say, end by signals as any other does: its parent is who hears."""
    for number in SIGNALS:
        if isinstance(getattr(signal.getsignal(number), "__self__", None), StopRequest):
            signal.set_wakeup_fd(-1)
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


os.register_at_fork(after_in_child=_leave_to_python)


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
    try:
        with request.listening(in_any_case=in_any_case):
            yield request
    finally:
        timer.cancel()
