"""How many configurations of a small torus have so many broken bonds and so many spins up.

That is all that energy and magnetisation can say, at any temperature. The numbers, up to 2^100, are counted exactly, by
transfer matrices. At 10 sites a side that takes hours (minutes with integers of gmpy2), so `configurations` reads them
from a file beside this module, which `python -m sweep.analysis.exact.configurations` writes.
"""

from __future__ import annotations

from functools import lru_cache
from operator import mul
from pathlib import Path

import numpy as np
import numpy.typing as npt

SIZES = range(3, 11)
FILE = Path(__file__).with_suffix(".npz")


@lru_cache(maxsize=len(SIZES))
def configurations(size: int) -> npt.NDArray[np.float64]:
    """Return how many configurations have 2j broken bonds, a number that is always even, and n spins up.

    Parameters
    ----------
    size : int
        Sites per side, one of `SIZES`.

    Returns
    -------
    float64[N + 1, N + 1]
        By j and n, for N sites; rounded where it is above 2^53. Read-only.
    """
    with np.load(FILE) as tables:
        found: npt.NDArray[np.float64] = tables[str(size)]
    found.flags.writeable = False
    return found


def count_configurations(size: int) -> list[list[int]]:
    """Return the exact numbers of `configurations`.

    A row is followed over half the torus to every row, and broken bonds and spins up on the way are counted; two such
    halves, there and back, make a torus. First rows that are translations, reflections or reversals of each other count
    alike, so one of each kind is followed: what it gives for n and N - n spins up is right for both together.

    A polynomial in x and z, whose powers count bonds and spins, is one integer: that at x = 2^w and z = 2^(w (2N + 1)),
    where w binary digits hold any coefficient.
    """
    sites, states = size**2, range(2**size)
    width = sites + 1
    spin = width * (2 * sites + 1)
    up = [state.bit_count() for state in states]
    own = [(state ^ _turned(state, 1, size)).bit_count() for state in states]
    weigh = [width * bonds + spin * spins for bonds, spins in zip(own, up, strict=True)]
    total = 0
    for first, alike in _kinds(size).items():
        reached = between = [int(state == first) for state in states]
        for step in range(size - size // 2):
            between = reached
            for site in range(size):
                between = [between[state] + (between[state ^ 1 << site] << width) for state in states]
            if step < size // 2:
                reached = [number << power for number, power in zip(between, weigh, strict=True)]
        total += alike * sum(map(mul, reached, between)) << weigh[first]
    digits = [[total >> (spin * n + 2 * width * j) & 2**width - 1 for n in range(width)] for j in range(width)]
    return [[(row[n] + row[-1 - n]) // 2 for n in range(width)] for row in digits]


def _kinds(size: int) -> dict[int, int]:
    """Return one row of each kind, as the number whose binary digits are its spins, and how many are of its kind."""
    found: dict[int, int] = {}
    for state in range(2**size):
        mirrored = int(f"{state:0{size}b}"[::-1], 2)
        turned = [_turned(row, by, size) for row in (state, mirrored) for by in range(size)]
        kind = min(min(row, 2**size - 1 - row) for row in turned)
        found[kind] = found.get(kind, 0) + 1
    return found


def _turned(row: int, by: int, size: int) -> int:
    return (row << by | row >> size - by) & (1 << size) - 1


if __name__ == "__main__":
    tables = {str(size): np.array(count_configurations(size), np.float64) for size in SIZES}
    np.savez_compressed(FILE, allow_pickle=False, **tables)
