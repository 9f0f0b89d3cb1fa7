"""Exact results against independently computed numbers, enumeration and each other."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from sweep.analysis.exact import ising as exact
from sweep.analysis.exact.correlators import spin_correlation

T_C = exact.CRITICAL_TEMPERATURE


def enumerate_torus(size: int, temperature: float) -> tuple[float, float]:
    """Return ln Z and <e> per site by brute force."""
    spins = np.array(list(itertools.product([-1, 1], repeat=size * size))).reshape(-1, size, size)
    energy = -(spins * (np.roll(spins, -1, axis=2) + np.roll(spins, -1, axis=1))).sum(axis=(1, 2))
    log_weight = -energy / temperature
    log_z = np.logaddexp.reduce(log_weight)
    return float(log_z), float(np.exp(log_weight - log_z) @ energy) / size**2


@pytest.mark.parametrize(
    ("size", "energy", "heat"),
    [
        (4, -1.56562378764, 0.78326683),
        (8, -1.49158910744, 1.14555924),
        (10, -1.47624290836, 1.26001964),
        (16, -1.45306485281, 1.49870496),
        (32, -1.43365846615, 1.84676759),
        (64, -1.42393838983, 2.19221139),
        (128, -1.41907627208, 2.53633134),
    ],
)
def test_kaufman_at_t_c(size: int, energy: float, heat: float) -> None:
    assert exact.torus_energy(size, T_C) == pytest.approx(energy, abs=1e-10)
    assert exact.torus_specific_heat(size, T_C) == pytest.approx(heat, abs=2e-8)


@pytest.mark.parametrize(
    ("size", "temperature", "energy"),
    [
        (10, 2.0, -1.74543102),
        (10, 2.1, -1.66331128),
        (10, 2.2, -1.55969559),
        (10, 2.3, -1.43689107),
        (10, 2.5, -1.18510133),
        (10, 4.0, -0.55744720),
        (10, 5.9, -0.35587091),
        (32, 2.2, -1.54658628),
        (32, 2.5, -1.10729166),
        (64, 2.3, -1.35559037),
    ],
)
def test_kaufman_elsewhere(size: int, temperature: float, energy: float) -> None:
    assert exact.torus_energy(size, temperature) == pytest.approx(energy, abs=1e-8)


@pytest.mark.parametrize("temperature", [0.3, 1.0, T_C, 3.0, 50.0])
def test_partition_function_by_enumeration(temperature: float) -> None:
    for size in (3, 4):
        log_z, energy = enumerate_torus(size, temperature)
        assert exact.torus_log_partition(size, temperature) == pytest.approx(log_z, rel=1e-12)
        assert exact.torus_energy(size, temperature) == pytest.approx(energy, abs=1e-10)


def test_low_temperature_is_the_ground_state() -> None:
    assert exact.torus_energy(64, 0.1) == pytest.approx(-2.0, abs=1e-12)
    assert exact.torus_log_partition(64, 0.1) == pytest.approx(2 * 64**2 / 0.1 + math.log(2), rel=1e-14)
    assert exact.torus_energy(10, 0.0) == exact.onsager_energy(0.0) == -2.0
    assert exact.torus_specific_heat(10, 0.0) == 0.0


def test_infinite_lattice() -> None:
    assert exact.onsager_energy(T_C) == pytest.approx(-math.sqrt(2), abs=1e-12)
    assert exact.onsager_energy(2.0) == pytest.approx(exact.torus_energy(128, 2.0), abs=1e-9)
    assert exact.yang_magnetization(2.0) == pytest.approx(0.911319, abs=1e-6)
    assert exact.yang_magnetization(2.1) == pytest.approx(0.868748, abs=1e-6)
    assert exact.yang_magnetization(2.2) == pytest.approx(0.784755, abs=1e-6)
    assert exact.yang_magnetization(0.0) == 1.0
    assert exact.yang_magnetization(2.3) == 0.0


def test_large_torus_tends_to_ferdinand_and_fisher() -> None:
    for size in (32, 128):
        assert exact.torus_energy(size, T_C) == pytest.approx(-math.sqrt(2) - 0.62243946 / size, abs=2 / size**3)


def test_torus_functions_agree_with_the_lattice() -> None:
    spin = spin_correlation(10, T_C)
    continuum = exact.torus_spin_correlation(10)
    y, x = np.indices((10, 10))
    far = np.hypot(np.minimum(y, 10 - y), np.minimum(x, 10 - x)) >= 3
    np.testing.assert_allclose(continuum[far], spin[far], rtol=4e-3)
    assert np.isnan(continuum[0, 0])
    assert exact.torus_energy_correlation(10)[5, 5] == pytest.approx(0.003315, rel=0.05)


def test_torus_functions_tend_to_the_plane() -> None:
    size = 150
    assert exact.torus_distance(size)[0, 3] == pytest.approx(3.0, rel=1e-3)
    assert exact.torus_spin_correlation(size)[0, 2] == pytest.approx(0.703380 * 2**-0.25, rel=3e-2)
    assert exact.torus_energy_correlation(size)[0, 2] == pytest.approx(1 / (np.pi * 2) ** 2, rel=1e-3)
