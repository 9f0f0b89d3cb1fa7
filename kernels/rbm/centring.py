"""The centred gradient: that of a machine whose units are counted from their means, for the usual parameters."""

from __future__ import annotations

import numpy as np
from numba import njit

from sweep.kernels.contract import Array
from sweep.kernels.rbm.training import Units, fill_bias_gradient

FORGOTTEN = 0.01  # share of the running means that every step replaces (Melchior, Fischer & Wiskott 2016)


class Centring:
    """What turns plain gradients into centred ones, stripe by stripe.

    In E = -(v - mu) W (h - lambda) - c' v - b' h the biases are c' = c + W lambda and b' = b + W^T mu. One step down
    the gradient in (W, c', b') is, in the usual parameters, one step down

        G_W = g_W - mu g_b^T - g_c lambda^T,    G_c = g_c - G_W lambda,    G_b = g_b - G_W^T mu,

    where g is the plain gradient (Melchior, Fischer & Wiskott, JMLR 17, 99, 2016; with the means of data and model,
    as here, the enhanced gradient of Cho, Raiko & Ilin 2011). G is a symmetric positive matrix times g: it is zero
    where g is. Weights then learn how units deviate together, and biases the means.

    The means run over former steps and do not know the units that they are used for: a mean of the same batch would
    make the expected gradient wrong by one part in the number of its rows.

    Parameters
    ----------
    offsets : float[visible + hidden_unit]
        mu and lambda. Changed.
    share : float[n]
        See `Units`.
    """

    def __init__(self, offsets: Array, share: Array) -> None:
        self.offsets = offsets
        self._halves = np.abs(share) / 2
        self._slopes, self._moved, self._product = np.empty((3, offsets.size), offsets.dtype)

    def begin(self, units: Units) -> None:
        """Look at the units of a step, before its first stripe."""
        fill_bias_gradient(units, self._slopes)
        self._moved[...] = 0

    def centre_weights(self, rows: slice, gradient: Array) -> None:
        """Turn g_W of some visible units, float[rows, hidden_unit], into G_W."""
        visible = self.offsets.size - gradient.shape[1]
        mean_v, mean_h = self.offsets[rows], self.offsets[visible:]
        _subtract_products(gradient, mean_v, self._slopes[visible:], self._slopes[rows], mean_h)
        np.matmul(gradient, mean_h, out=self._moved[rows])
        part = self._product[visible:]
        np.matmul(mean_v, gradient, out=part)
        np.add(self._moved[visible:], part, out=self._moved[visible:])

    def fill_biases(self, gradient: Array) -> None:
        """Fill float[visible + hidden_unit] with G_c and G_b, after the last stripe."""
        np.subtract(self._slopes, self._moved, out=gradient)

    def follow(self, units: Units) -> None:
        """Move the means towards those of the units, halfway between data and model."""
        visible = units.v.shape[1]
        np.matmul(self._halves, units.v, out=self._product[:visible])
        np.matmul(self._halves, units.h, out=self._product[visible:])
        self._product -= self.offsets
        self._product *= FORGOTTEN
        self.offsets += self._product


@njit(cache=True)
def _subtract_products(gradient: Array, mean_v: Array, slope_h: Array, slope_v: Array, mean_h: Array) -> None:
    """Subtract two outer products from float[visible, hidden_unit] in one pass."""
    for row in range(len(gradient)):
        mean, slope, target = mean_v[row], slope_v[row], gradient[row]
        for unit in range(target.size):
            target[unit] -= mean * slope_h[unit] + slope * mean_h[unit]
