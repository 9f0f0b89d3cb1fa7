"""Random words and probabilities as integers: the same bits on every machine."""

from __future__ import annotations

from decimal import Context, Decimal
from typing import Any

import numpy as np
from numba import njit

from sweep.kernels.contract import Array
from sweep.kernels.ising.lanes import load, splat, store

LARGEST = 2**64 - 1
DISCARDED = 16  # words, so that close seeds have parted
_PRECISE = Context(prec=60)


def boltzmann(energy: float, temperature: float) -> Decimal:
    """Return exp(-energy/temperature) to 60 digits: Decimal's exp is correctly rounded, and so the same everywhere.

    Parameters
    ----------
    energy : float, J, 0 or more
    temperature : float, J/k_B, above 0
    """
    return _PRECISE.exp(_PRECISE.divide(Decimal(-energy), Decimal(temperature)))


def boltzmann_threshold(energy: float, temperature: float) -> np.uint64:
    """Return floor(2^64 exp(-energy/temperature)), at most 2^64 - 1.

    A uniform 64-bit word is below it with the Boltzmann probability. Parameters as of `boltzmann`.
    """
    return np.uint64(min(int(_PRECISE.multiply(boltzmann(energy, temperature), Decimal(2**64))), LARGEST))


def seeds(rng: np.random.Generator, count: int) -> Array:
    """Return uint64[4, count], the states of independent generators SFC64: three random words each, and a counter."""
    states = np.concatenate([rng.integers(2**64, size=(3, count), dtype=np.uint64), np.ones((1, count), np.uint64)])
    _discard(states, DISCARDED)
    return states


@njit(cache=True, inline="always")
def sfc64(a: Any, b: Any, c: Any, counter: Any) -> Any:
    """Return the next word and the state (a, b, c) after it; the caller adds 1 to the counter.

    Doty-Humphrey's generator from PractRand, for single words as for `Lanes` of them: nine operations, of which the
    rotation by whole bytes is a single one on most processors.
    """
    word = a + b + counter
    return word, b ^ (b >> np.uint64(11)), c + (c << np.uint64(3)), ((c << np.uint64(24)) | (c >> np.uint64(40))) + word


@njit(cache=True)
def _discard(states: Array, count: int) -> None:
    for chain in range(states.shape[1]):
        a, b, c, counter = states[0, chain], states[1, chain], states[2, chain], states[3, chain]
        for _ in range(count):
            _, a, b, c = sfc64(a, b, c, counter)
            counter += np.uint64(1)
        states[0, chain], states[1, chain], states[2, chain], states[3, chain] = a, b, c, counter


@njit(cache=True)
def fill_words(states: Array, words: Array) -> None:
    """Fill uint64[..., 8] with the next words of eight generators; changes their states, uint64[4, 8]."""
    a, b, c, counter = load(states, 0), load(states, 1), load(states, 2), states[3, 0]
    for row in range(len(words)):
        word, a, b, c = sfc64(a, b, c, splat(counter))
        counter += np.uint64(1)
        store(words, row, word)
    store(states, 0, a)
    store(states, 1, b)
    store(states, 2, c)
    states[3, :] = counter
