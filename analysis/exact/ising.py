"""Exact results for the square-lattice Ising model, J = k_B = 1.

References
----------
L. Onsager, Phys. Rev. 65, 117 (1944); B. Kaufman, Phys. Rev. 76, 1232 (1949); C. N. Yang, Phys. Rev. 85, 808 (1952);
P. Di Francesco, H. Saleur, J.-B. Zuber, Nucl. Phys. B 290, 527 (1987) for the correlators on the torus.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.special import ellipk

Floats = npt.NDArray[np.float64]

CRITICAL_TEMPERATURE = 2.0 / math.log1p(math.sqrt(2.0))
DELTA_SIGMA = 1 / 8
DELTA_EPSILON = 1.0
SPIN_AMPLITUDE = 0.703380  # <ss>(r) -> SPIN_AMPLITUDE r^(-1/4) at T_c (Wu, McCoy, Tracy, Barouch 1976)


def onsager_energy(temperature: float) -> float:
    """Return the energy per site of the infinite lattice, in J, at a temperature in J/k_B (Onsager 1944)."""
    if temperature == 0.0:
        return -2.0
    k2 = 2.0 / temperature
    if k2 > 18.0:  # sinh and cosh agree with their exponentials to the last bit
        return -2.0 * math.tanh(k2)
    modulus = 2.0 * math.sinh(k2) / math.cosh(k2) ** 2
    factor = 2.0 * math.tanh(k2) ** 2 - 1.0
    if abs(factor) < 1e-12:  # T_c: the factor's zero beats the logarithm of the integral
        return -1.0 / math.tanh(k2)
    return -(1.0 + 2.0 / math.pi * factor * float(ellipk(modulus**2))) / math.tanh(k2)


def yang_magnetization(temperature: float) -> float:
    """Return the spontaneous magnetisation per site of the infinite lattice (Yang 1952)."""
    if temperature == 0.0:
        return 1.0
    if temperature >= CRITICAL_TEMPERATURE:
        return 0.0
    return float((1.0 - math.sinh(2.0 / temperature) ** -4) ** 0.125)


def torus_log_partition(size: int, temperature: float) -> float:
    """Return ln Z of the `size` x `size` torus at a temperature > 0 in J/k_B (Kaufman 1949)."""
    return float(log_partition_jet(size, 1.0 / temperature)[0])


def torus_energy(size: int, temperature: float) -> float:
    """Return the energy per site of the `size` x `size` torus, in J."""
    if temperature == 0.0:
        return -2.0
    return -float(log_partition_jet(size, 1.0 / temperature)[1]) / size**2


def torus_specific_heat(size: int, temperature: float) -> float:
    """Return the specific heat per site of the `size` x `size` torus, in k_B."""
    if temperature == 0.0:
        return 0.0
    return float(log_partition_jet(size, 1.0 / temperature)[2]) / (temperature * size) ** 2


def log_partition_jet(size: int, coupling: npt.ArrayLike) -> Floats:
    """Return ln Z of the `size` x `size` torus and its first two derivatives with respect to K (Kaufman 1949).

    Z = (2 sinh 2K)^(N/2) / 2 times the sum of four products over r = 0 .. L-1: of 2 cosh and of 2 sinh of
    L gamma_(2r+1) / 2, and the same of L gamma_(2r) / 2, with cosh gamma_l = cosh 2K coth 2K - cos(pi l / L) and
    gamma_0 = 2K + ln tanh K. The last product changes sign at T_c through gamma_0; that one factor is kept apart.

    Parameters
    ----------
    size : int
    coupling : array_like
        K = J/(k_B T) > 0, of any shape.

    Returns
    -------
    float[3, ...]
    """
    couplings = np.asarray(coupling, np.float64)
    u, sites = 2.0 * couplings, size * size
    rest, odd = (
        size / 2 * _gammas(size, u[..., None], numbers) for numbers in (2 * np.arange(1, size), 2 * np.arange(size) + 1)
    )
    zero = size / 2 * _gamma_zero(couplings)
    x, dx, ddx = zero
    none = np.zeros_like(x)
    logs = np.array(
        [
            _log_cosh_sum(odd),
            _log_sinh_sum(odd),
            _log_cosh_sum(rest) + _log_cosh_sum(zero[..., None]),
            _log_sinh_sum(rest) + np.array([np.abs(x), none, none]),
        ]
    )
    small = np.exp(-2.0 * np.abs(x))
    sinh, cosh = np.sign(x) * (1.0 - small), 1.0 + small  # of x, divided by exp |x| / 2
    factor = np.array([[none + 1.0, none, none]] * 3 + [[sinh, cosh * dx, cosh * ddx + sinh * dx * dx]])
    weight = np.exp(logs[:, 0] - logs[:, 0].max(axis=0))
    value = (weight * factor[:, 0]).sum(axis=0)
    first = (weight * (logs[:, 1] * factor[:, 0] + factor[:, 1])).sum(axis=0) / value
    bracket = (logs[:, 2] + logs[:, 1] ** 2) * factor[:, 0] + 2.0 * logs[:, 1] * factor[:, 1] + factor[:, 2]
    second = (weight * bracket).sum(axis=0) / value - first**2
    log_two_sinh = u + np.log1p(-np.exp(-2.0 * u))
    return np.array(
        [
            sites / 2 * log_two_sinh + logs[:, 0].max(axis=0) + np.log(value) - math.log(2.0),
            sites / np.tanh(u) + first,
            -2.0 * sites / np.sinh(u) ** 2 + second,
        ]
    )


def _gammas(size: int, u: Floats, numbers: npt.NDArray[np.int64]) -> Floats:
    """Return gamma_l and its first two derivatives in K at u = 2K, float[3, ..., l]; none of the l may be 0."""
    s, c = np.sinh(u), np.cosh(u)
    cosh_gamma = s + 1.0 / s - np.cos(np.pi * numbers / size)
    first, second = 2.0 * c * (1.0 - s**-2), 4.0 * (s - 1.0 / s + 2.0 * c * c * s**-3)
    sinh_gamma = np.sqrt(cosh_gamma**2 - 1.0)
    slope = first / sinh_gamma
    return np.array([np.arccosh(cosh_gamma), slope, (second - cosh_gamma * slope**2) / sinh_gamma])


def _gamma_zero(coupling: Floats) -> Floats:
    """Return gamma_0 and its first two derivatives in K, float[3, ...]."""
    s, c = np.sinh(2.0 * coupling), np.cosh(2.0 * coupling)
    return np.array([2.0 * coupling + np.log(np.tanh(coupling)), 2.0 + 2.0 / s, -4.0 * c / s**2])


def _log_cosh_sum(y: Floats) -> Floats:
    """Return the sum of ln 2 cosh y over the last axis and its first two derivatives, those of y being given."""
    tanh = np.tanh(y[0])
    jet = [np.logaddexp(y[0], -y[0]), tanh * y[1], tanh * y[2] + (1.0 - tanh**2) * y[1] ** 2]
    total: Floats = np.asarray(jet, np.float64).sum(axis=-1)
    return total


def _log_sinh_sum(y: Floats) -> Floats:
    """Return the sum of ln 2 sinh y over the last axis and its first two derivatives, those of y being given."""
    coth = 1.0 / np.tanh(y[0])
    jet = [y[0] + np.log1p(-np.exp(-2.0 * y[0])), coth * y[1], coth * y[2] - (coth**2 - 1.0) * y[1] ** 2]
    total: Floats = np.asarray(jet, np.float64).sum(axis=-1)
    return total


# -- correlators at T_c on the torus --------------------------------------------------------------------------------


def torus_spin_structure(size: int) -> Floats:
    """Return the sum over spin structures in <ss> at T_c, for every displacement.

    Returns
    -------
    float[size, size]
        sum_n |theta_n(z/2)| / sum_{n>1} |theta_n(0)| at z = (dx + i dy)/L; NaN at no displacement.
    """
    half = _theta(_argument(size) / 2)
    at_zero = np.abs(_theta(np.zeros(1, complex)))[1:].sum()
    return _without_origin(np.abs(half).sum(axis=0) / at_zero)


def torus_distance(size: int) -> Floats:
    """Return the conformal distance L |theta_1(z) / theta_1'(0)| of every displacement on the torus.

    Returns
    -------
    float[size, size]
        In lattice units; the plane's |r| for short displacements; NaN at no displacement.
    """
    return _without_origin(size * np.abs(_theta(_argument(size))[0]) / _theta_prime_at_zero())


def torus_spin_correlation(size: int) -> Floats:
    """Return the continuum <ss> at T_c on the `size` x `size` torus, float[size, size], NaN at the origin."""
    return SPIN_AMPLITUDE * torus_distance(size) ** -0.25 * torus_spin_structure(size)


def torus_energy_structure(size: int) -> Floats:
    """Return the factor by which <eps eps> (not connected) at T_c differs from 1/(pi distance)^2, float[size, size]."""
    theta, zero = np.abs(_theta(_argument(size)))[1:], np.abs(_theta(np.zeros((1, 1), complex)))[1:]
    return _without_origin((theta**2 / zero).sum(axis=0) / zero.sum())


def torus_energy_mean(size: int) -> float:
    """Return the continuum <eps> of one bond at T_c on the torus: what <eps eps> tends to is its square."""
    return 0.3112197 / size


def torus_energy_correlation(size: int) -> Floats:
    """Return the continuum connected <eps eps> of one bond at T_c, float[size, size], NaN at the origin."""
    free = torus_energy_structure(size) / (np.pi * torus_distance(size)) ** 2
    return free - torus_energy_mean(size) ** 2


def _argument(size: int) -> npt.NDArray[np.complex128]:
    steps = np.arange(size)
    return (np.pi * (steps[None, :] + 1j * steps[:, None]) / size).astype(np.complex128)


def _theta(z: npt.NDArray[np.complex128]) -> npt.NDArray[np.complex128]:
    """Return theta_1 .. theta_4 at nome exp(-pi), stacked in front of the shape of z."""
    n = np.arange(8).reshape(-1, *([1] * z.ndim))
    q = math.exp(-math.pi)
    odd, whole = q ** ((n + 0.5) ** 2), q ** (n**2.0)
    sign, twice = (-1.0) ** n, np.where(n == 0, 1.0, 2.0)
    return np.array(
        [
            (2 * sign * odd * np.sin((2 * n + 1) * z)).sum(axis=0),
            (2 * odd * np.cos((2 * n + 1) * z)).sum(axis=0),
            (twice * whole * np.cos(2 * n * z)).sum(axis=0),
            (twice * sign * whole * np.cos(2 * n * z)).sum(axis=0),
        ]
    )


def _theta_prime_at_zero() -> float:
    """Return theta_1'(0) with respect to z/L, that is pi times the derivative in the argument."""
    n = np.arange(8)
    return float(np.pi * np.sum(2 * (-1.0) ** n * math.exp(-math.pi) ** ((n + 0.5) ** 2) * (2 * n + 1)))


def _without_origin(values: Floats) -> Floats:
    values = np.array(values)
    values[0, 0] = np.nan
    return values
