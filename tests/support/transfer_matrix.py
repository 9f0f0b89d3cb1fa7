"""Exact correlators of small tori by diagonalising the transfer matrix: a check on those by free fermions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def exact_correlations(size: int, temperature: float) -> tuple[Floats, Floats]:
    """Return the exact correlators of the `size` x `size` torus.

    With V = T_0^(1/2) T_1 T_0^(1/2), the symmetric transfer matrix between rows, a product of two row observables A and
    B that are d rows apart has the mean Tr(A V^d B V^(L-d)) / Tr V^L, which eigenvectors of V turn into a double sum.

    Parameters
    ----------
    size : int
        Up to 10: 2^10 states of a row take some tenths of a second.
    temperature : float
        In J/k_B, above 0.

    Returns
    -------
    spin : float[size, size]
        <s_0 s_r> at r = (dy, dx).
    energy : float[size, size]
        The connected correlator of one horizontal bond s(y, x) s(y, x + 1).
    """
    states = np.arange(2 ** (size - 1))  # one of each pair of a row and its reverse
    rows: Floats = np.asarray(1.0 - 2.0 * ((states[:, None] >> np.arange(size)) & 1), np.float64)
    bonds = rows * np.roll(rows, -1, axis=1)
    even, odd = _sectors(rows, bonds, 1.0 / temperature)
    total = np.sum(even.weights**size) + np.sum(odd.weights**size)
    spin = _correlator(rows, even, odd) / total
    energy = 0.5 * (_correlator(bonds, even, even) + _correlator(bonds, odd, odd)) / total
    mean = sum(np.sum(_diagonal(bonds[:, 0], sector) * sector.weights**size) for sector in (even, odd)) / total
    return spin, energy - mean**2


@dataclass(frozen=True)
class _Sector:
    """Rows that are even or odd under the reversal of all spins: eigenvalues, relative to the largest, and vectors."""

    weights: Floats
    vectors: Floats


def _sectors(rows: Floats, bonds: Floats, coupling: float) -> tuple[_Sector, _Sector]:
    half = np.exp(0.5 * coupling * (bonds.sum(axis=1) - rows.shape[1]))
    overlap = coupling * (rows @ rows.T)
    scale = coupling * rows.shape[1]
    direct, reverse = np.exp(overlap - scale), np.exp(-overlap - scale)
    (even, u), (odd, v) = (np.linalg.eigh(half[:, None] * part * half) for part in (direct + reverse, direct - reverse))
    largest = even[-1]
    return _Sector(np.maximum(even / largest, 0.0), u), _Sector(np.maximum(odd / largest, 0.0), v)


def _correlator(observable: Floats, left: _Sector, right: _Sector) -> Floats:
    """Return Tr(A V^dy B V^(L - dy)) for A = observable[0] and B = observable[dx], from one sector to the other."""
    size = observable.shape[1]
    powers = [sector.weights[:, None] ** np.arange(size + 1) for sector in (left, right)]
    first = left.vectors.T @ (observable[:, :1] * right.vectors)
    result = np.empty((size, size))
    for dx in range(size // 2 + 1):
        pairs = first * (left.vectors.T @ (observable[:, dx : dx + 1] * right.vectors))
        there = np.sum(powers[0] * (pairs @ powers[1][:, ::-1]), axis=0)[:size]
        back = np.sum(powers[0][:, ::-1] * (pairs @ powers[1]), axis=0)[:size]
        result[:, dx] = result[:, -dx] = there + back
    return result


def _diagonal(observable: Floats, sector: _Sector) -> Floats:
    return np.asarray(observable @ sector.vectors**2, np.float64)
