"""The paper's counterexample: p̃(v,h) = p(v) p(h) obeys all that the mapping says of a machine (eqs 54-59)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sweep.analysis.exact.enumeration import Floats, mutual_information
from sweep.analysis.exact.small_machines import (
    Machine,
    connected_correlation,
    hidden_hamiltonian,
    machine_operator,
    visible_hamiltonian,
)
from sweep.analysis.exact.variational import (
    coarse_hamiltonian,
    free_energy_difference,
    joint_distribution,
    log_trace,
    operator_of,
    product_of_marginals,
)


@dataclass(frozen=True)
class Operator:
    """What an operator T(v,h) makes of H[v]; numbers from the table of all v and h.

    Parameters
    ----------
    beyond_marginals : float
        The largest difference between its H^RG[h] or ln Tr_h e^T and what the machine's marginals say they are.
    free_energy_difference : float
        ΔF.
    information : float
        I(v;h), in nats.
    correlation : float
        The largest |<v_i h_a> - <v_i><h_a>|.
    """

    beyond_marginals: float
    free_energy_difference: float
    information: float
    correlation: float


def machine_and_product(machine: Machine, hamiltonian: Floats) -> tuple[Operator, Operator]:
    """Return a machine as an operator on H[v], float64[2**visible], and the operator of the product of its marginals.

    T of p̃ has the constant that makes Tr e^{T - H} the machine's own Z.
    """
    operator = machine_operator(machine, hamiltonian)
    product = operator_of(product_of_marginals(joint_distribution(operator, hamiltonian)), hamiltonian)
    product -= free_energy_difference(operator, hamiltonian)
    return _described(operator, machine, hamiltonian), _described(product, machine, hamiltonian)


def _described(operator: Floats, machine: Machine, hamiltonian: Floats) -> Operator:
    of_h = coarse_hamiltonian(operator, hamiltonian) - hidden_hamiltonian(machine)
    of_v = log_trace(operator) - (hamiltonian - visible_hamiltonian(machine))
    joint = joint_distribution(operator, hamiltonian)
    return Operator(
        beyond_marginals=float(max(np.abs(of_h).max(), np.abs(of_v).max())),
        free_energy_difference=free_energy_difference(operator, hamiltonian),
        information=mutual_information(joint),
        correlation=float(np.abs(connected_correlation(joint)).max()),
    )
