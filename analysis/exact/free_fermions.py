"""The Ising model of the L x L torus as free fermions: four Grassmann numbers a site, one Gaussian integral a sector.

Four Grassmann numbers R, L, U, D stand at every site. In the action (1/2) eta A eta those of a site are coupled among
themselves, and each bond couples the R of its first site to the L of its second (U to D, if it is vertical) with
t = tanh K. Z is half the sum of four Pfaffians of A, one for each sector: each choice of periodic or antiperiodic
numbers in the two directions. As s s' of a bond turns its factor 1 + t R L into t + R L, it stands for
t + (1 - t^2) R L, and by Wick's theorem the mean of a product of bonds is a small Pfaffian of propagators.

In the doubly periodic sector the mode k = 0 has no action at T_c: the sector's part of Z vanishes there, its part of
Z <...> does not. That mode is not integrated out with the others. It stays as four more rows and columns of every
Pfaffian, and nothing is divided by what may vanish. K may be complex.

References
----------
P. W. Kasteleyn, J. Math. Phys. 4, 287 (1963); B. M. McCoy and T. T. Wu, The Two-Dimensional Ising Model (1973),
chapters IV and V; S. Samuel, J. Math. Phys. 21, 2806 (1980).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Bond = tuple[int, int, int]  # y and x of its first site, then 0 if it is horizontal, 1 if it is vertical
KEPT = 4  # Grassmann numbers of the mode that is kept
PAIRED = np.array([[0, 1, 0, 0], [-1, 0, 0, 0], [0, 0, 0, 1], [0, 0, -1, 0]])  # its Pfaffian is 1


@dataclass(frozen=True)
class FreeFermions:
    """The four sectors of a torus at a coupling; Z, and Z times a mean, are exp(`log_scale`) times what is returned.

    Parameters
    ----------
    size : int
        L.
    bond : [2]
        t and 1 - t^2.
    log_scale : float or complex
    weights : [sector]
        Pfaffian of all modes that are integrated out.
    kept : [sector, 4, 4]
        Minus the action of the mode that is kept; where none is, a matrix with the Pfaffian 1.
    share : [sector]
        How much of that mode there is in the numbers of a site, 1 / L or none.
    propagators : [sector, 2 L, 2 L, 4, 4]
        <eta(0) eta(r)> of the modes integrated out, at r = (dy, dx) modulo 2 L: L steps may change the sign.
    """

    size: int
    bond: Array
    log_scale: Any
    weights: Array
    kept: Array
    share: Array
    propagators: Array

    def products(self, bonds: Sequence[Bond]) -> Array:
        """Return Z times the mean of the product of the first n bonds, for n from 0 to all, [n]."""
        matrix = self._matrix(np.array(bonds, np.int64).reshape(-1, 3))
        return np.asarray(self.weights @ _leading_pfaffians(matrix))

    def pairs(self, first: int, second: int) -> Array:
        """Return Z <b b'>, b at the origin in direction `first` and b' at r in direction `second`, [dy, dx]."""
        dy, dx = np.indices((self.size, self.size))
        origin = np.zeros_like(dy)
        bonds = np.array([[origin, origin, origin + first], [dy, dx, origin + second]])
        matrix = self._matrix(np.moveaxis(bonds, (0, 1), (-2, -1)))
        return np.tensordot(self.weights, _leading_pfaffians(matrix)[..., -1], 1)

    def _matrix(self, bonds: npt.NDArray[np.int64]) -> Array:
        """Return what the mean of a product of bonds [..., n, 3] is the Pfaffian of, [sector, ..., 2n + 4, 2n + 4]."""
        y, x, direction = np.moveaxis(np.repeat(bonds, 2, axis=-2), -1, 0)
        second = np.arange(y.shape[-1]) % 2
        y, x, kind = y + second * direction, x + second * (1 - direction), 2 * direction + second
        dy, dx = ((place[..., None, :] - place[..., :, None]) % (2 * self.size) for place in (y, x))
        count, (t, rest) = y.shape[-1], self.bond
        matrix = np.zeros((4, *y.shape[:-1], count + KEPT, count + KEPT), self.propagators.dtype)
        matrix[..., :count, :count] = rest * self.propagators[:, dy, dx, kind[..., :, None], kind[..., None, :]]
        matrix[..., :count:2, 1:count:2] += t * np.eye(count // 2)
        matrix[..., 1:count:2, :count:2] -= t * np.eye(count // 2)
        by_sector = (slice(None), *[None] * (y.ndim - 1))
        border = np.sqrt(rest) * self.share[by_sector][..., None, None] * np.eye(KEPT)[kind]
        matrix[..., :count, count:] = border
        matrix[..., count:, :count] = -np.swapaxes(border, -1, -2)
        matrix[..., count:, count:] = self.kept[by_sector]
        return matrix


def free_fermions(size: int, coupling: complex) -> FreeFermions:
    """Return the torus of side `size`, 3 or more, at a coupling K = J / (k_B T) with a positive real part."""
    t, rest = _bond(coupling)
    log_scale, weights = _sectors(size, coupling)
    action = _action(size, t)
    kept = np.array([-action[0, 0], PAIRED, PAIRED, PAIRED])
    action[0, 0] = PAIRED
    inverse = np.linalg.inv(action)
    inverse[0, 0] = 0
    propagators = []
    for modes in _modes():
        part = np.zeros_like(inverse)
        part[modes] = inverse[modes]
        propagators.append(-np.fft.fft2(part, axes=(0, 1)) / size**2)
    real = np.isrealobj(t)
    return FreeFermions(
        size,
        np.array([t, rest]),
        log_scale,
        weights,
        kept.real if real else kept,
        np.array([1 / size, 0, 0, 0]),
        np.real(propagators) if real else np.array(propagators),
    )


def log_partition(size: int, coupling: complex) -> Any:
    """Return ln Z, up to a multiple of 2 pi i, without the propagators."""
    t, _ = _bond(coupling)
    log_scale, weights = _sectors(size, coupling)
    return log_scale + np.log(weights @ [t**2 + 2 * t - 1, 1, 1, 1])


def _bond(coupling: complex) -> tuple[Any, Any]:
    """Return t = tanh K and 1 - t^2."""
    boltzmann = np.exp(-2 * coupling)
    return (1 - boltzmann) / (1 + boltzmann), 4 * boltzmann / (1 + boltzmann) ** 2


def _sectors(size: int, coupling: complex) -> tuple[Any, Array]:
    """Return `log_scale` and `weights` of the four sectors."""
    logs = _log_pfaffians(size, *_bond(coupling))
    weights = np.array([logs[modes].sum() for modes in _modes()])
    largest = weights.real.max()
    scale = size**2 * (2 * coupling + 2 * np.log1p(np.exp(-2 * coupling)) - np.log(2))
    return scale + largest - np.log(2), np.exp(weights - largest)


def _modes() -> list[tuple[slice, slice]]:
    """Return where the momenta of each sector are among pi n / L, the doubly periodic one first."""
    return [np.s_[vertical::2, horizontal::2] for vertical, horizontal in np.ndindex(2, 2)]


def _action(size: int, t: complex) -> Array:
    """Return A(k) at all momenta of all sectors, k = pi n / L, complex128[2 L, 2 L, 4, 4]."""
    hop = 1 + t * np.exp(1j * np.pi * np.arange(2 * size) / size)
    back = 1 + t * np.exp(-1j * np.pi * np.arange(2 * size) / size)
    action = np.empty((2 * size, 2 * size, 4, 4), np.complex128)
    action[:] = [[0, 0, -1, -1], [0, 0, 1, -1], [1, -1, 0, 0], [1, 1, 0, 0]]
    action[..., 0, 1], action[..., 1, 0] = hop, -back
    action[..., 2, 3], action[..., 3, 2] = hop[:, None], -back[:, None]
    return action


def _log_pfaffians(size: int, t: complex, rest: complex) -> Array:
    """Return what each momentum adds to the logarithm of its sector's Pfaffian, [2 L, 2 L]; nothing for k = 0.

    A pair k, -k gives det A(k), each of the two a half. A momentum that is its own opposite gives the Pfaffian of A(k).
    """
    wave = np.sin(np.pi * np.arange(2 * size) / (2 * size)) ** 2
    determinant = (1 - 2 * t - t**2) ** 2 + 4 * t * rest * (wave[:, None] + wave)
    logs = np.log(determinant) / 2
    own = np.array([[1, 1 + t**2], [1 + t**2, 1 + 2 * t - t**2]])
    logs[::size, ::size] = np.log(own)
    return np.asarray(logs)


def _leading_pfaffians(matrix: Array) -> Array:
    """Return the Pfaffian of the first 2n rows and columns with the last four, for n from 0 to all, [..., n].

    By elimination, two rows at a time and never exchanged: a pivot is the ratio of the means of two products of bonds,
    one a bond longer than the other. It may be small only where the mean itself is.
    """
    found, product = [_pfaffian_of_four(matrix)], np.ones(matrix.shape[:-2])
    while matrix.shape[-1] > KEPT:
        pivot = matrix[..., 0, 1]
        product = product * pivot
        first, second = matrix[..., 0, 2:], matrix[..., 1, 2:] / pivot[..., None]
        outer = second[..., :, None] * first[..., None, :]
        matrix = matrix[..., 2:, 2:] + outer - np.swapaxes(outer, -1, -2)
        found.append(product * _pfaffian_of_four(matrix))
    return np.stack(found, axis=-1)


def _pfaffian_of_four(matrix: Array) -> Array:
    m = matrix[..., -KEPT:, -KEPT:]
    return np.asarray(m[..., 0, 1] * m[..., 2, 3] - m[..., 0, 2] * m[..., 1, 3] + m[..., 0, 3] * m[..., 1, 2])
