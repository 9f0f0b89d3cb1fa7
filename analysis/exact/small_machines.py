"""Restricted Boltzmann machines by enumeration, and the mapping of Mehta and Schwab onto variational renormalization.

The mapping (eqs 46-53) takes the operator T(v,h) = -E(v,h) + H[v]. Then Tr_v e^{T - H} = Tr_v e^{-E}, so that
H^RG[h] = H^RBM[h] whatever the couplings, while Tr_h e^T = e^{H[v] - H^RBM[v]} depends on v unless the machine's p(v)
is that of H. In between stands an identity, KL(q‖p) + ΔF + <ln Tr_h e^T>_q = 0 with q = e^{-H}/Z.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sweep.analysis.exact.enumeration import Floats, all_spins, boltzmann, entropy, free_energy


class Machine(NamedTuple):
    """The numbers of E(v,h) = -sum_a b_a h_a - sum_ia v_i W_ia h_a - sum_i c_i v_i (eq 1).

    Parameters
    ----------
    weights : float[visible, hidden_unit]
        W.
    visible_bias : float[visible]
        c.
    hidden_bias : float[hidden_unit]
        b.
    """

    weights: Floats
    visible_bias: Floats
    hidden_bias: Floats


@dataclass(frozen=True)
class Mapping:
    """What a machine is as an operator on the spins of H[v]; all in nats.

    Parameters
    ----------
    divergence : float
        KL(q‖p) of q = e^{-H}/Z and the machine's p(v).
    free_energy_difference : float
        ΔF = F^h - F^v, with F^h from the sum over h.
    mean_log_trace, spread : float
        Mean and standard deviation of ln Tr_h e^T over q: the second is 0 only where p = q.
    information : float
        I(v;h) of the machine.
    """

    divergence: float
    free_energy_difference: float
    mean_log_trace: float
    spread: float
    information: float


def visible_hamiltonian(machine: Machine) -> Floats:
    """Return float64[2**visible], H^RBM[v] = -c v - sum_a ln 2 cosh(W^T v + b)_a, so that p(v) = e^{-H}/Z (eq 4)."""
    v = all_spins(len(machine.visible_bias))
    field = v @ machine.weights + machine.hidden_bias
    return np.asarray(-(v @ machine.visible_bias) - np.logaddexp(field, -field).sum(axis=1))


def hidden_hamiltonian(machine: Machine) -> Floats:
    """Return float64[2**hidden], H^RBM[h]: `visible_hamiltonian` with v and h exchanged (eq 5)."""
    return visible_hamiltonian(Machine(machine.weights.T, machine.hidden_bias, machine.visible_bias))


def machine_operator(machine: Machine, hamiltonian: Floats) -> Floats:
    """Return float64[2**visible, 2**hidden], T(v,h) = -E(v,h) + H[v]."""
    v, h = (all_spins(len(bias)) for bias in (machine.visible_bias, machine.hidden_bias))
    of_v = v @ machine.visible_bias + hamiltonian
    return v @ machine.weights @ h.T + of_v[:, None] + h @ machine.hidden_bias


def mapping_of(machine: Machine, hamiltonian: Floats) -> Mapping:
    """Return what a machine is as an operator on the spins of H[v], float64[2**visible].

    Sums run over one layer at a time, so that no table of v and h is made.
    """
    of_v, of_h = visible_hamiltonian(machine), hidden_hamiltonian(machine)
    q, log_trace = boltzmann(hamiltonian), hamiltonian - of_v
    log_ratio = free_energy(hamiltonian) - hamiltonian - (free_energy(of_v) - of_v)
    mean = float(q @ log_trace)
    return Mapping(
        divergence=float(q @ log_ratio),
        free_energy_difference=free_energy(of_h) - free_energy(hamiltonian),
        mean_log_trace=mean,
        spread=float(np.sqrt(q @ (log_trace - mean) ** 2)),
        information=entropy(boltzmann(of_h)) - _entropy_of_h_given_v(machine, boltzmann(of_v)),
    )


def _entropy_of_h_given_v(machine: Machine, p: Floats) -> float:
    """Return the mean over p(v) of the entropy of the hidden units, which are independent given v (eq 11)."""
    mean = np.tanh(all_spins(len(machine.visible_bias)) @ machine.weights + machine.hidden_bias)
    both = np.stack([1 + mean, 1 - mean]) / 2
    logs = np.log(both, out=np.zeros_like(both), where=both > 0)
    return -float(p @ (both * logs).sum(axis=(0, 2)))


def connected_correlation(joint: Floats) -> Floats:
    """Return float64[visible, hidden_unit], <v_i h_a> - <v_i><h_a> of p(v,h), float64[2**visible, 2**hidden]."""
    v, h = (all_spins(states.bit_length() - 1) for states in joint.shape)
    return v.T @ joint @ h - np.outer(joint.sum(axis=1) @ v, joint.sum(axis=0) @ h)
