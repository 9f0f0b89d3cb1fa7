"""How figures look: readable in grey, in print and on a page."""

from __future__ import annotations

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

OURS, TORUS, EXACT, OTHER = "#1f4e9c", "#c2571a", "#222222", "#6a8f3c"


def new_figure(columns: int = 1, height: float = 3.8, rows: int = 1) -> tuple[Figure, list[Axes]]:
    """Return a figure with panels side by side, row after row, each row of a height in inches."""
    figure = Figure(figsize=(6.2 * max(1.0, 0.8 * columns), height * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel in axes:
        panel.grid(alpha=0.25)
        panel.spines[["top", "right"]].set_visible(False)
    return figure, list(axes)


def below_legend(figure: Figure, panel: Axes) -> None:
    """Put the legend of one panel below all panels, where it covers nothing."""
    handles, labels = panel.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(3, len(labels)), frameon=False)


def units_of(values: xr.DataArray) -> str:
    """Return the units that an axis label shows: reduced ones by their names, none for a plain number."""
    units = str(values.attrs.get("reduced_units") or values.attrs.get("units", ""))
    return "" if units == "1" else units


def label_of(name: str, units: str = "") -> str:
    """Return an axis label: the quantity, and its units in brackets where it has some."""
    return f"{name} ({units})" if units else name
