"""Variational renormalization of a few spins (eqs 74-80): an operator T(v,h) between spins v and coarse spins h.

It makes H^RG[h] = -ln Tr_v e^{T(v,h) - H[v]}, whose free energy differs by ΔF = F^h - F^v. An operator is
float64[2**visible, 2**hidden] in the order of `all_spins`; where it is -inf, h never goes with v.
"""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp

from sweep.analysis.exact.enumeration import Floats, boltzmann, free_energy


def coarse_hamiltonian(operator: Floats, hamiltonian: Floats) -> Floats:
    """Return float64[2**hidden], H^RG[h] = -ln Tr_v e^{T(v,h) - H[v]}, the Hamiltonian of the coarse spins."""
    return -np.asarray(logsumexp(operator - hamiltonian[:, None], axis=0))


def log_trace(operator: Floats) -> Floats:
    """Return float64[2**visible], ln Tr_h e^{T(v,h)}: 0 for every v where e^T = p(h|v) is normalised."""
    return np.asarray(logsumexp(operator, axis=1))


def free_energy_difference(operator: Floats, hamiltonian: Floats) -> float:
    """Return ΔF = F^h - F^v: 0 for every normalised operator, and less by c for c added to T."""
    return free_energy(coarse_hamiltonian(operator, hamiltonian)) - free_energy(hamiltonian)


def joint_distribution(operator: Floats, hamiltonian: Floats) -> Floats:
    """Return float64[2**visible, 2**hidden], the normalised e^{T(v,h) - H[v]}."""
    return boltzmann(hamiltonian[:, None] - operator)


def operator_of(joint: Floats, hamiltonian: Floats) -> Floats:
    """Return the operator whose e^{T - H} is a joint distribution p(v,h) in units of Z: T = ln p(v,h) + H[v] + ln Z.

    Its ΔF is 0 whatever the distribution, since e^{-F^h} = Tr_{v,h} e^{T-H} = Z.
    """
    with np.errstate(divide="ignore"):
        return np.log(joint) + hamiltonian[:, None] - free_energy(hamiltonian)


def product_of_marginals(joint: Floats) -> Floats:
    """Return p(v) p(h) of a joint distribution: the same marginals, and no relation between v and h (eqs 54-59)."""
    return np.outer(joint.sum(axis=1), joint.sum(axis=0))
