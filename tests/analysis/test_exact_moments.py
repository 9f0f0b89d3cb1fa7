"""Moments of the magnetisation against enumeration, correlators, and numbers computed apart from the project."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from sweep.analysis.exact.correlators import spin_correlation
from sweep.analysis.exact.ising import CRITICAL_TEMPERATURE
from sweep.analysis.exact.moments import magnetization_weights, moments

T_C = CRITICAL_TEMPERATURE


@pytest.mark.parametrize("boltzmann", [1e-9, 0.4, 0.97, 0.3 + 0.2j])
def test_weights_by_enumeration(boltzmann: complex) -> None:
    for size in (3, 4):
        spins = np.array(list(itertools.product([-1, 1], repeat=size * size))).reshape(-1, size, size)
        broken = sum((spins != np.roll(spins, 1, axis)).sum(axis=(1, 2)) for axis in (1, 2))
        up = (spins > 0).sum(axis=(1, 2))
        wanted = np.array([(boltzmann ** broken[up == n]).sum() for n in range(size**2 + 1)])
        found = magnetization_weights(size, boltzmann)
        np.testing.assert_allclose((found + found[::-1]) / 2, wanted, rtol=1e-12)


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
