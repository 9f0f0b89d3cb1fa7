"""Effective couplings of machines: against sums over all configurations, and the machine that is an Ising model."""

from __future__ import annotations

import numpy as np
import pytest

from sweep.analysis.estimators.effective_couplings import (
    PROBES,
    beyond_pairs,
    by_distance,
    displaced,
    effective_couplings,
    learned,
)
from sweep.analysis.exact.enumeration import all_spins, ising_hamiltonian
from sweep.analysis.exact.ising import CRITICAL_TEMPERATURE
from sweep.analysis.exact.perfect_machines import best_machine, ising_machine
from sweep.analysis.exact.small_machines import Machine, visible_hamiltonian


def _random_machine(scale: float, visible: int = 9, hidden: int = 6, seed: int = 3) -> Machine:
    rng = np.random.default_rng(seed)
    shapes = (visible, hidden), (visible,), (hidden,)
    return Machine(*(rng.normal(0, scale, shape) for shape in shapes))


@pytest.mark.parametrize("scale", [0.01, 0.3, 2.0, 30.0])
def test_couplings_are_those_of_the_sum_over_all_configurations(scale: float) -> None:
    """J_ij = -2^-N sum_v H v_i v_j and h_i likewise: with the weights so large that ln cosh is |x|, and so small that
    its bend is all there is. A midpoint too few, a wrong factor or sign, or a bias left out would show.
    """
    machine = _random_machine(scale)
    v, energy = all_spins(9), visible_hamiltonian(machine)
    pairs, fields = effective_couplings(machine)
    assert fields == pytest.approx(-(v.T @ energy) / len(v), abs=1e-9)
    known = -(v.T * energy) @ v / len(v)
    np.fill_diagonal(known, 0.0)
    assert pairs == pytest.approx(known, abs=1e-9)


@pytest.mark.parametrize(("size", "temperature"), [(3, 1.0), (4, 2.269185314213022), (10, 2.5), (32, 5.9)])
def test_the_ising_machine_has_its_coupling_on_bonds_and_nothing_else(size: int, temperature: float) -> None:
    machine = ising_machine(size, temperature)
    pairs, fields = effective_couplings(machine)
    couplings = displaced(pairs)
    known = np.zeros((size, size))
    known[[0, 0, 1, -1], [1, -1, 0, 0]] = 1 / temperature
    assert np.abs(couplings - known).max() < 1e-9
    assert np.abs(fields).max() < 1e-9
    if size < 32:
        found = learned(machine, pairs, fields)
        assert found["nearest"] == pytest.approx(1 / temperature, abs=1e-9)
        assert found["range"] == pytest.approx(1.0, abs=1e-9)
        for name in ("nearest_spread", "share_beyond", "field", "share_beyond_pairs"):
            assert found[name] == pytest.approx(0.0, abs=1e-9), name


def test_the_best_machine_of_eight_units_has_learned_the_coupling() -> None:
    """Descent of the exact KL from random weights ends at KL = 1e-7 with 8 units on the 18 bonds of 3x3 spins: units
    couple to three spins and more, but H is that of the Ising model.
    """
    machine = best_machine(ising_hamiltonian(3, CRITICAL_TEMPERATURE), 8, 2)
    assert (np.abs(machine.weights) > 0.1).sum(axis=0).min() >= 3, "not the machine with a unit for each bond"
    found = learned(machine, *effective_couplings(machine))
    assert found["nearest"] == pytest.approx(1 / CRITICAL_TEMPERATURE, abs=5e-4)
    assert found["nearest_spread"] < 1e-3
    assert found["share_beyond"] < 1e-4
    assert found["share_beyond_pairs"] < 1e-4


def test_reversed_units_add_the_same_and_silent_ones_nothing() -> None:
    """The Ising machine with every unit once more, reversed, is the one at half the temperature."""
    once = ising_machine(5, 2.0)
    silent = np.zeros((25, 3))
    twice = Machine(np.hstack([once.weights, -once.weights, silent]), once.visible_bias, np.zeros(103))
    assert effective_couplings(twice)[0] == pytest.approx(2 * effective_couplings(once)[0], abs=1e-9)


def test_a_chunk_of_hidden_units_at_a_time_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = _random_machine(0.4, visible=16, hidden=12)
    whole = effective_couplings(machine)
    monkeypatch.setattr("sweep.analysis.estimators.effective_couplings._HELD", 1500)
    for part, known in zip(effective_couplings(machine), whole, strict=True):
        assert part == pytest.approx(known, abs=1e-9)


def test_what_pairs_leave_is_the_couplings_of_more_spins() -> None:
    """The mean over `PROBES` random configurations has an error of about 4 %; 20 % is beyond five of them, p < 1e-6. A
    pair counted twice, or not at all, would show.
    """
    machine = _random_machine(0.8, visible=9)
    v, energy = all_spins(9), visible_hamiltonian(machine)
    pairs, fields = effective_couplings(machine)
    known = np.var(energy + v @ fields + ((v @ pairs) * v).sum(axis=1) / 2)
    assert known > 0.1
    assert energy.var() == pytest.approx(known + fields @ fields + np.square(pairs).sum() / 2)
    assert beyond_pairs(machine, pairs, fields, np.random.default_rng(1)) == pytest.approx(known, rel=0.2)
    assert PROBES >= 2000


def test_distances_go_the_short_way_around_the_torus() -> None:
    """A coupling of 1 + d to sites at every distance d, and a site that has ten times as much, by hand on 4x4."""
    sites = np.stack(np.divmod(np.arange(16), 4), axis=1)
    apart = np.abs(sites[:, None] - sites)
    pairs = np.hypot(*np.moveaxis(np.minimum(apart, 4 - apart), -1, 0))
    distances, mean, rms = by_distance(pairs)
    assert distances == pytest.approx([1, np.sqrt(2), 2, np.sqrt(5), np.sqrt(8)])
    assert mean == pytest.approx(distances)
    assert rms == pytest.approx(distances)
    pairs[0] *= 10
    assert by_distance(pairs)[1] == pytest.approx(distances * (1 + 9 / 16))
    assert by_distance(pairs)[2] == pytest.approx(distances * np.sqrt(1 + 99 / 16))


def test_a_machine_that_knows_nothing_has_no_range() -> None:
    machine = Machine(np.zeros((9, 2)), np.zeros(9), np.zeros(2))
    found = learned(machine, *effective_couplings(machine))
    assert found["nearest"] == found["field"] == 0
    assert all(np.isnan(found[name]) for name in ("range", "share_beyond", "share_beyond_pairs"))
