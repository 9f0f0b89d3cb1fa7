"""Consoles that print words as they are, and what is a table wherever it is printed."""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from typing import Any

from rich.console import Console, RenderableType

WIDTH = 100  # of what goes to no terminal


def plain_console(**options: Any) -> Console:
    """Return a console that reads nothing into its words: no ``[markup]``, no ``:emoji:``, no colours for numbers.

    Parameters
    ----------
    options
        Of `rich.console.Console`.
    """
    return Console(markup=False, emoji=False, highlight=False, **options)


def html_of(shown: RenderableType) -> str:
    """Return what a notebook shows of it."""
    console = plain_console(file=io.StringIO(), record=True, width=WIDTH, force_jupyter=False)
    console.print(shown)
    return console.export_html(inline_styles=True, code_format="<pre>{code}</pre>")


class Shown(ABC):
    """What is a table where it is printed, and in a notebook."""

    @abstractmethod
    def __rich__(self) -> RenderableType:
        """Return it as a terminal shows it."""

    def __str__(self) -> str:
        words = io.StringIO()
        plain_console(file=words, width=WIDTH, force_jupyter=False, force_terminal=False).print(self)
        return "\n".join(line.rstrip() for line in words.getvalue().splitlines())

    def _repr_html_(self) -> str:
        return html_of(self.__rich__())
