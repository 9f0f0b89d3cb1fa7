"""Mutual information by counting: against enumeration, with weights and with samples, and of machines in disguise."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from block_machines import block_machine_store

from sweep.analysis.estimators.block_information import (
    BLOCK,
    block_table,
    cut_units,
    even_blocks,
    information,
    marked_for,
    mutual_information,
    ring,
    seen_by,
    states,
    strongest_blocks,
    unit_table,
)
from sweep.analysis.exact.block_information import RULES, block_operator, information_with
from sweep.analysis.exact.block_information import block_information as exact_information
from sweep.analysis.exact.enumeration import all_spins, boltzmann, ising_hamiltonian
from sweep.analysis.exact.ising import CRITICAL_TEMPERATURE

KNOWN = {"block": 0.702029, "average": 0.646220, "majority": 0.535074, "decimation": 0.453983}


def channel(rule):
    return xr.DataArray(RULES[rule](all_spins(4)), dims=("block", "state"))


@pytest.fixture(scope="module")
def ensemble():
    """Return all configurations of the 4x4 torus, and their weights at T_c."""
    return all_spins(16).reshape(-1, 4, 4), boltzmann(ising_hamiltonian(4, CRITICAL_TEMPERATURE))


def test_ring_is_around_the_buffer_and_looks_the_same_from_all_sides():
    for buffer in range(4):
        whole = ring(buffer, 4 * (2 * buffer + 3))
        assert len(set(whole)) == len(whole)
        assert all(max(-min(site), max(site) - 1) == buffer + 1 for site in whole)
        for marked in (4, 8):
            sites = set(ring(buffer, marked))
            assert len(sites) == marked
            assert {(x, 1 - y) for y, x in sites} == sites


@pytest.mark.parametrize("rule", RULES)
def test_enumerated_ensemble_has_the_exact_information(ensemble, rule):
    """All 12 other spins of the 4x4 torus are the ring without a buffer."""
    spins, weights = ensemble
    origin = np.zeros((1, 2), int)
    joint = states(spins, BLOCK, origin) << 12 | states(spins, ring(0, 12), origin)
    table = np.bincount(joint[0], weights, 1 << 16)
    seen = channel(rule).values.T @ table.reshape(16, -1)
    assert float(mutual_information(seen)) == pytest.approx(exact_information(4, CRITICAL_TEMPERATURE, rule), abs=1e-12)
    assert float(mutual_information(seen)) == pytest.approx(KNOWN[rule], abs=1e-6)


@pytest.mark.parametrize("rule", RULES)
def test_samples_have_the_exact_information_within_their_error(ensemble, rule):
    """4000 samples, four corners of the ring: the jackknife's error is below 0.012, of 0.2 nats and more.

    Five errors with 19 degrees of freedom: p = 8e-5 for each of four. A ring that is a site off would be seen.
    """
    spins, weights = ensemble
    drawn = np.random.default_rng(4).choice(len(spins), 4000, p=weights)
    data = xr.DataArray(spins[drawn].astype(np.int8), dims=("configuration", "y", "x"))
    around = ring(0, 4)
    found = information(seen_by(channel(rule), block_table(data, around)))
    sites = [(y % 4) * 4 + x % 4 for y, x in around]
    wanted = information_with(sites, block_operator(4, rule), weights)
    error = float(found.std("bin", ddof=1)) / np.sqrt(found.sizes["bin"])
    assert abs(float(found.mean()) - wanted) < 5 * error
    assert error < 0.012


def test_jackknife_takes_off_what_counting_adds():
    """Independent units and environments, 400 of them: no information is left, where counting alone adds 15 / 2000."""
    rng = np.random.default_rng(6)
    joint = rng.multinomial(50, np.full(32, 1 / 32), (400, 20)).reshape(400, 20, 2, 16)
    found = information(xr.DataArray(joint, dims=("hidden_unit", "bin", "state", "environment")))
    counted = mutual_information(joint.sum(1)).mean()
    single = found.mean("bin")
    assert counted > 0.006
    assert abs(float(single.mean())) < 5 * float(single.std()) / np.sqrt(400)


def test_as_many_spins_as_samples_allow():
    assert [marked_for(count) for count in (100, 2000, 40000)] == [4, 4, 8]


def test_machines_in_disguise_know_what_majority_does():
    """Whole units and units cut to their block; 1000 configurations of 16x16."""
    tree = block_machine_store(16, count=1000)
    data = tree["ising/size=16"]["spins"].isel(temperature=0)
    hidden = tree["layer_1/size=16"]["spins"].isel(temperature=0, realisation=0)
    weights = tree["machine_1/size=16"]["weights"].isel(realisation=0).values.reshape(16, 16, -1)
    places = strongest_blocks(weights)
    assert sorted(map(tuple, places)) == sorted(map(tuple, even_blocks(16)))
    around = ring(1, 4)
    table = block_table(data, around)
    wanted = information(seen_by(channel("majority"), table))
    cut = information(seen_by(cut_units(weights, np.zeros(64), places), table))
    np.testing.assert_allclose(cut.mean("bin"), float(wanted.mean()), atol=2e-3)
    whole = information(unit_table(data, hidden, places, around)).mean("hidden_unit")
    off = whole - wanted
    assert abs(float(off.mean())) < 5 * float(off.std(ddof=1)) / np.sqrt(off.size)
