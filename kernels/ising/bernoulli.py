"""Bits that are set with given probabilities, 512 at once: exact, and cheap in random words.

A bit is set if a uniform number u is below p. The first `k` digits of p take a random word each: for all lanes at
once, u < a/2^k is decided from the last digit to the first by one `and` or `or` per digit (with words whose bits are 0
where those of u are 1). What is then missing of p
is put right by rare events that strike every lane at an even rate, like a Poisson process. An event sets the bit where
the k digits were rounded down, and clears it where they were rounded up. A lane is spared with probability
exp(-rate), so that the rates

    rounded down: log((1 - a/2^k) / (1 - p)),  rounded up: log((a + 1)/2^k / p)

give p to 2^-64. Events of a lattice of lanes are a Poisson number of positions, drawn with replacement: two of them at
one place do what one does. At T_c 7 words and 4 events make 512 bits for each of two probabilities, where deciding
digit by digit until no lane is open takes 12.3 words.
"""

from __future__ import annotations

from decimal import Context, Decimal
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from sweep.kernels.contract import Array
from sweep.kernels.ising.lanes import WORDS, load, splat, store
from sweep.kernels.ising.words import LARGEST, sfc64

VECTORS = 64
LANES = VECTORS * WORDS * 64  # 2^15
POSITIONS = 4 * WORDS  # of 16 bits, in a vector of words
WORD_COST, EVENT_COST = 2.2, 0.6
"""Nanoseconds of a random word with its two digits, and of an event; they decide how many digits are used."""
_PRECISE = Context(prec=60)


class Recipe(NamedTuple):
    """How to draw bits of two probabilities from the same words. A lane may use either of its two bits, not both.

    Parameters
    ----------
    digits : int64[k]
        From the last to the first: + 1 if the first probability has it, + 2 if the second has it.
    up : uint64[2]
        All ones where the digits are rounded up, else 0.
    first_events, second_events : uint64[...]
        Distribution of the number of events in a block of `VECTORS` vectors: floor(2^64 P(number <= n)).
    """

    digits: Array
    up: Array
    first_events: Array
    second_events: Array


class _Digits(NamedTuple):
    """The first digits of a probability as an integer, whether they are to be rounded up, and the rate of events."""

    value: int
    up: bool
    rate: Decimal


def _digits(probability: Decimal, count: int) -> _Digits:
    unit = Decimal(2**count)
    value = min(int(_PRECISE.multiply(probability, unit)), 2**count - 1)
    left = _PRECISE.divide(1 - Decimal(value) / unit, _PRECISE.subtract(Decimal(1), probability))
    down = _PRECISE.ln(left)
    if probability:
        up = _PRECISE.ln(_PRECISE.divide(Decimal(value + 1) / unit, probability))
        if up < down:
            return _Digits(value, True, up)
    return _Digits(value, False, down)


def _cost(choice: tuple[_Digits, _Digits], count: int) -> float:
    return WORD_COST * count + EVENT_COST * 64 * WORDS * float(sum(digits.rate for digits in choice))


def _poisson(mean: Decimal) -> Array:
    """Return uint64[...], floor(2^64 P(n)) for n = 0, 1, ... with P the distribution function, as far as it is < 1."""
    term = _PRECISE.exp(mean.copy_negate())
    total, table = term, []
    while (below := int(_PRECISE.multiply(total, Decimal(2**64)))) < LARGEST:
        table.append(below)
        term = _PRECISE.divide(_PRECISE.multiply(term, mean), Decimal(len(table)))
        total = _PRECISE.add(total, term)
    return np.array(table, np.uint64)


@lru_cache(maxsize=64)
def recipe(first: Decimal, second: Decimal) -> Recipe:
    """Return the cheapest way to draw bits with two probabilities.

    Parameters
    ----------
    first, second : Decimal
        0 or more, below 1.
    """
    choices = {count: (_digits(first, count), _digits(second, count)) for count in range(1, 17)}
    count = min(choices, key=lambda count: _cost(choices[count], count))
    one, two = choices[count]
    return Recipe(
        np.array([(one.value >> j & 1) + 2 * (two.value >> j & 1) for j in range(count)], np.int64),
        np.array([LARGEST * digits.up for digits in (one, two)], np.uint64),
        *(_poisson(_PRECISE.multiply(digits.rate, Decimal(LANES))) for digits in (one, two)),
    )


@njit(cache=True)
def room(drawn: Recipe) -> tuple[Array, Array]:
    """Return what `fill` fills, uint64[2, VECTORS, 8], and a place for random words of its events."""
    most = len(drawn.first_events) + len(drawn.second_events)
    return np.empty((2, VECTORS, WORDS), np.uint64), np.empty((most // POSITIONS + 2, WORDS), np.uint64)


@njit(cache=True)
def fill(state: Array, drawn: Recipe, bits: Array, words: Array) -> None:
    """Draw `VECTORS` vectors of bits for each of two probabilities.

    Parameters
    ----------
    state : uint64[4, 8]
        Of eight generators; changed.
    drawn : Recipe
    bits : uint64[2, VECTORS, 8]
        Filled.
    words : uint64[..., 8]
        Overwritten; see `room`.
    """
    digits = drawn.digits
    first, second = bits[0], bits[1]
    first_start, second_start = splat(drawn.up[0]), splat(drawn.up[1])
    a, b, c, counter = load(state, 0), load(state, 1), load(state, 2), state[3, 0]
    for vector in range(VECTORS):
        one, two = first_start, second_start
        for number in range(digits.size):
            word, a, b, c = sfc64(a, b, c, splat(counter))
            counter += np.uint64(1)
            one = one | word if digits[number] & 1 else one & word
            two = two | word if digits[number] & 2 else two & word
        store(first, vector, one)
        store(second, vector, two)
    word, a, b, c = sfc64(a, b, c, splat(counter))
    counter += np.uint64(1)
    store(words, 0, word)
    first_events = np.searchsorted(drawn.first_events, words[0, 0], side="right")
    events = first_events + np.searchsorted(drawn.second_events, words[0, 1], side="right")
    for row in range((events + POSITIONS - 1) // POSITIONS):
        word, a, b, c = sfc64(a, b, c, splat(counter))
        counter += np.uint64(1)
        store(words, row, word)
    store(state, 0, a)
    store(state, 1, b)
    store(state, 2, c)
    state[3, :] = counter
    positions = words.reshape(words.size).view(np.uint16)
    _strike(first.reshape(first.size), positions[:first_events], drawn.up[0])
    _strike(second.reshape(second.size), positions[first_events:events], drawn.up[1])


@njit(cache=True)
def _strike(bits: Array, positions: Array, up: Any) -> None:
    """Set the bits of uint64[512] at positions, uint16[...] of which 15 digits count; clear them if `up`."""
    for event in range(positions.size):
        position = np.uint64(positions[event])
        place = (position >> np.uint64(6)) & np.uint64(VECTORS * WORDS - 1)
        bit = np.uint64(1) << (position & np.uint64(63))
        if up:
            bits[place] &= ~bit
        else:
            bits[place] |= bit
