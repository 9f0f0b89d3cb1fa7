"""What training aims at: machines that are exactly an Ising model, and the best machines of few hidden units."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

from sweep.analysis.exact.enumeration import Floats, all_spins, boltzmann, free_energy
from sweep.analysis.exact.small_machines import Machine

ITERATIONS = 1000  # of L-BFGS at most; 3x3 spins with 8 units take 0.2 s, 4x4 with 8 units 20 s


def ising_machine(size: int, temperature: float) -> Machine:
    """Return a machine whose p(v) is the Ising model's: a hidden unit for each bond, of weight w to its two spins.

    cosh 2w = e^{2/T}, no biases. Such a machine is perfect, and its ln Z = ln Z_Ising + 2 L^2 (ln 2 + 1/T): what would
    make ΔF vanish is a constant, and E(v,h) has none.
    """
    sites = np.arange(size * size).reshape(size, size)
    ends = [np.stack([sites.ravel(), np.roll(sites, -1, axis).ravel()], axis=1) for axis in (0, 1)]
    bonds = np.concatenate(ends)
    weights = np.zeros((size * size, len(bonds)))
    weights[bonds, np.arange(len(bonds))[:, None]] = np.arccosh(np.exp(2 / temperature)) / 2
    return Machine(weights, np.zeros(size * size), np.zeros(len(bonds)))


def best_machine(hamiltonian: Floats, hidden: int, seed: int) -> Machine:
    """Return the machine where descent of the exact KL(q‖p) ends, without biases, from random weights.

    Other seeds may end in other minima, or in other machines of the same p(v).

    Parameters
    ----------
    hamiltonian : float64[2**visible]
        H of q = e^{-H}/Z; it must not change when all spins flip.
    hidden : int
        Hidden units.
    """
    visible = len(hamiltonian).bit_length() - 1
    v = all_spins(visible)[: 2 ** (visible - 1)]  # one of each pair of a configuration and its reverse
    q = 2 * boltzmann(hamiltonian)[: len(v)]

    def loss(flat: Floats) -> tuple[float, Floats]:
        """Return KL up to a constant, and its gradient (eq 8)."""
        field = v @ flat.reshape(visible, hidden)
        log_weight = np.logaddexp(field, -field).sum(axis=1)
        log_z = -free_energy(-log_weight)
        surplus = np.exp(log_weight - log_z) - q
        return log_z - float(q @ log_weight), ((surplus[:, None] * v).T @ np.tanh(field)).ravel()

    start = np.random.default_rng(seed).normal(0, 0.3, visible * hidden)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": ITERATIONS, "ftol": 1e-13})
    return Machine(found.x.reshape(visible, hidden), np.zeros(visible), np.zeros(hidden))
