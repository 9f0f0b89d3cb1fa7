"""Random words and probabilities as integers: the same bits on every machine."""

from __future__ import annotations

from decimal import Context, Decimal

import numpy as np
from numba import njit

from kernels.contract import Array

LARGEST = 2**64 - 1
_PRECISE = Context(prec=60)


def boltzmann_threshold(energy: float, temperature: float) -> np.uint64:
    """Return floor(2^64 exp(-energy/temperature)), at most 2^64 - 1.

    A uniform 64-bit word is below it with the Boltzmann probability. Decimal's exp is correctly rounded, so the
    threshold is the same on every machine, which libm's exp does not promise.

    Parameters
    ----------
    energy : float, J, 0 or more
    temperature : float, J/k_B, above 0
    """
    exponent = _PRECISE.divide(Decimal(-energy), Decimal(temperature))
    return np.uint64(min(int(_PRECISE.multiply(_PRECISE.exp(exponent), Decimal(2**64))), LARGEST))


def seeds(rng: np.random.Generator, chains: int) -> Array:
    """Return uint64[chains, 4], one independent state of xoshiro256++ per chain."""
    return rng.integers(2**64, size=(chains, 4), dtype=np.uint64)


@njit(cache=True, inline="always")
def next_word(state: Array) -> np.uint64:
    """Return the next 64 random bits of xoshiro256++ (Blackman and Vigna 2021); changes `state`, uint64[4]."""
    s0, s1, s2, s3 = state[0], state[1], state[2], state[3]
    mixed = s0 + s3
    word: np.uint64 = ((mixed << np.uint64(23)) | (mixed >> np.uint64(41))) + s0
    shifted = s1 << np.uint64(17)
    s2 ^= s0
    s3 ^= s1
    state[1] = s1 ^ s2
    state[0] = s0 ^ s3
    state[2] = s2 ^ shifted
    state[3] = (s3 << np.uint64(45)) | (s3 >> np.uint64(19))
    return word
