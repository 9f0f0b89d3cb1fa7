"""How figures look: readable in grey, in print and on a page."""

from __future__ import annotations

from collections.abc import Sequence

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

OURS, TORUS, EXACT, OTHER = "#1f4e9c", "#c2571a", "#222222", "#6a8f3c"
COLUMNS = 2  # panels side by side; more would be small
WIDTHS = 6.2, 9.9  # inches of a figure of one column, and of more: the page scales all alike, so text has one size


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


def below_legend(figure: Figure, panel: Axes) -> None:
    """Put the legend of one panel below all panels, where it covers nothing."""
    handles, labels = panel.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(3, len(labels)), frameon=False)


def above_legend(panel: Axes, columns: int = 2) -> None:
    """Put the legend of a panel above it, where it covers nothing."""
    panel.legend(loc="lower center", bbox_to_anchor=(0.5, 1.01), ncols=columns, frameon=False, fontsize=8)


def units_of(values: xr.DataArray) -> str:
    """Return the units that an axis label shows: reduced ones by their names, none for a plain number."""
    units = str(values.attrs.get("reduced_units") or values.attrs.get("units", ""))
    return "" if units == "1" else units


def label_of(name: str, units: str = "") -> str:
    """Return an axis label: the quantity, and its units in brackets where it has some."""
    return f"{name} ({units})" if units else name
