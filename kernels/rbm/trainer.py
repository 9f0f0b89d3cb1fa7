"""Steps of a training, one after the other in the same arrays."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sweep.kernels.contract import Array
from sweep.kernels.rbm.centring import Centring
from sweep.kernels.rbm.optimiser import Descent
from sweep.kernels.rbm.params import RBMParams
from sweep.kernels.rbm.passes import gather, stream
from sweep.kernels.rbm.training import (
    Units,
    contrastive_divergence,
    fill_bias_gradient,
    fill_weight_gradient,
    persistent_divergence,
)

STRIPE = 2**18  # numbers of a gradient that are made and used before they leave the last cache


class Trainer:
    """One block of a descent: what its steps work on, made once for all of them.

    Parameters
    ----------
    params : RBMParams
    descent : Descent
        Changed by every step.
    chains : float32[chain, visible], +-1
        Where the persistent chains start.
    offsets : float32[visible + hidden_unit]
        Means that a centred gradient starts with; empty for a plain one.
    data : number[ensemble, configuration, visible]
        What is trained on.
    rng : Generator
        Of the block.
    """

    def __init__(
        self,
        params: RBMParams,
        descent: Descent,
        chains: Array,
        offsets: Array,
        data: Array,
        rng: np.random.Generator,
    ) -> None:
        self._params, self._descent, self._optimiser = params, descent, params.descent_rule
        self._data, self._source = data, stream(rng)
        self._batches = iter(rng.integers(data.shape[0] * data.shape[1], size=(params.block, params.batch)))
        self._machine = params.machine(descent.position)
        self._units = Units.of(self._machine, params.batch, len(chains) if params.persistent else params.batch)
        self._stripes = list(_stripes(params, descent.position.size))
        self._gradient = np.empty(max(numbers.stop - numbers.start for _, numbers in self._stripes), np.float32)
        if params.persistent:
            self._units.v[params.batch :] = chains
        self._centring = Centring(offsets.copy(), self._units.share) if params.centred else None

    @property
    def descent(self) -> Descent:
        """Return where the descent stands."""
        return self._descent

    @property
    def offsets(self) -> Array:
        """Return float32[visible + hidden_unit], the means of a centred gradient; empty for a plain one."""
        return self._centring.offsets if self._centring else np.zeros(0, np.float32)

    @property
    def chains(self) -> Array:
        """Return float32[chain, visible], where the persistent chains are."""
        return self._units.v[self._params.batch :].copy()

    def step(self) -> float:
        """Take one step down the gradient of a batch drawn anew; return the norm of that gradient, penalties included.

        The gradient is made and used stripe by stripe: as a whole it would go through memory twice more.
        """
        self._fill_units()
        self._descent.taken[...] += 1
        if self._centring:
            self._centring.begin(self._units)
        squares = 0.0
        for rows, numbers in self._stripes:
            gradient = self._fill_gradient(rows, numbers)
            squares += float(gradient @ gradient)
            self._optimiser.move(self._descent.part(numbers), gradient)
        if self._centring:
            self._centring.follow(self._units)
        return float(np.sqrt(squares))

    def _fill_units(self) -> None:
        params, machine, units = self._params, self._machine, self._units
        gather(self._data, next(self._batches), units.v[: params.batch])
        if params.persistent:
            persistent_divergence(machine, units, params.recipe.k, params.sampled, self._source)
        else:
            contrastive_divergence(machine, units, params.recipe.k, self._source if params.sampled else None)

    def _fill_gradient(self, rows: slice, numbers: slice) -> Array:
        """Return the gradient in the weights of some visible units and, behind the last of them, in all biases."""
        params, weights = self._params, self._machine.weights[rows]
        gradient = self._gradient[: numbers.stop - numbers.start]
        slopes, biases = gradient[: weights.size].reshape(weights.shape), gradient[weights.size :]
        fill_weight_gradient(self._units, rows, slopes)
        if params.l1:
            slopes += np.float32(params.l1) * np.sign(weights)
        if params.l2:
            slopes += np.float32(params.l2) * weights
        if self._centring:
            self._centring.centre_weights(rows, slopes)
        if biases.size and self._centring:
            self._centring.fill_biases(biases)
        elif biases.size and params.biases:
            fill_bias_gradient(self._units, biases)
        else:
            biases[...] = 0
        return gradient


def _stripes(params: RBMParams, count: int) -> Iterator[tuple[slice, slice]]:
    """Yield rows of the weights, and which of the `count` parameters they are; the biases go with the last ones."""
    height = max(STRIPE // params.hidden, 1)
    for first in range(0, params.visible, height):
        last = min(first + height, params.visible)
        yield slice(first, last), slice(first * params.hidden, last * params.hidden if last < params.visible else count)
