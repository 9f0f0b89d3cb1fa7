"""Kadanoff's operator on 4x4 spins at a temperature, and the couplings of the 2x2 spins that it makes, exactly."""

from __future__ import annotations

import numpy as np
from scipy.special import log_expit

from sweep.analysis.exact.enumeration import Floats, all_spins

INTERACTIONS = {"next": (0, 1), "diagonal": (0, 3), "four-spin": (0, 1, 2, 3)}  # one of each kind, of the 2x2 spins
_SIDE = 4


def kadanoff_operator(strength: float) -> Floats:
    """Return T = ln p(h|v), p(h|v) = prod_a (1 + h_a tanh(λ S_a)) / 2 (Kadanoff, Houghton and Yalabik 1976).

    Parameters
    ----------
    strength : float
        λ > 0; infinity is the majority with fair ties.

    Returns
    -------
    float64[2**16, 2**4]
        S_a is the sum of the spins of block a; blocks and their spins are in row-major order.
    """
    lattice = all_spins(_SIDE * _SIDE).reshape(-1, 2, 2, 2, 2)
    sums = lattice.sum(axis=(2, 4)).reshape(-1, 4)
    fields = np.multiply(strength, sums, out=np.zeros_like(sums), where=sums != 0)
    return np.asarray(log_expit(2 * fields[:, None, :] * all_spins(4)).sum(axis=2))


def couplings(hamiltonian: Floats) -> dict[str, float]:
    """Return the coefficients of H^RG[h] of the 2x2 spins, float64[2**4], by the names of `INTERACTIONS`.

    H^RG[h] = constant + next Σ h_a h_b over the 4 sides of the square + diagonal Σ h_a h_b over its 2 diagonals
    + four-spin h_1 h_2 h_3 h_4. The paper's couplings K̃ (eq 76) are minus these: its H is -Σ K̃ h h.
    """
    h = all_spins(4)
    return {name: float(np.mean(hamiltonian * h[:, sites].prod(axis=1))) for name, sites in INTERACTIONS.items()}
