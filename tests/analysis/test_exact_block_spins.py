"""Real block averages of the exact Ising model, against enumeration and numbers computed apart from the project."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import xarray as xr

from sweep.analysis.estimators.panel_pairs import line, pair_correlation
from sweep.analysis.exact.block_spins import block_correlation, block_panels, layer_temperature
from sweep.analysis.exact.correlators import spin_correlation
from sweep.analysis.exact.ising import CRITICAL_TEMPERATURE

T_C = CRITICAL_TEMPERATURE


@pytest.mark.parametrize("temperature", [1.5, T_C, 4.0])
def test_blocks_of_four_by_four_by_enumeration(temperature: float) -> None:
    spins = np.array(list(itertools.product([-1, 1], repeat=16))).reshape(-1, 4, 4)
    p = np.exp((spins * (np.roll(spins, 1, 1) + np.roll(spins, 1, 2))).sum(axis=(1, 2)) / temperature)
    p /= p.sum()
    layers = {4: spins, 2: spins.reshape(-1, 2, 2, 2, 2).mean(axis=(2, 4)), 1: spins.mean(axis=(1, 2))[:, None, None]}
    for lower, upper in ((4, 4), (4, 2), (2, 2), (4, 1), (2, 1), (1, 1)):
        wanted = np.einsum("n,nyx,nba->bayx", p, layers[lower], layers[upper]).reshape(-1, lower, lower)
        np.testing.assert_allclose(block_panels(4, lower, upper, temperature), wanted, atol=1e-12)


@pytest.mark.parametrize(
    ("size", "lower", "upper", "ends", "deviation", "falls", "slope"),
    [
        (32, 32, 16, (0.771007, 0.432796), 0.037683, (0.2120151, 0.2103702), -1.0490e-4),
        (32, 32, 8, (0.664211, 0.432979), 0.035059, (0.2118569, 0.2103798), -9.934e-5),
        (32, 16, 8, (0.639767, 0.433163), 0.034700, (0.2117517, 0.2103306), -2.000e-4),
        (64, 64, 32, (0.766859, 0.363954), 0.032380, (0.1500492, 0.1488351), -3.710e-5),
    ],
)
def test_known_panels(  # one case a line of the table
    size: int, lower: int, upper: int, ends: tuple, deviation: float, falls: tuple, slope: float
) -> None:
    panel = block_correlation(size, lower, upper, T_C)
    assert (panel.max(), panel.min()) == pytest.approx(ends, abs=6e-7)
    assert panel.mean() == pytest.approx(spin_correlation(size, T_C).mean(), abs=1e-14)  # <m^2>, for every block
    assert panel.std() == pytest.approx(deviation, abs=6e-7)
    pairs = pair_correlation(xr.DataArray(block_panels(size, lower, upper, T_C), dims=("hidden_unit", "y", "x")))
    assert (pairs.values[0], pairs.values[-1]) == pytest.approx(falls, abs=6e-8)
    assert float(line(pairs)["slope"]) == pytest.approx(slope, rel=6e-4)


def test_known_layer() -> None:
    layer = block_correlation(32, 16, 16, T_C)
    assert (layer[0, 0], layer[0, 1], layer[1, 1]) == pytest.approx((0.771007, 0.611166, 0.565729), abs=6e-7)
    assert block_correlation(64, 32, 32, 1.0)[0, 0] == pytest.approx(block_correlation(32, 16, 16, 1.0)[0, 0], abs=1e-9)


@pytest.mark.parametrize(
    ("temperature", "known"),
    [
        (2.2, (2.2863, 2.3626, 2.4668)),
        (T_C, (2.4068, 2.6119, 2.9005)),
        (2.4, (2.9115, 4.0578, 7.1173)),
        (2.7, (4.0868, 8.5240, 27.649)),
    ],
)
def test_known_temperatures_of_layers(temperature: float, known: tuple) -> None:
    found = [layer_temperature(64, temperature, step) for step in (0, 1, 2, 3)]
    assert found[0] == pytest.approx(temperature, abs=1e-9)
    assert found[1:] == pytest.approx(known, abs=6e-5, rel=2e-5)


def test_layers_in_a_random_order() -> None:
    found = [layer_temperature(64, T_C, step, shuffled=True) for step in (1, 2, 3)]
    assert found == pytest.approx([3.1225, 3.1263, 3.1732], abs=6e-5)


@pytest.mark.parametrize("sides", [(32, 16, 5), (32, 12, 4), (32, 16, 32), (32, 16, 0)])
def test_layers_that_are_no_blocks_are_refused(sides: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="wanted each to divide the one before it"):
        block_correlation(*sides, 2.0)
