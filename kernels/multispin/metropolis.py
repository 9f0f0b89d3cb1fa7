"""Metropolis sweeps of 512 replicas at once.

The acceptance bits
-------------------
A flip that costs 4 J (8 J) is accepted with probability p1 (p2), whose 64 binary digits are t_1 t_2 ... t_64. A lane
accepts when a uniform number is below p. Comparing from the last digit to the first, with r the answer so far and n the
complement of a random bit, a digit 1 makes r <- r | n and a digit 0 makes r <- r & n. With x = r ^ t both are
x <- (x & u) ^ d, where u is again a random bit and d = t_k ^ t_(k-1) does not depend on the lane. Both probabilities
use the same u: a lane needs only one of the two answers.

The digits after the first `SHALLOW` matter only in lanes where all of u_1 ... u_SHALLOW are 1, a share 2^-SHALLOW:
there the answer is exclusive-or'ed with the answer for the remaining digits. These come from a tail, 512 answers drawn
in advance. An open lane, one that must decide and has not, takes the bit of its own lane. No bit of a tail is ever used
twice: as soon as an open lane finds its bit used, the whole tail is drawn anew. Tails are drawn the same way, digit
SHALLOW + 1 to SHALLOW + MIDDLE always, and the rest when some lane is still open. So every decision of every replica
has random bits of its own and the exact probability to 2^-64, at fewer than ten random words a site.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from kernels.contract import Array
from kernels.multispin.generator import fill
from kernels.multispin.lanes import load, some, store

SHALLOW = 7  # digits that every site decides by
MIDDLE = 12  # digits more that every tail decides by
DIGITS = 64
BATCH = 16  # sites whose random words are drawn together
_SECOND = DIGITS  # row of the second probability's digits
_STARTS = 2 * DIGITS  # rows of the starting values: two each for sites, tails, the rest


def program(thresholds: Array) -> Array:
    """Return uint64[134, 8], the constants d and the starting values that thresholds mean.

    Parameters
    ----------
    thresholds : uint64[2, 8]
        2^64 times the probability to accept a cost of 4 J and of 8 J, for the 64 replicas of each word.
    """
    places = np.arange(DIGITS - 1, -1, -1, dtype=np.uint64)[:, None]
    digits = (thresholds[:, None] >> places & np.uint64(1)) * np.uint64(2**64 - 1)
    changes = digits.copy()
    changes[:, 1:] ^= digits[:, :-1]
    ends = np.array([SHALLOW, SHALLOW + MIDDLE, DIGITS])
    for first in ends[:-1]:
        changes[:, first] = digits[:, first]
    return aligned(np.concatenate([*changes, *digits[:, ends - 1].swapaxes(0, 1)]))


def aligned(rows: Array) -> Array:
    """Return a copy of uint64[n, 8] that begins where a cache line does."""
    space = np.empty(rows.size + 8, np.uint64)
    first = -(space.ctypes.data // 8) % 8
    copy = space[first : first + rows.size].reshape(rows.shape)
    copy[...] = rows
    return copy


@njit(inline="always")
def _answers(program: Array, words: Array, begin: int, end: int, start: int) -> Any:
    """Return the answers for p1 and p2 from digits `begin` + 1 to `end`, and which lanes are still open.

    `words`, random, are used up from row 0 on.
    """
    first, second = load(program, start), load(program, start + 1)
    still = load(words, 0)
    for row in range(end - begin):
        word = load(words, row)
        still = still & word
        first = (first & word) ^ load(program, end - 1 - row)
        second = (second & word) ^ load(program, _SECOND + end - 1 - row)
    return first, second, still


@njit(cache=True)
def new_tail(program: Array, state: Array, words: Array, tail: Array) -> None:
    """Put a fresh tail into rows 0 and 1 of uint64[3, 8], and none used into row 2; `words` is room for `DIGITS`."""
    fill(state, words[:MIDDLE])
    first, second, still = _answers(program, words, SHALLOW, SHALLOW + MIDDLE, _STARTS + 2)
    if some(still):
        fill(state, words)
        more, less, _ = _answers(program, words, SHALLOW + MIDDLE, DIGITS, _STARTS + 4)
        first, second = first ^ (still & more), second ^ (still & less)
    store(tail, 0, first)
    store(tail, 1, second)
    store(tail, 2, still ^ still)


@njit(cache=True)
def sweep(spins: Array, size: int, sweeps: int, program: Array, state: Array) -> None:
    """Offer a flip to every site in turn, row by row, `sweeps` times; changes `spins` and `state`.

    Parameters
    ----------
    spins : uint64[size^2, 8]
        Bit i of word w is the spin of replica 64 w + i; set is -1.
    size, sweeps : int
    program : uint64[134, 8]
        See `program`.
    state : uint64[4, 8]
        The generators.
    """
    space = np.empty((BATCH * SHALLOW + DIGITS + 3, 8), np.uint64)
    words, room, tail = space[: BATCH * SHALLOW], space[BATCH * SHALLOW : -3], space[-3:]
    new_tail(program, state, room, tail)
    used = len(words)
    for _ in range(sweeps):
        for y in range(size):
            row = y * size
            above, below = (row or size * size) - size, (row + size if y + 1 < size else 0)
            west, here = load(spins, row + size - 1), load(spins, row)
            for x in range(size):
                if used == len(words):
                    fill(state, words)
                    used = 0
                east = load(spins, row + (x + 1 if x + 1 < size else 0))
                first, second, still = _answers(program, words[used:], 0, SHALLOW, _STARTS)
                used += SHALLOW
                north, south = here ^ load(spins, above + x), here ^ load(spins, below + x)
                left, right = here ^ west, here ^ east
                vertical, horizontal = north | south, left | right
                differ = vertical | horizontal
                two = (north & south) | (left & right) | (vertical & horizontal)
                still = still & ~two
                if some(still & load(tail, 2)):
                    new_tail(program, state, room, tail)
                store(tail, 2, load(tail, 2) | still)
                first = first ^ (still & load(tail, 0))
                second = second ^ (still & load(tail, 1))
                west = here ^ (two | (first & differ) | (second & ~differ))
                store(spins, row + x, west)
                here = east
