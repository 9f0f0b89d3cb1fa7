"""The restricted Boltzmann machine with units in +-1: conditionals, free energy, and exact sums of small machines.

The functions read ``verb_target_from_source``; n is a number of configurations, in rows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from sweep.kernels.contract import Array

ENUMERABLE = 20  # at most 2**20 states are summed over
LARGEST_EXPONENT = 600.0  # exp of minus that is far from the smallest number


class Machine(NamedTuple):
    """Couplings of E(v,h) = -sum_a b_a h_a - sum_ia v_i W_ia h_a - sum_i c_i v_i (paper, eq 1), or a gradient in them.

    Parameters
    ----------
    weights : float[visible, hidden_unit]
        W.
    visible_bias : float[visible]
        c.
    hidden_bias : float[hidden_unit]
        b.
    """

    weights: Array
    visible_bias: Array
    hidden_bias: Array


def unpack(position: Array, visible: int, hidden: int) -> Machine:
    """Return the machine whose numbers are `position`, as views of it."""
    weights, visible_bias, hidden_bias = np.split(position, [visible * hidden, visible * hidden + visible])
    return Machine(weights.reshape(visible, hidden), visible_bias, hidden_bias)


def pack(machine: Machine) -> Array:
    """Return the numbers of a machine as one flat vector; the inverse of `unpack`."""
    return np.concatenate([part.ravel() for part in machine])


def hidden_field_from_v(machine: Machine, v: Array) -> Array:
    """Return float[n, hidden_unit], W^T v + b."""
    field = v @ machine.weights
    field += machine.hidden_bias
    return np.asarray(field)


def mean_h_from_v(machine: Machine, v: Array) -> Array:
    """Return float[n, hidden_unit], <h> given v = tanh(W^T v + b) (from eq 11; eq 13)."""
    field = hidden_field_from_v(machine, v)
    return np.asarray(np.tanh(field, out=field))


def mean_v_from_h(machine: Machine, h: Array) -> Array:
    """Return float[n, visible], <v> given h = tanh(W h + c) (from eq 12; eq 14)."""
    field = h @ machine.weights.T
    field += machine.visible_bias
    return np.asarray(np.tanh(field, out=field))


def sample_h_from_v(machine: Machine, v: Array, rng: np.random.Generator) -> Array:
    """Return float[n, hidden_unit] in +-1, drawn from p(h|v) (eq 11)."""
    return sample_from_means(mean_h_from_v(machine, v), rng)


def sample_v_from_h(machine: Machine, h: Array, rng: np.random.Generator) -> Array:
    """Return float[n, visible] in +-1, drawn from p(v|h) (eq 12)."""
    return sample_from_means(mean_v_from_h(machine, h), rng)


def sample_from_means(means: Array, rng: np.random.Generator) -> Array:
    """Return independent spins in +-1 with these means, in the dtype of `means`: +1 with probability (1 + mean) / 2."""
    dart = rng.random(means.shape, dtype=means.dtype.type)
    dart *= 2
    dart -= 1
    dart += means
    # A dart in [-1, 1) plus the mean: a mean of -1 never gives +1, and a mean of 1 always does.
    return np.asarray(np.copysign(1, dart, out=dart))


def free_energy(machine: Machine, v: Array) -> Array:
    """Return float[n], F(v) = -c v - sum_a ln 2 cosh(W^T v + b)_a, so that p(v) = exp(-F(v)) / Z (eq 4)."""
    return np.asarray(-(v @ machine.visible_bias) - _log_two_cosh(hidden_field_from_v(machine, v)).sum(axis=-1))


def _log_two_cosh(field: Array) -> Array:
    size = np.abs(field)
    return np.asarray(size + np.log(1 + np.exp(-2 * size)))  # 1 to 2: log1p is no more precise, and five times slower


def all_spins(count: int) -> Array:
    """Return float64[2**count, count], every configuration in +-1; spin i is bit i of the row's number."""
    if count > ENUMERABLE:
        raise ValueError(f"found {count} units to enumerate; wanted at most {ENUMERABLE}")
    return ((np.arange(2**count)[:, None] >> np.arange(count)) & 1) * 2.0 - 1


def log_partition(machine: Machine) -> float:
    """Return ln Z (eq 3), summed over the smaller of the two layers in double precision.

    Units of the other layer with couplings above `LARGEST_EXPONENT` in all, which no training should lead to, count as
    impossible in states that leave their fields near zero.

    Raises
    ------
    ValueError
        When both layers have more than `ENUMERABLE` units.
    """
    weights, bias, other = (part.astype(np.float64) for part in machine)
    if weights.shape[0] > weights.shape[1]:  # p(h) is p(v) with v and h exchanged (eq 5)
        weights, bias, other = weights.T, other, bias
    if len(bias) > ENUMERABLE:
        raise ValueError(f"found {len(bias)} units to enumerate; wanted at most {ENUMERABLE}")
    half = len(bias) // 2
    first, second = all_spins(half), all_spins(len(bias) - half)
    x, y = first @ weights[:half] + other, second @ weights[half:]
    most = np.abs(x).max(axis=0), np.abs(y).max(axis=0)
    outer, inner = (np.exp([field - peak, -field - peak]) for field, peak in zip((x, y), most, strict=True))
    sums, peaks = np.empty((len(first), len(second))), most[0] + most[1]
    at_once = max(1, int(LARGEST_EXPONENT / max(peaks.max(), 1)))
    _fill_log_products(outer, np.ascontiguousarray(inner.transpose(0, 2, 1)), at_once, sums)
    sums += (first @ bias[:half])[:, None] + second @ bias[half:]
    return float(np.logaddexp.reduce(sums, axis=None) + peaks.sum())


def log_partition_cost(visible: int, hidden: int) -> float:
    """Return the seconds that `log_partition` takes."""
    smaller, larger = sorted([visible, hidden])
    return 2e-4 + 1.5e-9 * 2.0**smaller * larger


@njit(cache=True, error_model="numpy")
def _fill_log_products(outer: Array, inner: Array, at_once: int, sums: Array) -> None:
    """Fill float64[first, second] with sum_a ln(exp(x_a + y_a) + exp(-x_a - y_a)), for states in two halves.

    That needs no exponential for a pair of halves, and a logarithm only for every `at_once` factors.

    Parameters
    ----------
    outer : float64[2, first, unit]
        exp x and exp -x.
    inner : float64[2, unit, second]
        exp y and exp -y.
    """
    product = np.empty(inner.shape[2])
    for row in range(len(sums)):
        sums[row] = 0
        product[:] = 1
        for unit in range(inner.shape[1]):
            up, down = outer[0, row, unit], outer[1, row, unit]
            ups, downs = inner[0, unit], inner[1, unit]
            for state in range(product.size):
                product[state] *= up * ups[state] + down * downs[state]
            if (unit + 1) % at_once == 0:
                sums[row] += np.log(product)
                product[:] = 1
        sums[row] += np.log(product)


def exact_log_probabilities(machine: Machine) -> Array:
    """Return float64[2**visible], ln p(v) of every visible configuration, in the order of `all_spins` (eq 4)."""
    double = Machine(*(part.astype(np.float64) for part in machine))
    return np.asarray(-free_energy(double, all_spins(len(double.visible_bias))) - log_partition(double))


def exact_divergence(machine: Machine, data: Array) -> float:
    """Return KL(q||p) in nats (eqs 6-7).

    Parameters
    ----------
    data : float64[2**visible]
        q, the probability of every visible configuration in the order of `all_spins`.
    """
    present = data > 0
    return float((data[present] * (np.log(data[present]) - exact_log_probabilities(machine)[present])).sum())


def exact_gradient(machine: Machine, data: Array) -> Machine:
    """Return the gradient of `exact_divergence`, <...>_model - <...>_data of v h, v and h (eqs 8-10)."""
    double = Machine(*(part.astype(np.float64) for part in machine))
    surplus = np.exp(exact_log_probabilities(double)) - data
    v = all_spins(len(double.visible_bias))
    h = mean_h_from_v(double, v)
    return Machine((surplus[:, None] * v).T @ h, surplus @ v, surplus @ h)
