"""Consoles that print words as they are."""

from __future__ import annotations

from typing import Any

from rich.console import Console


def plain_console(**options: Any) -> Console:
    """Return a console that reads nothing into its words: no ``[markup]``, no ``:emoji:``, no colours for numbers.

    Parameters
    ----------
    options
        Of `rich.console.Console`.
    """
    return Console(markup=False, emoji=False, highlight=False, **options)
