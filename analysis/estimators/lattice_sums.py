"""Sums over the sites of a layer, of every configuration; spins are read piece by piece, never as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import xarray as xr

from sweep.analysis.estimators.arrangement import arranged
from sweep.analysis.estimators.crossed import BIN, REALISATION
from sweep.analysis.estimators.stages import Labelled

Floats = npt.NDArray[np.float64]
Spins = npt.NDArray[np.number]
Measure = Callable[[Spins], Floats]
PIECE = 2**22  # sites that are read at once
BINS = 20
TERMS = (REALISATION, "configuration", "term")
EVEN = ("nearest", "diagonal", "third", "plaquette")
ODD = ("spin", "corner", "row")


def even_sums(spins: Spins) -> Floats:
    """Return the sums over sites of even products of spins, periodic.

    Parameters
    ----------
    spins : [configuration, y, x]
        Integers of magnitude 1, or floats.

    Returns
    -------
    float[configuration, 4]
        In the order of `EVEN`: pairs of nearest, diagonal and third neighbours (two steps along an axis), each pair
        once; the four spins of a plaquette.
    """
    right, down = np.roll(spins, -1, axis=2), np.roll(spins, -1, axis=1)
    across, along = spins * right, spins * down
    diagonal = spins * np.roll(down, -1, axis=2) + right * down
    third = spins * (np.roll(right, -1, axis=2) + np.roll(down, -1, axis=1))
    return _sums(across + along, diagonal, third, across * np.roll(across, -1, axis=1))


def odd_sums(spins: Spins) -> Floats:
    """Return the sums over sites of odd products of spins, periodic.

    Returns
    -------
    float[configuration, 3]
        In the order of `ODD`: spins; three spins of a plaquette, in its four ways; three in a row, in two ways.
    """
    right, down = np.roll(spins, -1, axis=2), np.roll(spins, -1, axis=1)
    across, along, opposite = spins * right, spins * down, np.roll(down, -1, axis=2)
    corner = across * (down + opposite) + opposite * (along + right * down)
    row = across * np.roll(right, -1, axis=2) + along * np.roll(down, -1, axis=1)
    return _sums(spins, corner, row)


def bond_mean(spins: Spins) -> Floats:
    """Return float[configuration, 1], the mean of h h' over all pairs of neighbours, periodic."""
    across, along = (np.multiply(spins, np.roll(spins, -1, axis=axis)) for axis in (2, 1))
    return np.asarray(_sums(across + along) / (2 * spins[0].size))


def _sums(*products: Spins) -> Floats:
    kind = np.int64 if products[0].dtype.kind == "i" else np.float64
    return np.stack([product.sum(axis=(1, 2), dtype=kind) for product in products], axis=1).astype(np.float64)


def per_configuration(spins: xr.DataArray, measure: Measure, arrangement: xr.Dataset | None = None) -> xr.DataArray:
    """Return what is measured on every configuration of a layer.

    Parameters
    ----------
    spins : DataArray[realisation, configuration, y, x]
        Read by pieces of `PIECE` sites; may lack the realisation.
    measure : function
        Of spins[configuration, y, x], to float[configuration, term].
    arrangement : Dataset, optional
        How units are put on the lattice. It may have realisations where `spins` has none, several arrangements of one
        layer; where both have some, those of `arrangement` are taken.

    Returns
    -------
    DataArray[realisation, configuration, term]
        With the labels of realisations that `spins` has.
    """
    ways = [None] if arrangement is None else _copies(arrangement)
    if arrangement is not None and REALISATION in arrangement.coords and REALISATION in spins.dims:
        spins = spins.sel({REALISATION: arrangement[REALISATION]})
    copies = _copies(spins)
    if len(copies) == 1:
        parts = [np.stack([measure(arranged(piece, way)) for way in ways]) for piece in _pieces(copies[0])]
        values = np.concatenate(parts, axis=1)
    else:
        paired = zip(copies, ways if len(ways) > 1 else ways * len(copies), strict=True)
        values = np.stack(
            [np.concatenate([measure(arranged(piece, way)) for piece in _pieces(copy)]) for copy, way in paired]
        )
    labels = {REALISATION: np.atleast_1d(spins[REALISATION].values)} if REALISATION in spins.coords else {}
    return xr.DataArray(values, labels, TERMS)


def slices(first: int, last: int, sites: int) -> Iterator[slice]:
    """Yield the configurations from `first` to before `last` in pieces of `PIECE` sites."""
    step = max(1, PIECE // sites)
    return (slice(start, min(start + step, last)) for start in range(first, last, step))


def read(spins: xr.DataArray, part: slice) -> Spins:
    """Return some configurations of spins[configuration, y, x], integers as integers."""
    kind = spins.encoding.get("dtype", spins.dtype)  # xarray reads integers that may be missing as floats
    return np.asarray(spins.isel(configuration=part).transpose("configuration", "y", "x").values, kind)


def _pieces(spins: xr.DataArray) -> Iterator[Spins]:
    count, sites = spins.sizes["configuration"], spins.sizes["y"] * spins.sizes["x"]
    return (read(spins, part) for part in slices(0, count, sites))


def _copies(values: Labelled) -> list[Labelled]:
    if REALISATION not in values.dims:
        return [values]
    return [values.isel({REALISATION: number}) for number in range(values.sizes[REALISATION])]


def paired(lower: xr.DataArray, upper: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray]:
    """Return what was measured on the same configurations of two layers, over the trainings that both have.

    Parameters
    ----------
    lower, upper : DataArray[realisation, configuration, ...]
        A `lower` whose realisation has no label is the same for all of `upper`.
    """
    below = lower if REALISATION in lower.coords else lower.isel({REALISATION: 0})
    above, below = xr.broadcast(*xr.align(upper, below, join="inner"))
    return below, above


def binned(*factors: xr.DataArray) -> xr.DataArray:
    """Return DataArray[..., bin, ...]: means of a product over `BINS` groups of configurations, of equal size.

    Parameters
    ----------
    *factors : DataArray[..., configuration, ...]
        What is left over when the configurations are dealt into the groups is left out.
    """
    each = factors[0].sizes["configuration"] // BINS
    grouped = (
        factor.isel(configuration=slice(BINS * each))
        .coarsen(configuration=each)
        .construct(configuration=(BIN, "member"))
        for factor in factors
    )
    means: xr.DataArray = xr.dot(*grouped, dim="member") / each
    return means
