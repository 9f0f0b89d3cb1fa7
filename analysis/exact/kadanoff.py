"""Kadanoff's operator on 4x4 spins at a temperature, and the couplings of the 2x2 spins that it makes, exactly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import expit

from sweep.analysis.exact.enumeration import Floats, all_spins, ising_hamiltonian, mutual_information
from sweep.analysis.exact.variational import coarse_hamiltonian, free_energy_difference, joint_distribution

INTERACTIONS = {"next": (0, 1), "diagonal": (0, 3), "four-spin": (0, 1, 2, 3)}  # one of each kind, of the 2x2 spins
_SIDE = 4


def kadanoff_operator(strength: float) -> Floats:
    """Return T = ln p(h|v), p(h|v) = prod_a (1 + h_a tanh(λ S_a)) / 2 (Kadanoff, Houghton and Yalabik 1976).

    Parameters
    ----------
    strength : float
        λ >= 0; at 0 the h are independent of v, at infinity they are the majority with fair ties.

    Returns
    -------
    float64[2**16, 2**4]
        S_a is the sum of the spins of block a; blocks and their spins are in row-major order.
    """
    lattice = all_spins(_SIDE * _SIDE).reshape(-1, 2, 2, 2, 2)
    sums = lattice.sum(axis=(2, 4)).reshape(-1, 4)
    fields = np.multiply(strength, sums, out=np.zeros_like(sums), where=sums != 0)
    up_or_down = expit(2 * np.stack([-fields, fields]))
    states = (all_spins(4) > 0).astype(int)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(up_or_down[states, :, np.arange(4)].prod(axis=1).T))


def couplings(hamiltonian: Floats) -> dict[str, float]:
    """Return the coefficients of H^RG[h] of the 2x2 spins, float64[2**4], by the names of `INTERACTIONS`.

    H^RG[h] = constant + next Σ h_a h_b over the 4 sides of the square + diagonal Σ h_a h_b over its 2 diagonals
    + four-spin h_1 h_2 h_3 h_4. The paper's couplings K̃ (eq 76) are minus these: its H is -Σ K̃ h h.
    """
    h = all_spins(4)
    return {name: float(np.mean(hamiltonian * h[:, sites].prod(axis=1))) for name, sites in INTERACTIONS.items()}


def kadanoff_curves(strengths: Sequence[float], temperature: float) -> dict[str, Floats]:
    """Return what Kadanoff's operator makes of 4x4 spins at a temperature, each float64[strength].

    Parameters
    ----------
    strengths : sequence of float
        Values of λ.
    temperature : float
        In J/k_B.

    Returns
    -------
    dict
        `couplings` by name, ``free energy difference`` ΔF and ``information`` I(v;h) in nats.
    """
    hamiltonian = ising_hamiltonian(_SIDE, temperature)
    rows = []
    for strength in strengths:
        operator = kadanoff_operator(strength)
        rows.append(
            {
                **couplings(coarse_hamiltonian(operator, hamiltonian)),
                "free energy difference": free_energy_difference(operator, hamiltonian),
                "information": mutual_information(joint_distribution(operator, hamiltonian)),
            }
        )
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}
