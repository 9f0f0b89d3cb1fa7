"""Every configuration of a few spins: Boltzmann weights of a small torus, sums over states, information.

Units are in ±1; unit i of configuration number r is up exactly when bit i of r is set. Sites are in row-major order.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import entr

Floats = npt.NDArray[np.float64]
ENUMERABLE = 20  # units: at most 2**20 states are summed over


def all_spins(count: int) -> Floats:
    """Return float64[2**count, count], every configuration in ±1.

    Raises
    ------
    ValueError
        For more than `ENUMERABLE` units.
    """
    if not 0 < count <= ENUMERABLE:
        raise ValueError(f"found {count} units to enumerate; wanted 1 to {ENUMERABLE}")
    bits = np.arange(2**count)[:, None] >> np.arange(count) & 1
    return np.asarray(2.0 * bits - 1.0)


def ising_hamiltonian(size: int, temperature: float) -> Floats:
    """Return float64[2**(size*size)], H[v] = -(1/T) sum of s s' over the bonds of the torus (eq 31 over T).

    Parameters
    ----------
    size : int
        Sites per side, 3 or 4: on a smaller torus two bonds would join the same sites.
    temperature : float
        In J/k_B, above 0.

    Raises
    ------
    ValueError
        For another size, or a temperature that is not positive.
    """
    if size not in (3, 4) or temperature <= 0:
        raise ValueError(f"found size {size}, temperature {temperature}; wanted size 3 or 4, temperature > 0")
    lattice = all_spins(size * size).reshape(-1, size, size)
    bonds = lattice * (np.roll(lattice, -1, axis=1) + np.roll(lattice, -1, axis=2))
    return np.asarray(-bonds.sum(axis=(1, 2)) / temperature)


def free_energy(hamiltonian: Floats) -> float:
    """Return F = -ln Tr e^{-H}, a pure number: H has the temperature in it."""
    least = float(hamiltonian.min())
    return least - float(np.log(np.exp(least - hamiltonian).sum()))


def boltzmann(hamiltonian: Floats) -> Floats:
    """Return e^{-H} / Z, in the shape of `hamiltonian`."""
    return np.asarray(np.exp(free_energy(hamiltonian) - hamiltonian))


def entropy(probabilities: Floats) -> float:
    """Return -sum of p ln p over all entries, in nats."""
    return float(entr(probabilities).sum())


def mutual_information(joint: Floats) -> float:
    """Return I of the two variables of a joint distribution float64[x, y], in nats."""
    return entropy(joint.sum(axis=0)) + entropy(joint.sum(axis=1)) - entropy(joint)
