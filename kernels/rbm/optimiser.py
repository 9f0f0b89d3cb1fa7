"""Gradient descent in place on one flat vector: plain, with momentum, or Adam."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit

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

    def part(self, numbers: slice) -> Descent:
        """Return the descent of some of the parameters, as views: steps are counted for all of them together."""
        return Descent(self.position[numbers], self.first[numbers], self.second[numbers], self.taken)


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
    epsilon_hat : bool
        Whether epsilon stands beside the root of the running mean square as it is, as in TensorFlow (the "epsilon hat"
        of Kingma and Ba's section 2), and not of the mean square corrected for its start at zero (their algorithm 1).
    """

    name: str
    learning_rate: float
    momentum: float
    second_decay: float
    epsilon: float
    epsilon_hat: bool = False

    def step(self, descent: Descent, gradient: Array) -> None:
        """Move `descent` one step down `gradient`, in place; may use `gradient` as scratch."""
        descent.taken[...] += 1
        self.move(descent, gradient)

    def move(self, descent: Descent, gradient: Array) -> None:
        """Move parameters by the step that has been counted: a part of them, say. See `step`."""
        if self.name == "adam":
            self._adam(descent, gradient)
            return
        if self.name == "momentum":
            np.multiply(descent.first, self.momentum, out=descent.first)
            np.add(descent.first, gradient, out=descent.first)
            gradient[...] = descent.first
        gradient *= self.learning_rate
        np.subtract(descent.position, gradient, out=descent.position)

    def adam_scales(self, taken: int) -> tuple[float, float]:
        """Return r and g of Adam's step number `taken`, r m / (g sqrt(s) + epsilon) with running means m and s.

        With corrections a = 1 - momentum^t and b = 1 - second_decay^t, the step is
        rate (m / a) / (sqrt(s / b) + epsilon), or rate (sqrt(b) / a) m / (sqrt(s) + epsilon) with `epsilon_hat`.
        """
        rate = self.learning_rate / (1 - self.momentum**taken)
        root = float(np.sqrt(1 - self.second_decay**taken))
        return (rate * root, 1.0) if self.epsilon_hat else (rate, 1 / root)

    def _adam(self, descent: Descent, gradient: Array) -> None:
        position, first, second, taken = descent
        rate, scale = self.adam_scales(int(taken))
        _adam(position, first, second, gradient, self.momentum, self.second_decay, rate, scale, self.epsilon)


@njit(cache=True, error_model="numpy")
def _adam(
    position: Array,
    first: Array,
    second: Array,
    gradient: Array,
    momentum: float,
    second_decay: float,
    rate: float,
    scale: float,
    epsilon: float,
) -> None:
    """Do Adam's step in one pass, in the type of the arrays: each number is read once and written once."""
    kind = position.dtype.type
    keep, take = kind(momentum), kind(1 - momentum)
    keep_square, take_square = kind(second_decay), kind(1 - second_decay)
    pace, widen, guard = kind(rate), kind(scale), kind(epsilon)
    for n in range(position.size):
        slope = gradient[n]
        mean = keep * first[n] + take * slope
        square = keep_square * second[n] + take_square * (slope * slope)
        first[n], second[n] = mean, square
        position[n] -= pace * mean / (np.sqrt(square) * widen + guard)
