"""What a coarse unit tells about spins beyond a buffer, from samples: mutual information by counting.

There is a block of 2x2 spins, around it a buffer some sites wide, and of the ring of sites just beyond the buffer
some spins, evenly spaced: the environment E (M. Koch-Janusz and Z. Ringel, Nature Physics 14, 578 (2018)). All
blocks of the lattice and all configurations are counted in one table of block and environment. Any rule that sees the
block only, p(h|block), has its I(h; E) from that table, fair ties included.

A machine's unit sees the whole lattice. So there are two numbers for it: of the unit as it is, which may read E itself;
and of the unit cut down to the block where its weights are strongest, all others put to 0: it sees what the rules see.

Counting overestimates information by about (states of h - 1)(states of E - 1) / 2N; the jackknife takes that off.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import xarray as xr
from scipy.special import entr, expit

from sweep.analysis.estimators.crossed import BIN
from sweep.analysis.estimators.lattice_sums import BINS, Floats, Spins, read, slices
from sweep.analysis.exact.enumeration import all_spins

Integers = npt.NDArray[np.int64]
Sites = Sequence[tuple[int, int]]
MARKED = (8, 4)  # spins of the ring that may stand for the environment: 256 or 16 states
BIAS = 0.01  # nats, that counting may add to the information of a unit in ±1 before the jackknife
BLOCK: Sites = ((0, 0), (0, 1), (1, 0), (1, 1))


def marked_for(configurations: int) -> int:
    """Return how many spins of the ring may stand for the environment, given so many samples of a unit."""
    return next((count for count in MARKED if (1 << count) < 2 * BIAS * configurations), MARKED[-1])


def ring(buffer: int, marked: int) -> tuple[tuple[int, int], ...]:
    """Return sites (dy, dx) of the ring around a block and its buffer, from the block's first site, evenly spaced.

    The ring of 12 sites around a block without a buffer is, on the 4x4 torus, all that is not the block.
    """
    low, side = -1 - buffer, 2 * buffer + 3
    top = [(0, step) for step in range(side)]
    quarter = [(low + y, low + x) for y, x in top]
    sites = list(quarter)
    for _ in range(3):  # a quarter turn about the block's middle, (1/2, 1/2)
        quarter = [(x, 1 - y) for y, x in quarter]
        sites += quarter
    chosen = np.arange(marked) * len(sites) // marked
    return tuple(sites[place] for place in chosen)


def states(spins: Spins, sites: Sites, origins: Integers) -> Integers:
    """Return the numbers of the states of some sites, seen from every origin: bit k is set where spin k is up.

    Parameters
    ----------
    spins : [configuration, y, x]
    sites : sequence of (dy, dx)
        At most 16.
    origins : int[origin, 2]
        (y, x); the lattice is periodic.

    Returns
    -------
    int[origin, configuration]
    """
    side = spins.shape[2]
    by_site = np.ascontiguousarray((spins.reshape(len(spins), -1) > 0).T).astype(np.uint16)  # rows that are read whole
    found = np.zeros((len(origins), len(spins)), np.uint16)
    for bit, site in enumerate(sites):
        y, x = ((origins + site) % side).T
        found |= by_site[y * side + x] << np.uint16(bit)
    return found.astype(np.int64)


def even_blocks(size: int) -> Integers:
    """Return int[origin, 2], the first sites of the disjoint blocks of a lattice."""
    even = np.arange(0, size - 1, 2)
    return np.stack(np.meshgrid(even, even, indexing="ij"), axis=-1).reshape(-1, 2)


def block_table(spins: xr.DataArray, around: Sites) -> xr.DataArray:
    """Return how often every state of a block meets every state of its environment, over all disjoint blocks.

    Parameters
    ----------
    spins : DataArray[configuration, y, x]
        Samples in ±1.
    around : sequence of (dy, dx)
        The spins of the environment, as `ring` gives them.

    Returns
    -------
    DataArray[bin, block, environment]
        Shares, 16 by 2**spins, in bins of configurations.
    """
    origins = even_blocks(spins.sizes["x"])

    def joint(part: slice) -> Integers:
        found = read(spins, part)
        return states(found, BLOCK, origins) << len(around) | states(found, around, origins)

    return _shares(spins, joint, (1 << len(BLOCK), 1 << len(around)), ("block", "environment"))


def unit_table(spins: xr.DataArray, units: xr.DataArray, origins: Integers, around: Sites) -> xr.DataArray:
    """Return how often both states of every unit meet every state of the environment of the block that is its own.

    Parameters
    ----------
    spins : DataArray[configuration, y, x]
    units : DataArray[configuration, y, x]
        Hidden samples in ±1 of the same configurations.
    origins : int[unit, 2]
        The first sites of the units' blocks.
    around : sequence of (dy, dx)

    Returns
    -------
    DataArray[bin, hidden_unit, state, environment]
        Shares; those of one unit add up to 1 / units.
    """
    number = np.arange(len(origins))[:, None]

    def joint(part: slice) -> Integers:
        above = read(units, part).reshape(-1, len(origins)).T
        return (2 * number + (above > 0)) << len(around) | states(read(spins, part), around, origins)

    return _shares(spins, joint, (len(origins), 2, 1 << len(around)), ("hidden_unit", "state", "environment"))


def _shares(
    spins: xr.DataArray, joint: Callable[[slice], Integers], shape: tuple[int, ...], dims: tuple[str, ...]
) -> xr.DataArray:
    """Return the shares of all cells of a table, [bin, *dims], from the cell numbers of some configurations."""
    each = spins.sizes["configuration"] // BINS
    counts = np.zeros((BINS, int(np.prod(shape))))
    for number in range(BINS):
        for part in slices(number * each, (number + 1) * each, spins.sizes["y"] * spins.sizes["x"]):
            counts[number] += np.bincount(joint(part).ravel(), minlength=counts.shape[1])
    return xr.DataArray((counts / counts[0].sum()).reshape(BINS, *shape), dims=(BIN, *dims))


def strongest_blocks(weights: Floats) -> Integers:
    """Return int[unit, 2], the first site of the block, anywhere, where a unit's weights add up to most in magnitude.

    Parameters
    ----------
    weights : float[y, x, unit]
    """
    sums = np.abs(sum(np.roll(weights, (-dy, -dx), axis=(0, 1)) for dy, dx in BLOCK))
    places = sums.reshape(-1, weights.shape[2]).argmax(axis=0)
    return np.stack(np.divmod(places, weights.shape[1]), axis=-1)


def cut_units(weights: Floats, bias: Floats, origins: Integers) -> xr.DataArray:
    """Return p(h|block) of units whose weights outside their block are put to 0 (eq 11).

    Parameters
    ----------
    weights : float[y, x, unit]
    bias : float[unit]
    origins : int[unit, 2]

    Returns
    -------
    DataArray[hidden_unit, block, state]
        States of the block in the order of `states`; of the unit, down and up.
    """
    sites = (origins[:, None, :] + BLOCK) % weights.shape[1]
    inside = weights[sites[..., 0], sites[..., 1], np.arange(len(origins))[:, None]]
    up = expit(2 * (inside @ all_spins(len(BLOCK)).T + bias[:, None]))
    return xr.DataArray(np.stack([1 - up, up], axis=-1), dims=("hidden_unit", "block", "state"))


def seen_by(rule: xr.DataArray, table: xr.DataArray) -> xr.DataArray:
    """Return how often what rules make of a block meets every state of the environment.

    Parameters
    ----------
    rule : DataArray[..., block, state]
        p(h|block).
    table : DataArray[bin, block, environment]

    Returns
    -------
    DataArray[..., bin, state, environment]
    """
    seen: xr.DataArray = xr.apply_ufunc(
        lambda given, shares: np.swapaxes(given, -1, -2) @ shares,
        rule,
        table,
        input_core_dims=[["block", "state"], ["block", "environment"]],
        output_core_dims=[["state", "environment"]],
    )
    return seen


def information(joint: xr.DataArray) -> xr.DataArray:
    """Return I in nats of a state and the environment, as pseudo-values of the jackknife over bins.

    Parameters
    ----------
    joint : DataArray[..., bin, state, environment]

    Returns
    -------
    DataArray[..., bin]
        Their mean is the estimate with the leading bias taken off, and their scatter is its error.
    """
    values: xr.DataArray = xr.apply_ufunc(
        _pseudo_values, joint, input_core_dims=[[BIN, "state", "environment"]], output_core_dims=[[BIN]]
    )
    return values


def _pseudo_values(joint: Floats) -> Floats:
    bins = joint.shape[-3]
    total = joint.sum(axis=-3, keepdims=True)
    without = mutual_information((total - joint) / (bins - 1))
    return np.asarray(bins * mutual_information(total / bins) - (bins - 1) * without)


def mutual_information(joint: Floats) -> Floats:
    """Return I in nats of float[..., state, environment], each a joint distribution up to its sum."""
    shares = joint / joint.sum(axis=(-2, -1), keepdims=True)
    alone = entr(shares.sum(axis=-1)).sum(axis=-1) + entr(shares.sum(axis=-2)).sum(axis=-1)
    return np.asarray(alone - entr(shares).sum(axis=(-2, -1)))
