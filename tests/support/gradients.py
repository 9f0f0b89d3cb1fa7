"""Gradients of given configurations and chains, made as a training makes them, in the type of the machine."""

import numpy as np

from sweep.kernels.rbm.machine import Machine, unpack
from sweep.kernels.rbm.passes import stream
from sweep.kernels.rbm.training import (
    Units,
    contrastive_divergence,
    fill_bias_gradient,
    fill_weight_gradient,
    persistent_divergence,
)


def _units(machine, v, chains):
    units = Units.of(machine, len(v), len(chains))
    units.v[: len(v)], units.v[len(v) :] = v, chains
    return units


def _gradient(machine, units):
    flat = np.empty(sum(part.size for part in machine), machine.weights.dtype)
    gradient = unpack(flat, *machine.weights.shape)
    for rows in (slice(1), slice(1, None)):  # in stripes
        fill_weight_gradient(units, rows, gradient.weights[rows])
    fill_bias_gradient(units, flat[machine.weights.size :])
    return Machine(*gradient)


def sampled_cd_gradient(machine, v, k, rng):
    units = _units(machine, v, np.zeros_like(v))
    contrastive_divergence(machine, units, k, stream(rng))
    return _gradient(machine, units)


def mean_field_cd_gradient(machine, v, k):
    units = _units(machine, v, np.zeros_like(v))
    contrastive_divergence(machine, units, k, None)
    return _gradient(machine, units)


def persistent_gradient(machine, v, chains, k, sampled, rng):
    """Return the gradient, and the chains moved on."""
    units = _units(machine, v, chains)
    persistent_divergence(machine, units, k, sampled, stream(rng))
    return _gradient(machine, units), units.v[len(v) :]
