"""Machines on the way from independent spins to one machine, and Gibbs steps at any of them.

At t from 0 to 1 the weight of a visible configuration is

    exp([(1 - t) c_0 + t c] v) prod_a 2 cosh(t (W^T v + b)_a):

independent spins of biases c_0 at t = 0, the machine at t = 1 (Salakhutdinov and Murray 2008). Annealing walks along
this path, tempering lives on all of it.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from sweep.kernels.contract import Array
from sweep.kernels.rbm.machine import Machine
from sweep.kernels.rbm.passes import stream, units_from_fields

FACTORS = 512  # numbers between 1/2 and 2 whose product is a double


class Path:
    """Configurations on a path, each at a t of its own, in arrays that every step fills again.

    Parameters
    ----------
    machine : Machine
        Where the path ends.
    base : float[visible]
        c_0.
    v : float[n, visible], +-1
        Configurations.
    rng : Generator
        Seeds the random numbers of all steps.

    Attributes
    ----------
    v : float32[n, visible], +-1
    """

    def __init__(self, machine: Machine, base: Array, v: Array, rng: np.random.Generator) -> None:
        self._machine = Machine(*(np.ascontiguousarray(part, np.float32) for part in machine))
        self._base, self._source = base.astype(np.float32), stream(rng)
        self._free = np.zeros_like(self._machine.hidden_bias)
        self._zeros = np.zeros_like(self._machine.visible_bias), self._free
        self._slope = (machine.visible_bias - base).astype(np.float64)
        self.v = v.astype(np.float32)
        self._fields = self.v @ self._machine.weights  # W^T v, always that of v

    def log_partition_of_base(self) -> float:
        """Return ln of the sum of all weights at t = 0."""
        visible = np.logaddexp(self._base, -self._base).sum(dtype=np.float64)
        return float(visible + self._fields.shape[1] * np.log(2))

    def log_ratio(self, start: Array, stop: Array) -> Array:
        """Return float64[n], ln of what each configuration weighs at `stop` over what it weighs at `start`.

        Parameters
        ----------
        start, stop : float64[n]
            Values of t.
        """
        return np.asarray(_log_ratio(self.v, self._fields, self._slope, self._machine.hidden_bias, start, stop))

    def move(self, t: Array) -> None:
        """Take a Gibbs step v -> h -> v, each configuration at its t, float64[n]; at t = 0 it is drawn anew."""
        machine, (no_visible, no_hidden) = self._machine, self._zeros
        _between(self._fields, t, self._free, machine.hidden_bias)
        units_from_fields(self._fields, no_hidden, self._source)
        np.matmul(self._fields, machine.weights.T, out=self.v)
        _between(self.v, t, self._base, machine.visible_bias)
        units_from_fields(self.v, no_visible, self._source)
        np.matmul(self.v, machine.weights, out=self._fields)


@njit(cache=True)
def _between(fields: Array, t: Array, at_start: Array, at_end: Array) -> None:
    """Turn fields without biases, float[n, unit], into those of units at their t, float[n]."""
    for row in range(t.size):
        share, rest = np.float32(t[row]), np.float32(1 - t[row])
        for unit in range(at_end.size):
            fields[row, unit] = share * (fields[row, unit] + at_end[unit]) + rest * at_start[unit]


@njit(cache=True)
def _log_ratio(v: Array, fields: Array, slope: Array, bias: Array, start: Array, stop: Array) -> Array:
    """Return (t' - t) (c - c_0) v + sum_a ln [cosh(t' x_a) / cosh(t x_a)], x = W^T v + b, in double precision."""
    ratio = np.zeros(len(v))
    for row in range(len(v)):
        t, later = start[row], stop[row]
        if t == later:
            continue
        total = 0.0
        for site in range(slope.size):
            total += slope[site] * v[row, site]
        logs, product = 0.0, 1.0
        for unit in range(bias.size):
            size = abs(np.float64(fields[row, unit]) + bias[unit])
            total += size
            product *= (1 + np.exp(-2 * later * size)) / (1 + np.exp(-2 * t * size))
            if unit % FACTORS == FACTORS - 1:
                logs, product = logs + np.log(product), 1.0
        ratio[row] = (later - t) * total + logs + np.log(product)
    return ratio
