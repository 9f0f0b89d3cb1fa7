"""The exact distribution of the magnetisation of small tori, by transfer matrices that count the spins that are up."""

from __future__ import annotations

from functools import lru_cache, reduce
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
SIZES = range(3, 11)  # 2^10 states of a row: a second


class Moments(NamedTuple):
    """Means of powers of the magnetisation per site."""

    abs_m: float
    m2: float
    m4: float

    @property
    def binder(self) -> float:
        """U4 = 1 - <m^4> / (3 <m^2>^2)."""
        return 1 - self.m4 / (3 * self.m2**2)


@lru_cache(maxsize=256)
def moments(size: int, temperature: float) -> Moments:
    """Return <|m|>, <m^2> and <m^4> of the `size` x `size` torus; NaN for sizes that are not in `SIZES`.

    Parameters
    ----------
    size : int
    temperature : float
        In J/k_B, 0 or more.
    """
    if size not in SIZES:
        return Moments(np.nan, np.nan, np.nan)
    weights = magnetization_weights(size, np.exp(-2 / temperature) if temperature else 0.0)
    m = np.linspace(-1, 1, size**2 + 1)
    return Moments(*(float(weights @ values / weights.sum()) for values in (np.abs(m), m**2, m**4)))


def magnetization_weights(size: int, boltzmann: complex) -> Array:
    """Return what configurations with n or N - n spins up weigh together, by n, [N + 1].

    A row a is followed over half the torus to every row b, and the spins up on the way are counted; two such halves, to
    b and back, make a torus. Rows a that are translations, reflections or reversals of each other weigh the same, so
    one of each kind is followed: for n alone the result is not symmetric, as the truth is; for n and N - n it is right.

    Parameters
    ----------
    size : int
    boltzmann : float or complex
        exp(-2 K), the weight of a broken bond. The ground states weigh 1 each.
    """
    rows = 1 & np.arange(2**size)[:, None] >> np.arange(size)
    up, own = rows.sum(axis=1), boltzmann ** (rows != np.roll(rows, 1, axis=1)).sum(axis=1)
    total = np.zeros(size**2 + 1, own.dtype)
    for row, alike in zip(*_kinds(rows), strict=True):
        reached = between = np.zeros((2**size, 1), own.dtype)
        reached[row] = 1
        for step in range(size - size // 2):
            between = _to_the_next_row(reached, boltzmann)
            if step < size // 2:
                reached = _with_its_spins(own[:, None] * between, up)
        both = _by_sum(reached.T @ between)
        total[up[row] : up[row] + len(both)] += alike * own[row] * both
    return total


def _kinds(rows: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return one row of each kind, as its number, and how many are of its kind."""
    size = rows.shape[1]
    turned = [np.roll(order, shift, axis=1) for order in (rows, rows[:, ::-1]) for shift in range(size)]
    numbers = [image @ 2 ** np.arange(size) for row in turned for image in (row, 1 - row)]
    kinds, alike = np.unique(np.min(numbers, axis=0), return_counts=True)
    return kinds, alike


def _to_the_next_row(counted: Array, boltzmann: complex) -> Array:
    """Return weights [row, n] times those of the bonds to the next row, summed over the row."""
    size = len(counted).bit_length() - 1
    left, right = (_column_bonds(columns, boltzmann) for columns in (size - size // 2, size // 2))
    halfway = right @ counted.reshape(len(left), len(right), -1)
    return np.asarray(left @ halfway.reshape(len(left), -1)).reshape(counted.shape)


@lru_cache(maxsize=8)
def _column_bonds(columns: int, boltzmann: complex) -> Array:
    """Return the weight of the bonds between two pieces of rows, [piece, piece]."""
    bond = np.array([[1, boltzmann], [boltzmann, 1]])
    return reduce(np.kron, [bond] * columns)


def _with_its_spins(counted: Array, up: npt.NDArray[np.int64]) -> Array:
    """Return weights [row, n] by the number n that includes the row's own spins."""
    rows, columns = counted.shape
    found = np.zeros((rows, columns + up.max()), counted.dtype)
    for spins in range(up.max() + 1):
        alike = up == spins
        found[alike, spins : spins + columns] = counted[alike]
    return found


def _by_sum(joint: Array) -> Array:
    """Return the sums of [n, n'] over n + n': each line moved one further to the right than the one above."""
    lines, columns = joint.shape
    padded = np.zeros((lines, lines + columns), joint.dtype)
    padded[:, :columns] = joint
    return np.asarray(padded.ravel()[:-lines].reshape(lines, lines + columns - 1).sum(axis=0))
