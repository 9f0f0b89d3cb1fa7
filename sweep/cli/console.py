"""Where words for people go."""

from __future__ import annotations

import sys

from rich.console import Console

from sweep.display.consoles import plain_console
from sweep.run.steady import Steady

FOLLOW_SECONDS = 2.0  # between two looks at a store that others fill

out = plain_console()
err = plain_console(stderr=True)


def say(text: str, console: Console = out) -> None:
    """Print plain words without wrapping them, so that paths and commands can be copied."""
    console.print(text, soft_wrap=True)


def hold() -> None:
    """From now on, to the end of the process, nothing that is printed can fail."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is not None and not isinstance(stream, Steady):
            setattr(sys, name, Steady(stream))
