"""Configurations, and moments of the magnetisation, against enumeration, correlators, and numbers from elsewhere."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from sweep.analysis.exact.configurations import SIZES, configurations, count_configurations
from sweep.analysis.exact.correlators import spin_correlation
from sweep.analysis.exact.ising import CRITICAL_TEMPERATURE
from sweep.analysis.exact.moments import moments
from sweep.analysis.exact.thermometer import energy_distribution

T_C = CRITICAL_TEMPERATURE


@pytest.mark.parametrize("size", [3, 4])
def test_configurations_by_enumeration(size: int) -> None:
    spins = np.array(list(itertools.product([0, 1], repeat=size * size))).reshape(-1, size, size)
    broken = sum((spins != np.roll(spins, 1, axis)).sum(axis=(1, 2)) for axis in (1, 2))
    found = np.zeros((size**2 + 1,) * 2)
    np.add.at(found, (broken // 2, spins.sum(axis=(1, 2))), 1)
    np.testing.assert_array_equal(configurations(size), found)


@pytest.mark.parametrize("size", SIZES)
def test_configurations_are_what_was_counted(size: int) -> None:
    """Counted again where that is fast; else by what is known: how many have n spins up, how often each energy is."""
    counts, sites = configurations(size), size**2
    if size < 6:
        assert counts.tolist() == count_configurations(size)
    np.testing.assert_allclose(counts.sum(axis=0), [float(math.comb(sites, n)) for n in range(sites + 1)], rtol=1e-14)
    np.testing.assert_array_equal(counts, counts[:, ::-1])
    for temperature in (0.5, T_C, 1e3):
        energies = counts.sum(axis=1) * np.exp(-4 / temperature * np.arange(sites + 1))
        np.testing.assert_allclose(energies / energies.sum(), energy_distribution(size, temperature), atol=1e-13)


@pytest.mark.parametrize("size", [5, 8, 9])
def test_second_moment_is_the_mean_of_the_correlator(size: int) -> None:
    for temperature in (0.1, 2.0, T_C, 5.0):
        assert moments(size, temperature).m2 == pytest.approx(spin_correlation(size, temperature).mean(), abs=1e-12)


@pytest.mark.parametrize(
    ("size", "m2", "binder"), [(8, 0.646912, 0.613045), (9, None, 0.612644), (10, 0.612568, 0.612341)]
)
def test_known_moments(size: int, m2: float | None, binder: float) -> None:
    found = moments(size, T_C)
    assert found.binder == pytest.approx(binder, abs=6e-7)
    assert m2 is None or found.m2 == pytest.approx(m2, abs=6e-7)


@pytest.mark.parametrize(
    ("temperature", "value"), [(2.0, 0.911122), (2.1, 0.870686), (2.2, 0.810754), (T_C, 0.756274), (2.6, 0.456965)]
)
def test_known_magnetisation_at_ten(temperature: float, value: float) -> None:
    assert moments(10, temperature).abs_m == pytest.approx(value, abs=6e-7)


def test_sizes_beyond_it_are_not_known() -> None:
    assert np.isnan(moments(11, T_C)).all()
    assert np.isnan(moments(11, T_C).binder)
