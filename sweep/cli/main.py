"""Where the program begins and ends: signals from the first moment on, mistakes in words, the exit status."""

from __future__ import annotations

import signal
import sys


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
        sys.exit(130)


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
