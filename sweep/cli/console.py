"""Where words for people go."""

from __future__ import annotations

import contextlib
import sys
from typing import Any

from rich.console import Console

from sweep.display.consoles import plain_console

FOLLOW_SECONDS = 2.0  # between two looks at a store that others fill

out = plain_console()
err = plain_console(stderr=True)


def say(text: str, console: Console = out) -> None:
    """Print plain words without wrapping them, so that paths and commands can be copied."""
    console.print(text, soft_wrap=True)


class Steady:
    """A stream that nothing can keep from going on: words that find no place are lost.

    A pipe that was closed, a full disk, a terminal that is gone and an encoding without a letter are no reason to end
    what takes days.

    Parameters
    ----------
    stream : text stream
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write what can be written."""
        try:
            self._stream.write(text)
        except UnicodeEncodeError:
            encoding = self._stream.encoding or "ascii"
            return self.write(text.encode(encoding, "backslashreplace").decode(encoding))
        except (OSError, ValueError):
            pass
        return len(text)

    def flush(self) -> None:
        """Flush what can be flushed."""
        with contextlib.suppress(OSError, ValueError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def hold() -> None:
    """From now on, to the end of the process, nothing that is printed can fail."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is not None and not isinstance(stream, Steady):
            setattr(sys, name, Steady(stream))
