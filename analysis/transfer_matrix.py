"""Exact correlators of small tori, by diagonalising the transfer matrix: what an estimator gives on perfect data."""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
LARGEST = 10  # 2^10 states of a row: a second of work


@functools.lru_cache(maxsize=64)
def exact_correlations(size: int, temperature: float) -> tuple[Floats, Floats]:
    """Return the exact correlators of the `size` x `size` torus.

    With V = T_0^(1/2) T_1 T_0^(1/2), the symmetric transfer matrix between rows, a product of two row observables A and
    B that are d rows apart has the mean Tr(A V^d B V^(L-d)) / Tr V^L, which eigenvectors of V turn into a double sum.

    Parameters
    ----------
    size : int
        From 3 to `LARGEST`.
    temperature : float
        In J/k_B, above 0.

    Returns
    -------
    spin : float[size, size]
        <s_0 s_r> at r = (dy, dx).
    energy : float[size, size]
        The connected correlator of one horizontal bond s(y, x) s(y, x + 1).

    Raises
    ------
    ValueError
        For a size that is too large or too small, or a temperature that is not positive.
    """
    if not 3 <= size <= LARGEST or temperature <= 0:
        raise ValueError(f"found size {size}, temperature {temperature}; wanted size 3 to {LARGEST}, temperature > 0")
    rows: Floats = np.asarray(1.0 - 2.0 * ((np.arange(2**size)[:, None] >> np.arange(size)) & 1), np.float64)
    bonds = rows * np.roll(rows, -1, axis=1)
    weight, vectors = _eigenvalues(rows, bonds, 1.0 / temperature)
    spin = _correlator(rows, weight, vectors)
    energy = _correlator(bonds, weight, vectors)
    mean = _mean(bonds[:, 0], weight, vectors)
    return spin, energy - mean**2


def _eigenvalues(rows: Floats, bonds: Floats, coupling: float) -> tuple[Floats, Floats]:
    """Return the eigenvalues of V relative to the largest, and its eigenvectors."""
    half = np.exp(0.5 * coupling * (bonds.sum(axis=1) - rows.shape[1]))
    between = np.exp(coupling * (rows @ rows.T - rows.shape[1]))
    values, vectors = np.linalg.eigh(half[:, None] * between * half)
    return np.asarray(values / values[-1]), np.asarray(vectors)


def _correlator(observable: Floats, weight: Floats, vectors: Floats) -> Floats:
    """Return the mean of observable[0] times observable[dx] dy rows on, for every displacement."""
    size = observable.shape[1]
    powers = weight[:, None] ** np.arange(size + 1)
    first = vectors.T @ (observable[:, :1] * vectors)
    result = np.empty((size, size))
    for dx in range(size // 2 + 1):
        pairs = first * (vectors.T @ (observable[:, dx : dx + 1] * vectors))
        means = np.einsum("id,ij,jd->d", powers[:, :size], pairs, powers[:, size:0:-1]) / powers[:, size].sum()
        result[:, dx] = result[:, -dx] = means
    return result


def _mean(observable: Floats, weight: Floats, vectors: Floats) -> float:
    size = int(np.log2(len(observable)))
    diagonal = np.einsum("ki,k,ki->i", vectors, observable, vectors)
    return float(np.sum(diagonal * weight**size) / np.sum(weight**size))
