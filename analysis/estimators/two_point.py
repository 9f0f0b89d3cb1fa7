"""Scaling dimensions from two-point functions: the paper's estimator, and the torus estimator.

Both read a correlator over all displacements (dy, dx) of a periodic lattice. The paper's (Section III, eq 35) fits
B / d^(2 Delta) over open distances d < L/2, as if the lattice were a piece of the plane. On a torus that is biased:
with exact data at T_c it gives Delta_sigma = 0.073 at L = 10. The torus estimator divides by what the torus adds, known
exactly at T_c, and fits the power of the conformal distance; it gives 0.1251 from the same data. For Delta_epsilon it
takes both orientations of the bond together, from r = 4 on: one orientation at all distances stays at 0.989 for any L,
the two give 1.035 (L = 10), 1.0136 (16), 1.0024 (32). What is left of the bias is known exactly and can be taken off.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import xarray as xr

from sweep.analysis.estimators.power_law import fit_power_law
from sweep.analysis.estimators.stages import own_labels
from sweep.analysis.estimators.statistics import jackknife
from sweep.analysis.exact import ising as exact

Field = Literal["sigma", "epsilon"]
SHORTEST = {"sigma": 1.0, "epsilon": 4.0}  # lattice units, around the torus: the torus estimator's displacements
AMPLITUDE = {"sigma": exact.SPIN_AMPLITUDE, "epsilon": np.pi**-2}  # of the plane's correlators at T_c, one bond


def open_distance_means(correlation: xr.DataArray) -> xr.DataArray:
    """Return the mean over all pairs of sites at equal open distance d < L/2, as the paper takes it.

    Parameters
    ----------
    correlation : DataArray[..., dy, dx]
        Averaged over translations, periodic.

    Returns
    -------
    DataArray[..., distance]
        With the distances, in lattice units, as labels. A displacement counts as often as it fits into the open square,
        (L - |dy|)(L - |dx|) times.
    """
    size = correlation.sizes["dx"]
    steps = np.arange(1 - size, size)
    dy, dx = (grid.ravel() for grid in np.meshgrid(steps, steps, indexing="ij"))
    squared = dy**2 + dx**2
    near = (squared > 0) & (4 * squared < size**2)
    pairs = ((size - np.abs(dy)) * (size - np.abs(dx)))[near]
    kinds, kind = np.unique(squared[near], return_inverse=True)
    weights = np.zeros((len(kinds), size * size))
    np.add.at(weights, (kind, (dy[near] % size) * size + dx[near] % size), pairs)
    weights /= weights.sum(axis=1, keepdims=True)
    matrix = xr.DataArray(
        weights.reshape(-1, size, size), dims=("distance", "dy", "dx"), coords={"distance": np.sqrt(kinds)}
    )
    means: xr.DataArray = xr.dot(correlation.drop_vars(["dy", "dx"], errors="ignore"), matrix, dim=["dy", "dx"])
    return means


def paper_dimension(correlation: xr.DataArray) -> xr.Dataset:
    """Return the paper's scaling dimension: an unweighted two-parameter fit of A d^(-2 Delta) (eq 35).

    Parameters
    ----------
    correlation : DataArray[..., dy, dx]
        Raw <s s> for the spin, the connected correlator for the energy.

    Returns
    -------
    Dataset
        `dimension`, its standard error `dimension_error`, `dimension_interval` (half width, 90 % Student t), and the
        other results of `fit_power_law`.
    """
    return fit_dimension(open_distance_means(correlation))


def torus_dimension(correlation: xr.DataArray, field: Field) -> xr.Dataset:
    """Return the scaling dimension from a correlator at T_c on the torus (see `torus_reduced`).

    Parameters
    ----------
    correlation : DataArray[..., dy, dx]
        As for `paper_dimension`.
    field : "sigma" or "epsilon"

    Returns
    -------
    Dataset
        As for `paper_dimension`.
    """
    return fit_dimension(torus_reduced(correlation, field))


def torus_reduced(correlation: xr.DataArray, field: Field) -> xr.DataArray:
    """Return what is left of a correlator when all that the torus adds at T_c is taken off.

    The correlator, for the energy averaged over both orientations of the bond and with the square of the torus mean put
    back, is divided by its sum over spin structures; what is left is a power -2 Delta of the conformal distance
    (P. Di Francesco and others 1987). Away from T_c it means nothing: a constant correlator reads Delta_sigma = 0.105.

    Parameters
    ----------
    correlation : DataArray[..., dy, dx]
    field : "sigma" or "epsilon"

    Returns
    -------
    DataArray[..., distance]
        All displacements of at least `SHORTEST`, with their conformal distances, in lattice units, as labels.
    """
    size = correlation.sizes["dx"]
    values = own_labels(correlation).drop_vars(["dy", "dx"], errors="ignore")
    structure = exact.torus_spin_structure(size)
    if field == "epsilon":
        values = (values + values.rename(dy="dx", dx="dy")) / 2 + exact.torus_energy_mean(size) ** 2
        structure = exact.torus_energy_structure(size)
    reduced = values / xr.DataArray(structure, dims=("dy", "dx"))
    around = np.minimum(np.arange(size), size - np.arange(size))
    far = np.flatnonzero(np.hypot(around[:, None], around) >= SHORTEST[field])
    flat = reduced.stack(distance=("dy", "dx"), create_index=False).isel(distance=far)
    return flat.assign_coords(distance=exact.torus_distance(size).ravel()[far])


def fit_dimension(means: xr.DataArray) -> xr.Dataset:
    """Return the dimension from a correlator by distance: an unweighted fit of A d^(-2 Delta) (eq 35).

    Parameters
    ----------
    means : DataArray[..., distance]

    Returns
    -------
    Dataset
        As for `paper_dimension`.
    """
    fit = fit_power_law(means["distance"], means)
    return fit.assign(
        dimension=-fit["exponent"] / 2,
        dimension_error=fit["exponent_error"] / 2,
        dimension_interval=fit["exponent_interval"] / 2,
    )


def with_bin_errors(correlation: xr.DataArray, field: Field, dim: str = "bin") -> xr.Dataset:
    """Return both estimates with errors from independent bins, by jackknife.

    Parameters
    ----------
    correlation : DataArray[..., bin, dy, dx]
    field : "sigma" or "epsilon"

    Returns
    -------
    Dataset
        `paper` and `torus`, `torus_amplitude` beside it, each with its ``_error`` (statistical, jackknife), `degrees`
        of freedom of all these errors, and `paper_interval` (half width of the fit's own 90 % interval, as the paper
        shows it).
    """
    means = xr.Dataset({"correlation": correlation})

    def fits(mean: xr.Dataset) -> xr.DataArray:
        torus = torus_dimension(mean["correlation"], field)
        dimensions = {"paper": paper_dimension(mean["correlation"])["dimension"], "torus": torus["dimension"]}
        return xr.Dataset({**dimensions, "torus_amplitude": torus["amplitude"]}).to_array("estimate")

    table = jackknife(means, fits, dim)
    found = {name: table.sel(estimate=name, drop=True) for name in table["estimate"].values.tolist()}
    whole = paper_dimension(correlation.mean(dim))
    results = {name: one["value"] for name, one in found.items()} | {
        f"{name}_error": one["error"] for name, one in found.items()
    }
    return xr.Dataset(
        {
            **results,
            "paper": whole["dimension"],
            "paper_interval": whole["dimension_interval"],
            "degrees": found["paper"]["degrees"],
        }
    )
