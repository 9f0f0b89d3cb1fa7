"""Random bits, 512 at a time: SFC64 on 8 lanes, and lanes whose bits are set with a given probability.

SFC64 (Chris Doty-Humphrey, PractRand) is three words of chaotic state and a counter. Its only rotation is by three
bytes, a single shuffle, so that it costs 9 vector instructions for 512 bits where xoshiro256++ takes 14.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from kernels.contract import Array
from kernels.multispin.lanes import left, load, right, rotate_bytes, splat, store

WARM_UP = 12  # words that a new state throws away, as the author of SFC64 does


@njit(inline="always")
def step(a: Any, b: Any, c: Any, count: Any, one: Any) -> Any:
    """Return 512 random bits and the next state; `one` is lanes of 1."""
    word = a + b + count
    return word, b ^ right(b, 11), c + left(c, 3), rotate_bytes(c, 3) + word, count + one


def new_state(rng: np.random.Generator) -> Array:
    """Return uint64[4, 8], the states of 8 independent generators: a, b, c random, the counter 1; warmed up."""
    state = np.concatenate([rng.integers(2**64, size=(3, 8), dtype=np.uint64), np.ones((1, 8), np.uint64)])
    fill(state, np.empty((WARM_UP, 8), np.uint64))
    return state


@njit(cache=True)
def fill(state: Array, words: Array) -> None:
    """Fill uint64[n, 8] with random words; changes `state`."""
    one = splat(np.uint64(1))
    a, b, c, count = load(state, 0), load(state, 1), load(state, 2), load(state, 3)
    for row in range(words.shape[0]):
        word, a, b, c, count = step(a, b, c, count, one)
        store(words, row, word)
    store(state, 0, a)
    store(state, 1, b)
    store(state, 2, c)
    store(state, 3, count)
