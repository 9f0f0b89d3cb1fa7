"""How figures look: readable in grey, in print and on a page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

OURS, TORUS, EXACT, OTHER = "#1f4e9c", "#c2571a", "#222222", "#6a8f3c"
COLUMNS = 2  # panels side by side; more would be small
WIDTHS = 6.2, 9.9  # inches of a figure of one column, and of more: the page scales all alike, so text has one size
TEXT: dict[Any, Any] = {"font.size": 9, "axes.titlesize": 9, "figure.titlesize": 9, "legend.frameon": False}
"""Matplotlib's settings while a figure is made and written: one size of all text."""

_SUBSCRIPT = re.compile(r"(?<![\w$\\])(?:T_c|k_B|Tr_h)(?!\w)")


def new_figure(
    columns: int = 1, height: float = 3.8, rows: int = 1, heights: Sequence[float] | None = None
) -> tuple[Figure, list[Axes]]:
    """Return a figure with panels side by side, row after row, each row of a height in inches on the average.

    Rows are equally high, or as their `heights` are to each other.
    """
    figure = Figure(figsize=(WIDTHS[columns > 1], height * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, height_ratios=heights).ravel()
    for panel in axes:
        panel.grid(alpha=0.25)
        panel.spines[["top", "right"]].set_visible(False)
    return figure, list(axes)


def wrapped_figure(count: int, height: float = 3.8) -> tuple[Figure, list[Axes]]:
    """Return a figure with so many panels, at most `COLUMNS` side by side."""
    columns = min(count, COLUMNS)
    figure, panels = new_figure(columns, height, rows=-(-count // columns))
    for panel in panels[count:]:
        panel.remove()
    return figure, panels[:count]


def below_legend(figure: Figure, *panels: Axes) -> None:
    """Put the legend of some panels, each label once, below all panels, where it covers nothing."""
    found = {
        label: handle for panel in panels for handle, label in zip(*panel.get_legend_handles_labels(), strict=True)
    }
    labels = list(found)
    figure.legend(found.values(), labels, loc="outside lower center", ncols=_columns_for(figure, labels))


def above_legend(panel: Axes, columns: int = 2) -> None:
    """Put the legend of a panel above it, where it covers nothing."""
    panel.legend(loc="lower center", bbox_to_anchor=(0.5, 1.01), ncols=columns)


def _columns_for(figure: Figure, labels: Sequence[str]) -> int:
    """Return in how many columns a legend under the figure has room for its labels, no row but the last with gaps."""
    widest = 0.55 + 0.07 * max(map(len, labels), default=0)  # inches: the mark, and letters of 9 points
    room = max(1, min(len(labels), int(figure.get_figwidth() / widest)))
    return -(-len(labels) // -(-len(labels) // room)) if labels else 1


def step_axis(panel: Axes, steps: Sequence[float]) -> None:
    """Show the steps of training that were drawn by their logarithm, with 0 at the left where it is among them."""
    panel.set_xlabel("steps of training")
    later = [step for step in steps if step > 0]
    if len(later) == len(steps):
        panel.set_xscale("log" if later else "linear")
    elif later:
        first, last = min(later), max(later)
        panel.set_xscale("symlog", linthresh=first)
        decades = 10.0 ** np.arange(np.ceil(np.log10(first)), np.floor(np.log10(last)) + 1)
        panel.set_xticks([0.0, *(decades if decades.size else {first, last})])
        panel.set_xlim(left=-0.1 * first)


def typeset_subscripts(figure: Figure) -> None:
    """Write T_c and its like, in all words of a figure, as mathematics."""
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        text.set_text(_SUBSCRIPT.sub(_as_mathematics, text.get_text()))


def _as_mathematics(found: re.Match[str]) -> str:
    letter, lower = found[0].split("_")
    return f"$\\mathrm{{{letter}}}_{lower}$" if len(letter) > 1 else f"${letter}_{lower}$"


def units_of(values: xr.DataArray) -> str:
    """Return the units that an axis label shows: reduced ones by their names, none for a plain number."""
    units = str(values.attrs.get("reduced_units") or values.attrs.get("units", ""))
    return "" if units == "1" else units


def label_of(name: str, units: str = "") -> str:
    """Return an axis label: the quantity, and its units in brackets where it has some."""
    return f"{name} ({units})" if units else name
