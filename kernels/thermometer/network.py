"""The thermometer network: z = tanh(W1 x + b1), y = softmax(W2 z + b2) (paper, eqs 41-43), and its gradient."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sweep.kernels.contract import Array
from sweep.kernels.rbm.passes import means_from_fields


class Network(NamedTuple):
    """One hidden layer of tanh units and a softmax over temperature classes.

    Parameters
    ----------
    input_weights : float[visible, unit]
    unit_bias : float[unit]
    output_weights : float[unit, temperature_class]
    class_bias : float[temperature_class]
    """

    input_weights: Array
    unit_bias: Array
    output_weights: Array
    class_bias: Array


def unpack(position: Array, visible: int, units: int, classes: int) -> Network:
    """Return the network whose numbers are `position`, as views of it."""
    ends = np.cumsum([visible * units, units, units * classes])
    first, unit_bias, second, class_bias = np.split(position, ends)
    return Network(first.reshape(visible, units), unit_bias, second.reshape(units, classes), class_bias)


def pack(network: Network) -> Array:
    """Return the numbers of a network as one flat vector; the inverse of `unpack`."""
    return np.concatenate([part.ravel() for part in network])


def random_network(visible: int, units: int, classes: int, rng: np.random.Generator) -> Network:
    """Return a float32 network with Glorot-uniform weights and zero biases (Glorot and Bengio 2010, eq 16)."""

    def glorot(rows: int, columns: int) -> Array:
        bound = np.sqrt(6 / (rows + columns))
        return rng.uniform(-bound, bound, (rows, columns)).astype(np.float32)

    return Network(
        glorot(visible, units), np.zeros(units, np.float32), glorot(units, classes), np.zeros(classes, np.float32)
    )


def log_probabilities(network: Network, spins: Array) -> Array:
    """Return ln y, the log-probability of every class (eqs 41-43).

    Parameters
    ----------
    spins : float[n, visible]
        Configurations in units of +-1, or real means.

    Returns
    -------
    float[n, temperature_class]
    """
    return _log_softmax(_unit_means(network, spins) @ network.output_weights + network.class_bias)


def loss_gradient(network: Network, spins: Array, classes: Array) -> tuple[float, Network]:
    """Return the mean cross-entropy to one-hot labels (nats) and its gradient, by back-propagation.

    For one-hot labels the cross-entropy is the Kullback-Leibler divergence that the paper minimises.

    Parameters
    ----------
    spins : float[n, visible]
    classes : int[n]
        Index of the true class of each configuration.
    """
    count, rows = len(classes), np.arange(len(classes))
    unit_means = _unit_means(network, spins)
    logits = unit_means @ network.output_weights
    logits += network.class_bias
    logits -= logits.max(axis=1, keepdims=True)
    true = logits[rows, classes]
    error = np.exp(logits, out=logits)
    total = error.sum(axis=1, keepdims=True)
    loss = float((np.log(total[:, 0]) - true).mean(dtype=np.float64))
    total *= count
    error /= total
    error[rows, classes] -= 1 / count
    unit_error = error @ network.output_weights.T
    unit_error *= 1 - np.square(unit_means)
    return loss, Network(spins.T @ unit_error, unit_error.sum(axis=0), unit_means.T @ error, error.sum(axis=0))


def _unit_means(network: Network, spins: Array) -> Array:
    fields = spins @ network.input_weights
    means_from_fields(fields, network.unit_bias)
    return np.asarray(fields)


def _log_softmax(logits: Array) -> Array:
    logits -= logits.max(axis=1, keepdims=True)
    logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return logits
