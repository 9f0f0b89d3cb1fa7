"""Where the program begins and ends: signals from the first moment on, mistakes in words, the exit status."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from typing import Any, NoReturn

SOON_SECONDS, LEFT_SECONDS = 1.0, 30.0  # before a word is said of what does not end, and before it is left behind


def main() -> None:
    """Run the command; mistakes become one or two lines and exit status 2, with --debug a traceback.

    The status is 1 where something had been written before: the command was right, and could not go on.
    """
    for number in (signal.SIGTERM, signal.SIGUSR1):
        signal.signal(number, signal.default_int_handler)  # as Ctrl-C
    debug = "--debug" in sys.argv
    sys.argv = [word for word in sys.argv if word != "--debug"]
    try:
        _run(debug)
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted.\n")
        _leave(130)
    except SystemExit as error:
        _leave(error.code)


def _run(debug: bool) -> None:
    from sweep.cli.commands import app
    from sweep.cli.console import err
    from sweep.errors import SweepError

    try:
        app()
    except SweepError as error:
        if debug:
            raise
        err.print(str(error), soft_wrap=True)
        sys.exit(1 if error.written else 2)


def _leave(code: Any) -> NoReturn:
    """End; what a kernel or a hook left running, threads or what is to be done at exit, holds that up for a while."""
    status = code if isinstance(code, int) else int(code is not None)
    threading.Thread(target=_end_in_time, args=(status,), daemon=True).start()
    sys.exit(code)


def _end_in_time(status: int) -> None:
    threading.main_thread().join()
    time.sleep(SOON_SECONDS)
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"waiting at most {LEFT_SECONDS:g} s for what a kernel or a hook has left running\n")
    time.sleep(LEFT_SECONDS)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)
