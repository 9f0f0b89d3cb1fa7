"""How panels are drawn: many small maps on one square, one labelled scale of grey for all of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

MAP = mpl.colormaps["cividis"].with_extremes(bad="white")  # lightness grows with the value: it prints in grey
BEYOND = 0.002  # of the values, a few sites of a patch: single strong units would leave all others grey
BLOCK = 8  # units per side that are shown of a larger square
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Mosaic:
    """Panels of units, as many as can be read at a glance, with what the axes say of them.

    Parameters
    ----------
    title : str
    panels : float[unit, y, x]
        Row by row of the square of units; all rows of units that make no square.
    units : int
        How many the layer has.
    """

    title: str
    panels: Floats
    units: int

    @property
    def note(self) -> str:
        """Return what part of the layer is shown, in words."""
        if len(self.panels) == self.units:
            return f"all {self.units} units"
        return f"{len(self.panels)} of {self.units} units, the upper left {BLOCK}×{BLOCK} of their square"

    @property
    def image(self) -> Floats:
        """Return float[row, column], the panels beside and below each other, a line of NaN between them."""
        count, height, width = self.panels.shape
        columns = math.ceil(math.sqrt(count))
        rows = math.ceil(count / columns)
        image = np.full((rows, height + 1, columns, width + 1), np.nan)
        for unit, panel in enumerate(self.panels):
            image[unit // columns, :height, unit % columns, :width] = panel
        return image.reshape(rows * (height + 1), columns * (width + 1))[:-1, :-1]


def mosaic(title: str, panels: xr.DataArray) -> Mosaic:
    """Return the mosaic of DataArray[unit, y, x]: of all units, or of a block of a larger square of them."""
    values = np.asarray(panels, np.float64)
    side = math.isqrt(len(values))
    if side <= BLOCK or side**2 != len(values):
        return Mosaic(title, values[: max(side, BLOCK) ** 2], len(values))
    block = np.arange(len(values)).reshape(side, side)[:BLOCK, :BLOCK].ravel()
    return Mosaic(title, values[block], len(values))


def draw_mosaic(panel: Axes, shown: Mosaic, limits: tuple[float, float]) -> AxesImage:
    """Draw a mosaic; return the image, for its colour scale."""
    image = panel.imshow(shown.image, cmap=MAP, vmin=limits[0], vmax=limits[1], interpolation="nearest")
    panel.grid(visible=False)
    panel.set_xticks([])
    panel.set_yticks([])
    panel.spines[:].set_visible(False)
    _, height, width = shown.panels.shape
    panel.set_title(shown.title)
    panel.set_xlabel(f"{shown.note}, each a map of {height}×{width} sites")
    return image


def span(mosaics: Sequence[Mosaic], symmetric: bool) -> tuple[float, float]:
    """Return the ends of a scale that holds all values, or, with 0 in its middle, all but the largest `BEYOND`."""
    values = np.concatenate([one.panels.ravel() for one in mosaics])
    values = values[np.isfinite(values)]
    if not values.size:
        return (-1.0, 1.0)
    if symmetric:
        largest = max(float(np.quantile(np.abs(values), 1 - BEYOND)), 1e-12)
        return (-largest, largest)
    low, high = float(values.min()), float(values.max())
    return (low, max(high, low + 1e-12))


def draw_columns(columns: Sequence[tuple[str, Sequence[Mosaic]]], size: float = 4.6) -> Figure:
    """Return a figure of mosaics: each column is one quantity, with one scale, labelled, below it.

    Parameters
    ----------
    columns : sequence of (str, sequence of Mosaic)
        The quantity with its units, and what stands below each other.
    size : float
        Inches of a mosaic.
    """
    rows = max(len(mosaics) for _, mosaics in columns)
    figure = Figure(figsize=(size * len(columns), (size + 0.45) * rows + 0.6), layout="constrained")
    axes = figure.subplots(rows, len(columns), squeeze=False, gridspec_kw={"wspace": 0.06})
    for column, (label, mosaics) in enumerate(columns):
        limits = span(mosaics, symmetric=True)
        images = [draw_mosaic(axes[row, column], shown, limits) for row, shown in enumerate(mosaics)]
        for row in range(len(mosaics), rows):
            axes[row, column].set_axis_off()
        draw_scale(figure, images[0], list(axes[:, column]), label, "both")
    return figure


def draw_scale(figure: Figure, image: AxesImage, panels: list[Axes], label: str, extend: str = "neither") -> None:
    """Draw the scale that mosaics share, below them; pointed at the ends that values go beyond."""
    look: dict[str, Any] = {"location": "bottom", "shrink": 0.7, "pad": 0.01, "aspect": 40, "extend": extend}
    figure.colorbar(image, ax=panels, label=label, **look)


def drawn(mosaics: Sequence[Mosaic], name: str) -> xr.Dataset:
    """Return what mosaics show, one value after the other, with the places of each: title, unit, y, x."""
    parts = []
    for shown in mosaics:
        unit, y, x = (axis.ravel() for axis in np.indices(shown.panels.shape))
        columns = {"shown": np.full(unit.size, shown.title), "unit": unit, "y": y, "x": x, name: shown.panels.ravel()}
        parts.append(xr.Dataset({key: ("value", values) for key, values in columns.items()}))
    return xr.concat(parts, "value")
