"""Gradient descent in place on one flat vector: plain, with momentum, or Adam."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sweep.kernels.contract import Array


class Descent(NamedTuple):
    """Where a descent stands.

    Parameters
    ----------
    position : float[n]
        The parameters of the model, flat.
    first, second : float[n]
        Running means of the gradient and of its square. What an optimiser does not use stays zero.
    taken : int64[]
        Steps taken.
    """

    position: Array
    first: Array
    second: Array
    taken: Array

    @classmethod
    def start(cls, position: Array) -> Descent:
        """Return the descent before its first step."""
        return cls(position, np.zeros_like(position), np.zeros_like(position), np.array(0, np.int64))

    def copy(self) -> Descent:
        """Return a descent that may be changed without changing this one."""
        return Descent(*(part.copy() for part in self))


@dataclass(frozen=True)
class Optimiser:
    """A rule for one step down a gradient.

    Parameters
    ----------
    name : str
        ``sgd``, ``momentum`` (Polyak's heavy ball) or ``adam`` (Kingma and Ba, arXiv:1412.6980, algorithm 1).
    learning_rate : float
        Length of a step.
    momentum, second_decay : float
        Decay of the first and of the second running mean.
    epsilon : float
        Adam's guard of the denominator.
    """

    name: str
    learning_rate: float
    momentum: float
    second_decay: float
    epsilon: float

    def step(self, descent: Descent, gradient: Array) -> None:
        """Move `descent` one step down `gradient`, in place; may use `gradient` as scratch."""
        descent.taken[...] += 1
        if self.name == "adam":
            self._adam(descent, gradient)
            return
        if self.name == "momentum":
            descent.first[...] = self.momentum * descent.first + gradient
            gradient = descent.first
        descent.position[...] -= self.learning_rate * gradient

    def _adam(self, descent: Descent, gradient: Array) -> None:
        position, first, second, taken = descent
        steps = int(taken)
        first *= self.momentum
        first += (1 - self.momentum) * gradient
        np.square(gradient, out=gradient)
        gradient *= 1 - self.second_decay
        second *= self.second_decay
        second += gradient
        np.multiply(second, 1 / (1 - self.second_decay**steps), out=gradient)
        np.sqrt(gradient, out=gradient)
        gradient += self.epsilon
        np.divide(first, gradient, out=gradient)
        gradient *= self.learning_rate / (1 - self.momentum**steps)
        position -= gradient
