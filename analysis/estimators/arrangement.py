"""How the units of a layer are put on its lattice: by their labels, by their gauge, or at random.

An arrangement is a dataset with ``sign(realisation, hidden_unit)``, what every unit is multiplied by, and
``unit(realisation, site)``, which unit stands at each site, row by row. The numbers that a machine gives its units are
a random order of them: what this alone does is seen on the units of perfect layers in random orders.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import xarray as xr

from sweep.analysis.estimators.crossed import REALISATION
from sweep.analysis.estimators.gauge import SITE, UNIT, places, signs
from sweep.analysis.estimators.layers import Layer, LayerCorrelation
from sweep.analysis.exact.ising import CRITICAL_TEMPERATURE

DRAWS = 4  # random orders or signs of one layer, in the place of trainings


def gauge_of(layer: Layer, correlations: Sequence[LayerCorrelation]) -> xr.Dataset | None:
    """Return signs and places of a layer's units, from its correlation with the lowest lattice that a store has.

    Taken at the temperature nearest to T_c and used at all; None where the store holds no correlation of this layer.
    """
    fitting = [found for found in correlations if same_units(found.upper, layer)]
    if not fitting:
        return None
    best = min(fitting, key=lambda found: (found.lower.depth, _from_critical(found)))
    raw, without = (best.data[name] for name in ("correlation", "correlation_without_m"))
    found = xr.Dataset({"sign": signs(raw).fillna(1.0), "unit": places(without)}).compute()
    if REALISATION in found.dims:
        shared = np.intersect1d(found[REALISATION], layer.data[REALISATION])
        found = found.sel({REALISATION: shared})
    return found


def same_units(one: Layer, other: Layer) -> bool:
    """Return whether two layers are the same units of the same machines, or blocks by the same rules, of any data."""
    first, second = ({axis: at[axis] for axis in at if axis != "temperature"} for at in (one.at, other.at))
    return one.recipe == other.recipe and first == second


def _from_critical(found: LayerCorrelation) -> float:
    return abs(float(found.at.get("temperature", CRITICAL_TEMPERATURE)) - CRITICAL_TEMPERATURE)


def signs_alone(gauge: xr.Dataset) -> xr.Dataset:
    """Return the arrangement that has the signs of a gauge, and units by their labels."""
    labels = xr.DataArray(np.arange(gauge.sizes[UNIT]), dims=SITE)
    return gauge.assign(unit=labels.broadcast_like(gauge["unit"]))


def random_arrangements(units: int, rng: np.random.Generator, *, order: bool = False, sign: bool = False) -> xr.Dataset:
    """Return `DRAWS` arrangements in which units have random places, or random signs, or both."""
    numbers = np.tile(np.arange(units), (DRAWS, 1))
    drawn = 1 - 2 * rng.integers(2, size=numbers.shape) if sign else np.ones_like(numbers)
    placed = rng.permuted(numbers, axis=1) if order else numbers
    return xr.Dataset({"sign": ((REALISATION, UNIT), drawn), "unit": ((REALISATION, SITE), placed)})


def arranged(spins: npt.NDArray[np.number], arrangement: xr.Dataset | None) -> npt.NDArray[np.number]:
    """Return spins[configuration, y, x] with the units in the places, and with the signs, of one arrangement."""
    if arrangement is None:
        return spins
    flat = spins.reshape(len(spins), -1) * arrangement["sign"].values.astype(spins.dtype)
    return flat[:, arrangement["unit"].values].reshape(spins.shape)
