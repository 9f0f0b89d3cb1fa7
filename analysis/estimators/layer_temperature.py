"""The temperature that a layer reads: the one at which an Ising lattice of its side has the energy that the layer has.

The energy per site of a layer is -2 <h h'> over pairs of neighbours, and Kaufman's exact energy of the torus of the
layer's own side turns it into a temperature. No thermometer is trained, and no prior or class grid moves the reading.
A layer whose neighbours are not correlated reads T = infinity. So what is averaged is 1/T, which then is 0, and where
1/T is not above 0 by more than its error there is no end to T.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import xarray as xr
from scipy.interpolate import CubicSpline

from sweep.analysis.estimators.crossed import BIN, crossed_mean, jackknife_estimates
from sweep.analysis.estimators.lattice_sums import Floats, binned, bond_mean, paired, per_configuration
from sweep.analysis.exact.ising import CRITICAL_TEMPERATURE, torus_energy

LIMIT = 2.0  # standard errors by which 1/T is above 0 where a layer has a temperature
COLDEST = 2.5  # k_B/J, to which the curve is tabulated; colder, the energy is that of single reversed spins


def energies(spins: xr.DataArray, arrangement: xr.Dataset | None = None) -> xr.DataArray:
    """Return the energy per site of every configuration of a layer, -2 times the mean of h h' of neighbours, in J.

    Parameters
    ----------
    spins : DataArray[realisation, configuration, y, x]
    arrangement : Dataset, optional
        Signs and places of the units, as for `per_configuration`.

    Returns
    -------
    DataArray[realisation, configuration]
    """
    return -2.0 * per_configuration(spins, bond_mean, arrangement).isel(term=0)


def inverse_temperature(size: int, energy: Floats) -> Floats:
    """Return 1/T in k_B/J at energies per site of the `size` x `size` torus, as many as there are.

    Negative for an energy above 0: on lattices of even side K -> -K turns the energy's sign, since reversing every
    second spin does it to every bond. Infinite for a ground state.
    """
    height = _height(energy)
    curve = _curve(size)
    inside = np.clip(np.abs(height), 0.0, curve.x[-1])
    beyond = (np.abs(height) - inside) / 4  # 2 + e -> 8 exp(-8K)
    return np.asarray(np.sign(height) * (curve(inside) + beyond))


def _height(energy: Floats) -> Floats:
    """Return artanh(-e/2), of which K is a smooth function: e is -2K for small K and -2 + 8 exp(-8K) for large."""
    with np.errstate(divide="ignore"):  # a ground state's is infinite
        return np.asarray(np.arctanh(np.clip(-energy / 2, -1.0, 1.0)))


@lru_cache(maxsize=16)
def _curve(size: int) -> CubicSpline:
    """Return K as a function of artanh(-e/2), to about 1e-7, from Kaufman's energy."""
    inverse = np.concatenate([np.linspace(0.0, 1.0, 321), np.linspace(1.0, COLDEST, 41)[1:]])
    energy = np.array([0.0, *(torus_energy(size, 1 / k) for k in inverse[1:])])
    return CubicSpline(_height(energy), inverse)


def layer_temperature(energy: xr.DataArray, size: int) -> xr.Dataset:
    """Return the temperature that a layer reads, over trainings and configurations.

    Parameters
    ----------
    energy : DataArray[realisation, configuration]
        As `energies` gives it.
    size : int
        Sites per side of the layer.

    Returns
    -------
    Dataset
        What `crossed_mean` gives of 1/T, as `inverse` and `inverse_error`, and the rest under its names; `temperature`
        and its `temperature_error`, infinite where 1/T is not above 0 by `LIMIT` errors.
    """
    means = binned(energy)
    count = xr.ones_like(means[BIN], dtype=np.float64)
    found = crossed_mean(jackknife_estimates(lambda mean: _inverse(mean, size), means, count)["inverse"])
    inverse = found["value"].where(found["value"] > LIMIT * found["error"].fillna(0.0), 0.0)
    temperature = 1.0 / inverse
    found = found.rename(value="inverse", error="inverse_error")
    return found.assign(temperature=temperature, temperature_error=found["inverse_error"] * temperature**2)


def growth(below: xr.DataArray, above: xr.DataArray, sizes: tuple[int, int]) -> xr.Dataset:
    """Return the factor by which T - T_c grows from one layer to the next, (T' - T_c) / (T - T_c), with its error.

    Parameters
    ----------
    below, above : DataArray[realisation, configuration]
        Energies of the same configurations, as `paired` takes them.
    sizes : (int, int)
        Sites per side of the two layers.

    Returns
    -------
    Dataset
        What `crossed_mean` gives.
    """
    means = binned(xr.concat(paired(below, above), "layer"))

    def ratio(mean: xr.DataArray) -> xr.Dataset:
        inverse = [_inverse(mean.isel(layer=k), size)["inverse"] for k, size in enumerate(sizes)]
        return xr.Dataset({"ratio": (1 / inverse[1] - CRITICAL_TEMPERATURE) / (1 / inverse[0] - CRITICAL_TEMPERATURE)})

    count = xr.ones_like(means[BIN], dtype=np.float64)
    return crossed_mean(jackknife_estimates(ratio, means, count)["ratio"])


def _inverse(energy: xr.DataArray, size: int) -> xr.Dataset:
    return xr.Dataset({"inverse": energy.copy(data=inverse_temperature(size, energy.values))})


def reading_shares(energy: xr.DataArray, size: int, edges: Floats) -> xr.DataArray:
    """Return the share of configurations whose own energy reads a 1/T between two edges; what is beyond is in the last.

    Parameters
    ----------
    energy : DataArray[realisation, configuration]
        Trainings count alike.
    size : int
        Sites per side of the layer.
    edges : float[edge]
        Of 1/T, ascending.

    Returns
    -------
    DataArray[inverse_temperature]
        With the middle of the classes as labels.
    """
    inside = np.clip(inverse_temperature(size, energy.values), edges[0], edges[-1])
    counts, _ = np.histogram(inside, edges)
    return xr.DataArray(
        counts / energy.size, {"inverse_temperature": (edges[1:] + edges[:-1]) / 2}, ("inverse_temperature",)
    )
