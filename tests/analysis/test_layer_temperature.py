"""Temperatures that layers read, on real Ising data: block spins in order, in random orders, and machines in disguise.

Comparisons are by Student's t with 19 degrees of freedom or more at five standard errors, p = 8e-5 each.
"""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from block_machines import averages, block_machine_store, ising, majority

from sweep.analysis.estimators import lattice_sums
from sweep.analysis.estimators.arrangement import gauge_of, random_arrangements, signs_alone
from sweep.analysis.estimators.lattice_sums import even_sums, odd_sums, per_configuration
from sweep.analysis.estimators.layer_temperature import (
    energies,
    growth,
    inverse_temperature,
    layer_temperature,
    reading_shares,
)
from sweep.analysis.estimators.layers import layer_correlations, layers
from sweep.analysis.exact.ising import CRITICAL_TEMPERATURE, torus_energy

ERRORS = 5
MAJORITY = {CRITICAL_TEMPERATURE: (2.28219, 2.2876, 2.2913), 2.4: (2.5789, 2.9190, 3.710)}
AVERAGES = {CRITICAL_TEMPERATURE: (2.4068, 2.6119, 2.9005), 2.4: (2.9115, 4.0578, 7.1173)}
SHUFFLED = (3.1225, 3.1263, 3.1732)


def layer(spins):
    return xr.DataArray(spins, dims=("configuration", "y", "x"))


def agree(found, wanted, known_error=0.0):
    error = np.hypot(float(found["temperature_error"]), known_error)
    assert abs(float(found["temperature"]) - wanted) < ERRORS * error


@pytest.fixture(scope="module", params=[CRITICAL_TEMPERATURE, 2.4], ids=["critical", "warm"])
def stack(request):
    """Return the temperature of the data, and layers of averages and of majority, from 64x64."""
    rng = np.random.default_rng(2)
    data = ising(64, request.param, 1024)
    chains = {}
    for name, rule in (("averages", averages), ("majority", lambda spins: majority(spins, rng))):
        chains[name] = [data]
        for _ in range(3):
            chains[name].append(rule(chains[name][-1]))
    return request.param, chains


@pytest.mark.parametrize("size", [8, 9, 64])
def test_reading_inverts_kaufman(size):
    temperatures = np.array([0.5, 1.0, 2.0, CRITICAL_TEMPERATURE, 2.3, 3.0, 9.0, 400.0])
    energy = np.array([torus_energy(size, t) for t in temperatures])
    np.testing.assert_allclose(inverse_temperature(size, energy), 1 / temperatures, atol=2e-7)
    np.testing.assert_allclose(inverse_temperature(size, -energy), -1 / temperatures, atol=2e-7)
    assert inverse_temperature(size, np.array([-2.0, 0.0, -2.0 - 1e-15])).tolist() == [np.inf, 0.0, np.inf]


def test_layers_read_what_is_known(stack):
    """1024 configurations: errors of 0.002 to 0.01 at T_c, so a layer with other ties, or of another rule, is seen."""
    temperature, chains = stack
    for name, known in (("averages", AVERAGES), ("majority", MAJORITY)):
        for spins, wanted in zip(chains[name][1:], known[temperature], strict=True):
            found = layer_temperature(energies(layer(spins)), spins.shape[1])
            agree(found, wanted, 5e-4 if wanted < 2.5 else 3e-3)
            assert float(found["temperature_error"]) < 0.02 * wanted


@pytest.mark.parametrize("stack", [2.4], indirect=True)
def test_growth_has_the_error_of_both_layers_together(stack):
    """T - T_c of majority grows by 2.098(3) from the first to the second layer, from 2.4: 3 % off would be seen."""
    first, second = stack[1]["majority"][1:3]
    found = growth(energies(layer(first)), energies(layer(second)), (32, 16))
    assert abs(float(found["value"]) - 2.098) < ERRORS * np.hypot(float(found["error"]), 0.003)
    assert float(found["error"]) < 0.03


def test_averages_in_random_orders_jump_and_stay_and_with_random_signs_are_infinite(stack):
    temperature, chains = stack
    for step, spins in enumerate(chains["averages"][1:]):
        units, side = spins[0].size, spins.shape[1]
        rng = np.random.default_rng(step)
        reversed_units = random_arrangements(units, rng, sign=True)
        assert np.isinf(layer_temperature(energies(layer(spins), reversed_units), side)["temperature"])
        if temperature == CRITICAL_TEMPERATURE:
            found = layer_temperature(energies(layer(spins), random_arrangements(units, rng, order=True)), side)
            agree(found, SHUFFLED[step])
            assert float(found["temperature_error"]) < 0.1


@pytest.fixture(scope="module")
def machines():
    tree = block_machine_store(32, count=1000)
    stages = {one.stage: one for one in layers(tree)}
    return stages, layer_correlations(tree)


@pytest.mark.parametrize("step", [1, 2])
def test_gauge_puts_a_machine_in_disguise_right(machines, step):
    """Majority of blocks with random places and signs: the gauge gives back what majority reads."""
    stages, correlations = machines
    units, side = stages[f"layer_{step}"], 32 // 2**step
    gauge = gauge_of(units, correlations)
    found = layer_temperature(energies(units.data["spins"], gauge), side)
    plain = layer_temperature(energies(stages[f"majority_{step}"].data["spins"]), side)
    agree(found, float(plain["temperature"]), float(plain["temperature_error"]))
    assert np.isinf(layer_temperature(energies(units.data["spins"]), side)["temperature"])
    hotter = float(layer_temperature(energies(units.data["spins"], signs_alone(gauge)), side)["temperature"])
    assert hotter > float(found["temperature"]) + 10 * float(found["temperature_error"])


def test_a_wrong_gauge_is_seen(machines):
    """A tenth of the places exchanged, or of the signs: both read more than ten errors hotter."""
    stages, correlations = machines
    units = stages["layer_1"]
    gauge = gauge_of(units, correlations)
    right = layer_temperature(energies(units.data["spins"], gauge), 16)
    unit, sign = gauge["unit"].values.copy(), gauge["sign"].values.copy()
    unit[:, 10:230:10] = unit[:, 20:240:10]
    sign[:, ::10] *= -1
    for wrong in (gauge.assign(unit=(gauge["unit"].dims, unit)), gauge.assign(sign=(gauge["sign"].dims, sign))):
        found = layer_temperature(energies(units.data["spins"], wrong), 16)
        off = float(found["temperature"] - right["temperature"])
        assert off > 10 * float(right["temperature_error"])


def test_pieces_make_no_difference(monkeypatch):
    """Nor that xarray reads integers which may be missing as floats."""
    spins = layer(ising(8, 2.3, 300))
    as_read = spins.astype(np.float32)
    as_read.encoding["dtype"] = np.dtype(np.int8)
    for measure in (even_sums, odd_sums):
        whole = per_configuration(spins, measure)
        monkeypatch.setattr(lattice_sums, "PIECE", 7 * 64)
        np.testing.assert_array_equal(per_configuration(as_read, measure), whole)
        monkeypatch.undo()


def test_sums_are_those_of_their_definitions():
    """Term by term, on a lattice that is not square and on real numbers, where h^2 is not 1."""
    h = np.random.default_rng(3).normal(size=(2, 4, 5))
    at = {(dy, dx): np.roll(h, (-dy, -dx), (1, 2)) for dy in range(3) for dx in range(3)}
    s, r, d, o = at[0, 0], at[0, 1], at[1, 0], at[1, 1]
    even = [s * r + s * d, s * o + r * d, s * at[0, 2] + s * at[2, 0], s * r * d * o]
    odd = [s, s * r * d + s * r * o + s * d * o + r * d * o, s * r * at[0, 2] + s * d * at[2, 0]]
    np.testing.assert_allclose(even_sums(h), np.stack([part.sum((1, 2)) for part in even], 1))
    np.testing.assert_allclose(odd_sums(h), np.stack([part.sum((1, 2)) for part in odd], 1))


def test_shares_have_a_place_for_every_reading():
    """A ground state, the lowest class; as many bonds broken as not, the one of infinite temperature."""
    ordered, stripes = np.ones((4, 4)), np.tile([1, 1, -1, -1], (4, 1)) * np.repeat([1, 1, -1, -1], 4).reshape(4, 4)
    energy = energies(layer(np.stack([ordered, stripes]).astype(np.int8)))
    shares = reading_shares(energy, 4, np.array([-0.1, 0.1, 0.5, 0.8]))
    assert shares.values.tolist() == [0.5, 0.0, 0.5]
