"""Swendsen's Monte Carlo renormalisation group: the linearised transformation from correlations between two layers.

A step from a lattice with couplings K to a coarser one with couplings K' has T_ab = dK'_a / dK_b. By the chain rule
d<S'_a>/dK_b = sum_c (d<S'_a>/dK'_c) T_cb, and both derivatives are covariances, of the sums over sites S that the
couplings multiply (R. H. Swendsen, Phys. Rev. Lett. 42, 859 (1979)):

    T = B^-1 A,   A_ab = <S'_a S_b> - <S'_a><S_b>,   B_ab = <S'_a S'_b> - <S'_a><S'_b>.

At the fixed point the leading eigenvalue is b^(1/nu) for even sums and b^((d + 2 - eta)/2) for odd ones: 2 and 2^(15/8)
for the Ising model in two dimensions and b = 2. What keeps a measured one from it is that the sums are few, that the
first steps are not yet at the fixed point, and that lattices are finite.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
import xarray as xr

from sweep.analysis.estimators.crossed import BIN, crossed_mean, jackknife_estimates
from sweep.analysis.estimators.lattice_sums import EVEN, ODD, TERMS, binned, paired

Floats = npt.NDArray[np.float64]
Parity = Literal["thermal", "magnetic"]
EXPONENT: dict[Parity, float] = {"thermal": 1.0, "magnetic": 15 / 8}
"""Of the scale factor b, at the Ising fixed point in two dimensions: 1/nu and (d + 2 - eta)/2."""
COUNT: dict[Parity, int] = {"thermal": len(EVEN), "magnetic": len(ODD)}


def leading_eigenvalues(lower: xr.DataArray, upper: xr.DataArray) -> xr.Dataset:
    """Return the largest eigenvalue of the linearised transformation between two layers, over trainings and bins.

    Parameters
    ----------
    lower, upper : DataArray[realisation, configuration, term]
        As for `eigenvalue_table`.

    Returns
    -------
    Dataset
        What `crossed_mean` gives, along the dimension `operators`: of the first 1, 2, ... sums alone.
    """
    return crossed_mean(eigenvalue_table(lower, upper))


def eigenvalue_table(lower: xr.DataArray, upper: xr.DataArray) -> xr.DataArray:
    """Return the largest eigenvalue of the linearised transformation between two layers, as jackknife pseudo-values.

    Parameters
    ----------
    lower, upper : DataArray[realisation, configuration, term]
        Sums over sites of the same configurations, all even or all odd; those of trainings that both have are taken, as
        `paired` says.

    Returns
    -------
    DataArray[realisation, bin, operators]
        Of the first 1, 2, ... sums alone.
    """
    below, above = paired(lower, upper)
    sums = xr.concat([above, below], "term").transpose(*TERMS)
    vector = sums.pad(term=(1, 0), constant_values=1.0)
    products = binned(vector, vector.rename(term="other"))
    count = xr.ones_like(products[BIN], dtype=np.float64)
    return jackknife_estimates(_eigenvalues, products, count)["eigenvalue"]


def _eigenvalues(moments: xr.DataArray) -> xr.Dataset:
    """Return the largest eigenvalue for every number of sums, from the means of products of (1, S', S)."""
    found = xr.apply_ufunc(
        _largest, moments, input_core_dims=[["term", "other"]], output_core_dims=[["operators"]], join="override"
    )
    numbers = np.arange(1, found.sizes["operators"] + 1)
    return xr.Dataset({"eigenvalue": found.assign_coords(operators=numbers)})


def _largest(moments: Floats) -> Floats:
    """Return float[..., operators] of float[..., 2n + 1, 2n + 1]; of complex pairs the real part."""
    means = moments[..., 0, 1:]
    covariance = moments[..., 1:, 1:] - means[..., :, None] * means[..., None, :]
    count = means.shape[-1] // 2
    upper, across = covariance[..., :count, :count], covariance[..., :count, count:]
    matrices = [np.linalg.solve(upper[..., :n, :n], across[..., :n, :n]) for n in range(1, count + 1)]
    return np.stack([np.linalg.eigvals(matrix).real.max(axis=-1) for matrix in matrices], axis=-1)
