"""What exhibits from Monte Carlo share: one ensemble of a stage, the point nearest to T_c, how points look."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from sweep.analysis.exact import ising as exact
from sweep.analysis.exhibits.style import OURS, units_of

KNOWN_DIMS = {"size", "temperature", "replica", "bin", "dy", "dx", "configuration", "y", "x"}


def one_ensemble(values: xr.DataArray) -> xr.DataArray:
    """Return values sorted by temperature, the first of any further axis, such as realisations."""
    extra = [dim for dim in values.dims if dim not in KNOWN_DIMS]
    return values.isel(dict.fromkeys(extra, 0), drop=True).sortby("temperature")


def temperature_units(stages: Sequence[xr.DataTree]) -> str:
    """Return the units of temperature, as axis labels show them."""
    return units_of(stages[0].to_dataset()["temperature"])


def nearest_critical(temperatures: xr.DataArray) -> float:
    """Return the temperature nearest to T_c."""
    values = np.asarray(temperatures)
    return float(values[np.argmin(np.abs(values - exact.CRITICAL_TEMPERATURE))])


def draw_points(panel: Axes, data: xr.Dataset, label: str, marker: str, color: str = OURS) -> None:
    """Draw values against temperature with their errors."""
    panel.errorbar(
        np.asarray(data["temperature"], np.float64),
        data["value"],
        data["error"],
        fmt=marker,
        color=color,
        mfc="white",
        capsize=2,
        label=label,
    )
