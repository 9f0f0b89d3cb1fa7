"""Contrastive divergence: stochastic estimates of the gradient of KL(data||machine) (paper, eqs 8-10 and 13-21)."""

from __future__ import annotations

import numpy as np

from sweep.kernels.contract import Array
from sweep.kernels.rbm.machine import (
    Machine,
    mean_h_from_v,
    mean_v_from_h,
    sample_from_means,
    sample_h_from_v,
    sample_v_from_h,
)


def gibbs_v_from_h(machine: Machine, h: Array, steps: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return (v, mean of h given v) after `steps` of h -> v -> h; the h in between are drawn, the last is not."""
    v = sample_v_from_h(machine, h, rng)
    for _ in range(steps - 1):
        v = sample_v_from_h(machine, sample_h_from_v(machine, v, rng), rng)
    return v, mean_h_from_v(machine, v)


def sampled_cd_gradient(machine: Machine, v: Array, steps: int, rng: np.random.Generator) -> Machine:
    """Return the CD-k gradient of a batch with every unit drawn in +-1 (Hinton 2002).

    Parameters
    ----------
    v : float[n, visible]
        Training configurations.
    steps : int
        k.
    """
    h = sample_h_from_v(machine, v, rng)
    model_v, model_mean_h = gibbs_v_from_h(machine, h, steps, rng)
    return contrast(v, h, model_v, sample_from_means(model_mean_h, rng))


def mean_field_cd_gradient(machine: Machine, v: Array, steps: int) -> Machine:
    """Return the CD-k gradient of a batch in which tanh means stand for units, eqs 13-15 repeated k times."""
    h = mean_h_from_v(machine, v)
    model_h = h
    for _ in range(steps):
        model_v = mean_v_from_h(machine, model_h)
        model_h = mean_h_from_v(machine, model_v)
    return contrast(v, h, model_v, model_h)


def persistent_gradient(
    machine: Machine, v: Array, chains: Array, steps: int, sampled: bool, rng: np.random.Generator
) -> tuple[Machine, Array]:
    """Return the gradient of a batch whose model averages come from persistent chains, and the chains k steps on.

    The chains themselves are always drawn (Tieleman 2008): a chain of tanh means would run into a fixed point. With
    `sampled` the hidden units of both averages are drawn as well; otherwise they are the means given v.

    Parameters
    ----------
    v : float[n, visible]
        Training configurations.
    chains : float[chain, visible]
        The fantasy configurations.
    """
    h = mean_h_from_v(machine, v)
    fantasy, fantasy_h = gibbs_v_from_h(machine, sample_h_from_v(machine, chains, rng), steps, rng)
    if sampled:
        h, fantasy_h = sample_from_means(h, rng), sample_from_means(fantasy_h, rng)
    return contrast(v, h, fantasy, fantasy_h), fantasy


def contrast(v: Array, h: Array, model_v: Array, model_h: Array) -> Machine:
    """Return model averages minus data averages of v h, v and h (eqs 8-10, averages over rows: eqs 16-21)."""
    weights = model_v.T @ (model_h / np.asarray(len(model_h), model_h.dtype))
    weights -= v.T @ (h / np.asarray(len(h), h.dtype))
    return Machine(weights, model_v.mean(axis=0) - v.mean(axis=0), model_h.mean(axis=0) - h.mean(axis=0))
