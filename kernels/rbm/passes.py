"""The conditionals of a machine in place: a product, then one pass over memory that does all the rest.

They are those of `machine`, to the accuracy of single precision, and compute nothing but what is asked: no array is
made, each is read and written once. A machine of 4096 and 1024 units at batches of 100 would otherwise spend as much
time on passes as on products, a small one on calls (benchmarks/README.md).

The random numbers are those of eight generators side by side (`kernels.ising.words`), which are seeded from the
generator of a block.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import overload

from sweep.kernels.contract import Array
from sweep.kernels.ising.lanes import WORDS
from sweep.kernels.ising.words import fill_words, seeds
from sweep.kernels.rbm.machine import Machine

CACHED = 4096  # numbers that a pass works on at a time: they stay in the first cache beside as many random ones
SATURATED = np.float32(9.02)  # tanh of more is 1 in single precision
NUMBERS = 2 * WORDS  # random numbers of 32 bits in a row of words


def stream(rng: np.random.Generator) -> Array:
    """Return uint64[4, 8], the state of eight generators; drawing from it changes it."""
    return seeds(rng, WORDS)


def fill_h_from_v(machine: Machine, v: Array, h: Array, source: Array | None) -> None:
    """Fill `h` with units drawn from p(h|v) (eq 11), or with their means (eq 13) where there is no `source`.

    Parameters
    ----------
    v : float[n, visible]
    h : float[n, hidden_unit]
        Filled, in the type of `v` and of the machine.
    source : uint64[4, 8], optional
        See `stream`; changed.
    """
    np.matmul(v, machine.weights, out=h)
    units_from_fields(h, machine.hidden_bias, source)


def fill_v_from_h(machine: Machine, h: Array, v: Array, source: Array | None) -> None:
    """Fill `v` with units drawn from p(v|h) (eq 12), or with their means (eq 14); see `fill_h_from_v`."""
    np.matmul(h, machine.weights.T, out=v)
    units_from_fields(v, machine.visible_bias, source)


def units_from_fields(fields: Array, bias: Array, source: Array | None) -> None:
    """Turn fields, float[n, unit] in rows one behind the other, into units in +-1 or, without `source`, into means."""
    if source is None:
        means_from_fields(fields, bias)
    else:
        _spins_from_fields(fields, bias, source)


def _tanh(x: Any) -> Any:
    """Return p and q > 0 with tanh x = p / q, for numba only; whoever compares with p / q need not divide.

    Lambert's continued fraction gives tanh(x/4) = y (105 + 10 y^2) / (105 + 45 y^2 + y^4), y = x/4, and
    tanh 2y = 2 p q / (p^2 + q^2) doubles twice: within 7e-8 for every x, within 3e-7 after rounding. In double
    precision it is the library's tanh, so that tests can hold whatever is built on it to the equations.
    """
    raise NotImplementedError


@overload(_tanh, inline="always")
def _tanh_of(x: Any) -> Any:
    one, two_21, three_7, one_105 = (np.float32(value) for value in (1, 2 / 21, 3 / 7, 1 / 105))
    quarter, most = np.float32(0.25), SATURATED

    def lambert(x: Any) -> Any:
        y = min(max(x, -most), most) * quarter
        square = y * y
        p, q = y * (one + square * two_21), one + square * (three_7 + square * one_105)
        p, q = (p + p) * q, p * p + q * q
        return (p + p) * q, p * p + q * q

    def library(x: Any) -> Any:
        return math.tanh(x), 1.0

    return lambert if x is types.float32 else library


@njit(cache=True, error_model="numpy")
def means_from_fields(fields: Array, bias: Array) -> None:
    """Turn fields, float[n, unit] in rows one behind the other, into tanh(field + bias)."""
    one = fields.dtype.type(1)
    at_once = max(1, CACHED // bias.size)
    for first in range(0, len(fields), at_once):
        part = _with_bias(fields[first : first + at_once], bias)
        for n in range(part.size):
            p, q = _tanh(part[n])
            part[n] = min(max(p / q, -one), one)


@njit(cache=True, error_model="numpy")
def _spins_from_fields(fields: Array, bias: Array, source: Array) -> None:
    """Turn fields into +1 with probability (1 + tanh(field + bias)) / 2, and else -1."""
    kind = fields.dtype.type
    one, unit = kind(1), kind(2.0**-23)
    at_once = max(1, CACHED // bias.size)
    words = np.empty((-(-at_once * bias.size // NUMBERS), WORDS), np.uint64)
    numbers = words.reshape(words.size).view(np.int32)
    for first in range(0, len(fields), at_once):
        part = _with_bias(fields[first : first + at_once], bias)
        fill_words(source, words[: -(-part.size // NUMBERS)])
        for n in range(part.size):
            p, q = _tanh(part[n])
            # A dart in [-1, 1) plus the mean p / q: a mean of -1 never gives +1, and a mean of 1 always does.
            dart = kind(numbers[n] >> 8) * unit
            part[n] = np.copysign(one, dart * q + p)


@njit(cache=True, inline="always")
def _with_bias(fields: Array, bias: Array) -> Array:
    """Add the bias to every row, in place; return all of them as one vector, where the processor's vectors fit in."""
    for row in range(len(fields)):
        for unit in range(bias.size):
            fields[row, unit] += bias[unit]
    return fields.reshape(fields.size)


@njit(cache=True)
def gather(data: Array, drawn: Array, v: Array) -> None:
    """Fill `v` with configurations in its own type: data stay in theirs, and become floats batch by batch.

    Parameters
    ----------
    data : number[ensemble, configuration, visible]
    drawn : int[n]
        Which ones, counted through all ensembles.
    v : float[n, visible]
    """
    each = data.shape[1]
    for row in range(drawn.size):
        ensemble, configuration = divmod(drawn[row], each)
        source, target = data[ensemble, configuration], v[row]
        for site in range(target.size):
            target[site] = source[site]


@njit(cache=True)
def share_rows(units: Array, share: Array, shared: Array) -> None:
    """Fill `shared` with the rows of `units`, both float[n, unit], each times its share, float[n]."""
    for row in range(share.size):
        source, target = units[row], shared[row]
        for unit in range(source.size):
            target[unit] = share[row] * source[unit]
