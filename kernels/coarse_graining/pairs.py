"""Sums over pairs of sites by their distance, from spectra (eq 61): no matrix of all pairs."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from sweep.kernels.contract import Array


class Pairs(NamedTuple):
    """Displacements on a lattice, in order of distance.

    Parameters
    ----------
    period : (int, int)
        Of the transforms: rows and columns, beyond the lattice filled with zeros.
    place : int64[displacement]
        Flat place of each displacement in the transform of a spectrum.
    start : int64[distance]
        Where in `place` each distance begins.
    multiplicity : int64[distance]
        Ordered pairs of sites at each distance.
    distance : float64[distance]
    """

    period: tuple[int, int]
    place: Array
    start: Array
    multiplicity: Array
    distance: Array


@cache
def open_pairs(rows: int, columns: int) -> Pairs:
    """Return the pairs at open Euclidean distance 0 < d < L/2, L the shorter side.

    Half a lattice of zeros is enough that no such pair meets another one around the edge.
    """
    period = (rows + rows // 2, columns + columns // 2)
    dy, dx = (_signed(length) for length in period)
    squared = dy[:, None] ** 2 + dx**2
    counts = np.outer(rows - np.abs(dy), columns - np.abs(dx))
    return _grouped(period, squared, counts, (squared > 0) & (4 * squared < min(rows, columns) ** 2))


@cache
def periodic_pairs(rows: int, columns: int) -> Pairs:
    """Return all pairs of different sites by their distance on the torus."""
    squared = _signed(rows)[:, None] ** 2 + _signed(columns) ** 2
    return _grouped((rows, columns), squared, np.full(squared.shape, rows * columns), squared > 0)


def _signed(period: int) -> Array:
    """Return the displacement nearest to 0 that each place of a transform stands for."""
    place = np.arange(period)
    return np.where(2 * place > period, place - period, place)


def _grouped(period: tuple[int, int], squared: Array, counts: Array, wanted: Array) -> Pairs:
    place = np.flatnonzero(wanted)
    place = place[np.argsort(squared.flat[place], kind="stable")]
    values, start = np.unique(squared.flat[place], return_index=True)
    pairs = Pairs(period, place, start, np.add.reduceat(counts.flat[place], start), np.sqrt(values))
    for array in pairs[1:]:
        array.flags.writeable = False
    return pairs


def spectra(panels: Array, pairs: Pairs) -> Array:
    """Return complex64[..., wave], the transforms of panels[..., y, x]; flat over wave vectors."""
    waves = np.fft.rfft2(panels, s=pairs.period)
    return waves.reshape(*panels.shape[:-2], -1)


def means_by_distance(power: Array, pairs: Pairs) -> Array:
    """Return float64[..., distance], the mean over pairs of sites of x_i y_j.

    Parameters
    ----------
    power : float64[..., wave]
        Real part of the spectrum of x times the complex conjugate of that of y.
    """
    rows, columns = pairs.period
    sums = np.fft.irfft2(power.reshape(*power.shape[:-1], rows, columns // 2 + 1), s=pairs.period)
    near = sums.reshape(*power.shape[:-1], -1)[..., pairs.place]
    return np.asarray(np.add.reduceat(near, pairs.start, axis=-1) / pairs.multiplicity)
