"""Small systems by enumeration: the mapping of Mehta and Schwab, Kadanoff's operator, information of a block."""

from __future__ import annotations

import numpy as np
import pytest

from sweep.analysis.exact.block_information import RULES, block_information, block_operator, information_with
from sweep.analysis.exact.enumeration import all_spins, boltzmann, free_energy, ising_hamiltonian, mutual_information
from sweep.analysis.exact.ising import CRITICAL_TEMPERATURE, torus_energy, torus_log_partition
from sweep.analysis.exact.kadanoff import INTERACTIONS, couplings, kadanoff_operator
from sweep.analysis.exact.perfect_machines import best_machine, ising_machine
from sweep.analysis.exact.small_machines import (
    Machine,
    connected_correlation,
    hidden_hamiltonian,
    machine_operator,
    mapping_of,
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


def known_machine(visible: int, hidden: int, phase: float) -> Machine:
    i, a = np.arange(visible)[:, None], np.arange(hidden)
    weights = 0.35 * np.cos(1.3 * i + 0.7 * a + phase) + 0.05 * ((i * (a + 1)) % 3 - 1)
    return Machine(weights, 0.08 * np.sin(i.ravel() + phase), 0.1 * np.cos(2 * a + phase))


MACHINE_A = known_machine(9, 4, 0.2)
KNOWN_A = {
    "divergence": 4.5032509543,
    "free_energy_difference": -1.2794387534,
    "mean_log_trace": -3.2238122009,
    "information": 0.8416061388,
}


def is_known_a(machine: Machine, hamiltonian: np.ndarray) -> bool:
    """Machine A's numbers, computed elsewhere to ten digits."""
    found = mapping_of(machine, hamiltonian)
    return all(abs(getattr(found, name) - value) < 1e-10 for name, value in KNOWN_A.items())


@pytest.fixture(scope="module")
def critical_3() -> np.ndarray:
    return ising_hamiltonian(3, CRITICAL_TEMPERATURE)


@pytest.fixture(scope="module")
def critical_4() -> np.ndarray:
    return ising_hamiltonian(4, CRITICAL_TEMPERATURE)


@pytest.mark.parametrize("size", [3, 4])
def test_hamiltonian_is_the_ising_model_s(size: int) -> None:
    hamiltonian = ising_hamiltonian(size, 2.5)
    assert -free_energy(hamiltonian) == pytest.approx(torus_log_partition(size, 2.5), abs=1e-10)
    assert boltzmann(hamiltonian) @ hamiltonian * 2.5 / size**2 == pytest.approx(torus_energy(size, 2.5), abs=1e-12)


def test_what_cannot_be_enumerated_is_refused() -> None:
    with pytest.raises(ValueError, match="found size 5, temperature 2; wanted size 3 or 4"):
        ising_hamiltonian(5, 2)
    with pytest.raises(ValueError, match="found 21 units to enumerate"):
        all_spins(21)


def test_machine_a_has_its_known_numbers(critical_3: np.ndarray) -> None:
    assert is_known_a(MACHINE_A, critical_3)
    assert -free_energy(visible_hamiltonian(MACHINE_A)) == pytest.approx(10.2996521544, abs=1e-10)


@pytest.mark.parametrize("fault", ["sign of H", "sites exchanged", "sign of a bias", "H at another temperature"])
def test_known_numbers_catch_a_fault(critical_3: np.ndarray, fault: str) -> None:
    machine, hamiltonian = MACHINE_A, critical_3
    if fault == "sign of H":
        hamiltonian = -hamiltonian
    elif fault == "sites exchanged":  # of the machine, not of the lattice
        order = [1, 0, *range(2, 9)]
        machine = machine._replace(weights=machine.weights[order], visible_bias=machine.visible_bias[order])
    elif fault == "sign of a bias":
        machine = machine._replace(hidden_bias=-machine.hidden_bias)
    else:
        hamiltonian = 1.0001 * hamiltonian
    assert not is_known_a(machine, hamiltonian)


@pytest.mark.parametrize(("size", "hidden"), [(3, 1), (3, 8), (4, 3)])
def test_mapping_by_layers_is_that_of_the_whole_table(size: int, hidden: int) -> None:
    """Sums over one layer at a time against the table of all v and h; H^RG = H^RBM for any W; the identity."""
    machine, hamiltonian = known_machine(size * size, hidden, 0.7), ising_hamiltonian(size, 2.2)
    operator = machine_operator(machine, hamiltonian)
    joint = joint_distribution(operator, hamiltonian)
    found = mapping_of(machine, hamiltonian)
    np.testing.assert_allclose(coarse_hamiltonian(operator, hamiltonian), hidden_hamiltonian(machine), atol=1e-12)
    np.testing.assert_allclose(log_trace(operator), hamiltonian - visible_hamiltonian(machine), atol=1e-12)
    np.testing.assert_allclose(joint.sum(axis=1), boltzmann(visible_hamiltonian(machine)), rtol=1e-11)
    np.testing.assert_allclose(joint.sum(axis=0), boltzmann(hidden_hamiltonian(machine)), rtol=1e-11)
    q = boltzmann(hamiltonian)
    assert found.divergence == pytest.approx(q @ np.log(q / joint.sum(axis=1)), abs=1e-12)
    assert found.free_energy_difference == pytest.approx(free_energy_difference(operator, hamiltonian), abs=1e-12)
    assert found.information == pytest.approx(mutual_information(joint), abs=1e-12)
    assert found.divergence + found.free_energy_difference + found.mean_log_trace == pytest.approx(0, abs=1e-12)


def test_counterexample_has_the_marginals_and_nothing_else(critical_3: np.ndarray) -> None:
    joint = joint_distribution(machine_operator(MACHINE_A, critical_3), critical_3)
    product = product_of_marginals(joint)
    for axis in (0, 1):
        np.testing.assert_allclose(product.sum(axis=axis), joint.sum(axis=axis), atol=1e-15)
    for distribution in (joint, product):
        assert free_energy_difference(operator_of(distribution, critical_3), critical_3) == pytest.approx(0, abs=1e-12)
    operators = [operator_of(distribution, critical_3) for distribution in (joint, product)]
    coarse, traces = (
        [function(operator) for operator in operators]
        for function in (lambda operator: coarse_hamiltonian(operator, critical_3), log_trace)
    )
    np.testing.assert_allclose(coarse[0], coarse[1], atol=1e-12)
    np.testing.assert_allclose(traces[0], traces[1], atol=1e-12)
    assert mutual_information(product) == pytest.approx(0, abs=1e-12)
    assert np.abs(connected_correlation(product)).max() < 1e-12
    assert mutual_information(joint) == pytest.approx(KNOWN_A["information"], abs=1e-10)
    assert np.abs(connected_correlation(joint)).max() > 0.4


@pytest.mark.parametrize("size", [3, 4])
def test_perfect_machine_has_no_spread_and_still_a_free_energy_difference(size: int) -> None:
    hamiltonian = ising_hamiltonian(size, CRITICAL_TEMPERATURE)
    of_v = visible_hamiltonian(ising_machine(size, CRITICAL_TEMPERATURE))
    assert np.ptp(hamiltonian - of_v) < 1e-11 * size**2
    constant = 2 * size**2 * (np.log(2) + 1 / CRITICAL_TEMPERATURE)
    assert free_energy(of_v) - free_energy(hamiltonian) == pytest.approx(-constant, abs=1e-11 * constant)


def test_best_machine_with_enough_units_is_perfect_and_no_two_are_alike(critical_3: np.ndarray) -> None:
    """Of 8 units: no divergence is left, and ΔF and I(v;h) are whatever the start makes them."""
    found = [mapping_of(best_machine(critical_3, 8, seed), critical_3) for seed in (1, 2)]
    assert max(one.divergence for one in found) < 1e-4
    assert max(one.spread for one in found) < 0.02
    assert abs(found[0].free_energy_difference - found[1].free_energy_difference) > 0.5
    assert abs(found[0].information - found[1].information) > 0.05


def test_best_machine_is_where_no_small_change_of_weights_helps(critical_3: np.ndarray) -> None:
    machine, rng = best_machine(critical_3, 2, 1), np.random.default_rng(4)
    least = mapping_of(machine, critical_3).divergence
    assert 0.0 < least < 0.08
    for change in rng.normal(0, 0.02, (20, *machine.weights.shape)):
        assert mapping_of(machine._replace(weights=machine.weights + change), critical_3).divergence > least


def test_majority_makes_the_known_couplings(critical_4: np.ndarray) -> None:
    coarse = coarse_hamiltonian(kadanoff_operator(np.inf), critical_4)
    known = {"next": -0.692900, "diagonal": -0.327384, "four-spin": -0.019635}
    assert couplings(coarse) == pytest.approx(known, abs=1e-6)


def _rest(hamiltonian: np.ndarray) -> float:
    """Return how far a Hamiltonian of 2x2 spins is from the one that its couplings make."""
    h, found = all_spins(4), couplings(hamiltonian)
    kinds = {"next": [(0, 1), (0, 2), (1, 3), (2, 3)], "diagonal": [(0, 3), (1, 2)], "four-spin": [(0, 1, 2, 3)]}
    assert kinds.keys() == INTERACTIONS.keys()
    terms = [found[kind] * h[:, sites].prod(axis=1) for kind, places in kinds.items() for sites in places]
    return float(np.ptp(hamiltonian - sum(terms)))


@pytest.mark.parametrize("strength", [0.3, 1.0, np.inf])
def test_couplings_are_all_of_the_coarse_hamiltonian(critical_4: np.ndarray, strength: float) -> None:
    operator = kadanoff_operator(strength)
    np.testing.assert_allclose(log_trace(operator), 0, atol=1e-12)
    assert free_energy_difference(operator, critical_4) == pytest.approx(0, abs=1e-12)
    assert free_energy_difference(operator + 1.5, critical_4) == pytest.approx(-1.5, abs=1e-12)
    coarse = coarse_hamiltonian(operator, critical_4)
    assert _rest(coarse) < 1e-12
    order = (all_spins(4)[:, [1, 0, 2, 3]] > 0) @ (1 << np.arange(4))
    assert _rest(coarse[order]) > 0.05, "coarse spins in another order"


def test_operator_is_kadanoffs(critical_4: np.ndarray) -> None:
    """One entry after the other, from sums over blocks written out."""
    rng = np.random.default_rng(3)
    v, h, operator = all_spins(16).reshape(-1, 4, 4), all_spins(4), np.exp(kadanoff_operator(0.4))
    for row, column in zip(rng.integers(2**16, size=50), rng.integers(16, size=50), strict=True):
        sums = [v[row][y : y + 2, x : x + 2].sum() for y in (0, 2) for x in (0, 2)]
        assert operator[row, column] == pytest.approx(np.prod((1 + h[column] * np.tanh(0.4 * np.array(sums))) / 2))


@pytest.mark.parametrize(
    ("rule", "known"), [("block", 0.702029), ("average", 0.646220), ("majority", 0.535074), ("decimation", 0.453983)]
)
def test_information_of_a_block_with_its_surroundings(rule: str, known: float) -> None:
    assert block_information(4, CRITICAL_TEMPERATURE, rule) == pytest.approx(known, abs=1e-6)


def test_information_with_chosen_sites(critical_3: np.ndarray) -> None:
    """Of one spin with another it follows from their correlation; a variable that ignores v knows nothing."""
    p = boltzmann(critical_3)
    correlation = float(p @ all_spins(9)[:, [0, 5]].prod(axis=1))
    pairs = np.array([[1 + correlation, 1 - correlation], [1 - correlation, 1 + correlation]]) / 4
    found = information_with([5], block_operator(3, "decimation"), p)
    assert found == pytest.approx(mutual_information(pairs), abs=1e-12)
    assert information_with([5], np.full((2**9, 3), 1 / 3), p) == pytest.approx(0, abs=1e-12)
    assert all(RULES[rule](all_spins(4)).sum(axis=1) == pytest.approx(1.0) for rule in RULES)
