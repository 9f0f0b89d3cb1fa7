"""How fast a machine forgets: autocorrelation times of chains that take its own Gibbs steps."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sweep.kernels.contract import Array
from sweep.kernels.rbm.machine import Machine, free_energy
from sweep.kernels.rbm.passes import fill_h_from_v, fill_v_from_h, stream


class Mixing(NamedTuple):
    """Integrated autocorrelation times, in Gibbs steps v -> h -> v."""

    magnetization: float
    free_energy: float


def mixing(machine: Machine, v: Array, steps: int, rng: np.random.Generator) -> Mixing:
    """Return the autocorrelation times of |m| and of F(v) in chains that start at `v`.

    Parameters
    ----------
    v : float[chain, visible], +-1
        Where the chains start; as good as drawn from the machine if the times are to be those of its equilibrium.
    steps : int
        Gibbs steps of each chain.
    """
    v, source = v.astype(machine.weights.dtype), stream(rng)
    h = np.empty((len(v), machine.hidden_bias.size), v.dtype)
    seen = np.empty((2, len(v), steps))
    for step in range(steps):
        fill_h_from_v(machine, v, h, source)
        fill_v_from_h(machine, h, v, source)
        seen[0, :, step] = np.abs(v.mean(axis=1, dtype=np.float64))
        seen[1, :, step] = free_energy(machine, v)
    return Mixing(*(autocorrelation_time(series) for series in seen))


def autocorrelation_time(series: Array) -> float:
    """Return 1/2 + sum over lags of rho, with rho taken about the mean of all chains: 1/2 for independent values.

    Of a chain that satisfies detailed balance, as v -> h -> v does, rho at an even lag and the next one are together
    positive and less than at the lags before. The sum ends where they are found not to be positive, and is smoothed by
    the second (the initial monotone sequence of Geyer, Statistical Science 7, 473, 1992), or ends at half the length:
    times that come near it are too small. Infinite for values that never change.

    Parameters
    ----------
    series : float64[chain, step], 4 steps or more
    """
    deviations = series - series.mean()
    steps = series.shape[1]
    lags = np.arange(steps // 4 * 2)
    # All covariances at once: the Fourier transform of the power, with zeros behind so that no end meets a start.
    power = (np.abs(np.fft.rfft(deviations, 2 * steps, axis=1)) ** 2).mean(axis=0)
    covariance = np.fft.irfft(power)[: lags.size] / (steps - lags)
    if covariance[0] <= 0:
        return np.inf
    pairs = covariance.reshape(-1, 2).sum(axis=1) / covariance[0]
    ends = np.flatnonzero(pairs <= 0)
    return float(np.minimum.accumulate(pairs[: ends[0] if ends.size else None]).sum() - 0.5)
