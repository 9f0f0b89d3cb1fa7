"""Exact moments of the magnetisation of small tori at any temperature."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from sweep.analysis.exact.configurations import SIZES, configurations


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
    counts = configurations(size)
    broken = np.exp(-4 / temperature) if temperature else 0.0  # the weight of two broken bonds
    weights = broken ** np.arange(len(counts)) @ counts  # by how many spins are up; the ground states weigh 1 each
    m = np.linspace(-1, 1, len(weights))
    return Moments(*(float(weights @ values / weights.sum()) for values in (np.abs(m), m**2, m**4)))
