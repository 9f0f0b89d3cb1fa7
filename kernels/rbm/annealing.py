"""The partition function of a machine of any size, by annealed importance sampling.

References
----------
R. M. Neal, Statistics and Computing 11, 125 (2001); R. Salakhutdinov, I. Murray, ICML 2008, 872.
"""

from __future__ import annotations

import itertools

import numpy as np

from sweep.kernels.contract import Array
from sweep.kernels.rbm.machine import Machine
from sweep.kernels.rbm.path import Path


def log_partition_by_annealing(
    machine: Machine, chains: int, temperatures: int, rng: np.random.Generator, base: Array | None = None
) -> tuple[float, float]:
    """Return ln Z (eq 3) and its standard error; see `annealing_log_weights`."""
    return log_mean(annealing_log_weights(machine, chains, temperatures, rng, base))


def annealing_log_weights(
    machine: Machine, chains: int, temperatures: int, rng: np.random.Generator, base: Array | None = None
) -> Array:
    """Return ln of the weights of chains that walk from independent spins to a machine.

    The expectation of a weight is Z, however few temperatures there are; its spread is smaller the more there are.

    Parameters
    ----------
    machine : Machine
    chains : int
        Independent of each other.
    temperatures : int
        Values of t on the way (see `path`), 1 - (1 - x)^2 for x evenly spaced from 0 to 1; a Gibbs step at each but the
        last. They are denser towards the machine, where it is slowest: at T_c that halves what 8x8 and 16x16 Ising
        machines lose on the way.
    rng : Generator
    base : float[visible], optional
        Biases of the independent spins; 0 when left out.

    Returns
    -------
    float64[chain]
    """
    visible = machine.visible_bias.size
    path = Path(machine, np.zeros(visible) if base is None else base, np.ones((chains, visible)), rng)
    log_weights = np.full(chains, path.log_partition_of_base())
    for t, later in itertools.pairwise(1 - np.linspace(1, 0, temperatures) ** 2):
        path.move(np.full(chains, t))
        log_weights += path.log_ratio(np.full(chains, t), np.full(chains, later))
    return log_weights


def log_mean(log_weights: Array) -> tuple[float, float]:
    """Return ln of the mean of weights, and its standard error to first order in their spread."""
    count = len(log_weights)
    value = float(np.logaddexp.reduce(log_weights) - np.log(count))
    variance = (1 / effective_number(log_weights) - 1 / count) * count / (count - 1) if count > 1 else np.nan
    return value, float(np.sqrt(max(variance, 0.0)))


def effective_number(log_weights: Array) -> float:
    """Return (sum w)^2 / sum w^2: how many equal weights would tell as much."""
    shares = np.exp(log_weights - np.logaddexp.reduce(log_weights))
    return float(1 / (shares @ shares))
