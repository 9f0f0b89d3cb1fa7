"""Where words for people go."""

from __future__ import annotations

from rich.console import Console

out = Console()
err = Console(stderr=True)


def say(text: str) -> None:
    """Print plain words: no markup, no wrapping, so that paths and commands can be copied."""
    out.print(text, markup=False, highlight=False, soft_wrap=True)
