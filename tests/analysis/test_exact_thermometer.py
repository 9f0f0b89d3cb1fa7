"""The perfect thermometer and perfect classes, against enumeration and numbers computed apart from the project."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import xarray as xr

from sweep.analysis.estimators.flow_exponents import fit_magnetization
from sweep.analysis.estimators.two_point import paper_dimension
from sweep.analysis.exact.class_selected import class_magnetizations, class_selected
from sweep.analysis.exact.ising import CRITICAL_TEMPERATURE, torus_energy
from sweep.analysis.exact.thermometer import (
    energy_distribution,
    energy_levels,
    mixture,
    posterior_reading,
    temperature_of_energy,
)

T_C = CRITICAL_TEMPERATURE
CLASSES = tuple(n / 10 for n in range(60))  # those of the paper


def configurations(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return spins[all, size, size] and energies in J."""
    spins = np.array(list(itertools.product([-1, 1], repeat=size * size))).reshape(-1, size, size)
    return spins, -(spins * (np.roll(spins, 1, 1) + np.roll(spins, 1, 2))).sum(axis=(1, 2))


def probabilities(energies: np.ndarray, temperature: float) -> np.ndarray:
    """Return the probability of each configuration; at 0, of the ground states."""
    with np.errstate(divide="ignore", invalid="ignore"):
        weights = np.exp(-np.nan_to_num((energies - energies.min()) / temperature, posinf=np.inf))
    return weights / weights.sum()


@pytest.mark.parametrize("temperature", [0, 0.5, T_C, 20.0])
def test_distribution_of_the_energy_by_enumeration(temperature: float) -> None:
    for size in (3, 4):
        _, energies = configurations(size)
        p = probabilities(energies, temperature)
        wanted = [p[energies == level].sum() for level in energy_levels(size)]
        np.testing.assert_allclose(energy_distribution(size, temperature), wanted, atol=1e-14)


@pytest.mark.parametrize("size", [9, 10, 24])
def test_mean_energy_is_that_of_kaufman(size: int) -> None:
    for temperature in (0.1, 2.0, T_C, 6.0):
        mean = energy_distribution(size, temperature) @ energy_levels(size) / size**2
        assert mean == pytest.approx(torus_energy(size, temperature), abs=1e-11)


@pytest.mark.parametrize(("temperature", "reading"), [(T_C, 2.2912), (2.0, 1.8904), (2.5, 2.696), (3.0, 3.443)])
def test_known_readings(temperature: float, reading: float) -> None:
    assert posterior_reading(10, temperature, CLASSES) == pytest.approx(
        reading, abs=6e-5 if temperature < 2.4 else 6e-4
    )


def test_the_mixture() -> None:
    """What it reads as on average is its mean temperature: the posterior is that of the mixture itself."""
    known = np.mean([torus_energy(10, temperature) for temperature in CLASSES])
    assert known == pytest.approx(-1.130497, abs=6e-7)
    assert temperature_of_energy(10, known) == pytest.approx(2.5504, abs=6e-5)
    small = mixture(5, CLASSES)
    assert small.reading == pytest.approx(2.95, abs=1e-9)
    known = np.mean([torus_energy(5, temperature) for temperature in CLASSES])
    assert small.energy == pytest.approx(known)
    assert 0.5117 < small.abs_m < 0.8
    assert np.isnan(mixture(12, (2.0, 3.0)).abs_m)


@pytest.mark.slow
def test_the_mixture_of_the_paper() -> None:
    found = mixture(10, CLASSES)
    assert found.abs_m == pytest.approx(0.5117, abs=4 * 4e-4)
    assert (found.energy, found.reading) == pytest.approx((-1.130497, 2.95), abs=6e-7)


def test_temperature_of_an_energy() -> None:
    for size in (3, 8, 32, 100):
        for temperature in (0.4, 1.0, T_C, 3.0, 30.0, 3000.0):
            energy = torus_energy(size, temperature)
            assert temperature_of_energy(size, energy) == pytest.approx(temperature, rel=1e-6)
    assert temperature_of_energy(8, -2.0) == 0
    assert temperature_of_energy(8, 0.0) == temperature_of_energy(8, 0.1) == np.inf
    assert np.isnan(temperature_of_energy(8, -2.1))
    assert np.isnan(temperature_of_energy(8, np.nan))


@pytest.mark.parametrize("label", [1.0, 2.0, 3.0])
def test_classes_by_enumeration(label: float) -> None:
    temperatures = (0.0, 1.0, 2.0, 3.0, 4.0)
    for size in (3, 4):
        spins, energies = configurations(size)
        likelihood = np.stack([probabilities(energies, temperature) for temperature in temperatures])
        p = likelihood.mean(axis=0) * (likelihood.argmax(axis=0) == temperatures.index(label))
        found = class_selected(size, temperatures, label)
        assert found.share == pytest.approx(p.sum(), abs=1e-13)
        if p.sum() == 0:
            assert np.isnan(found.spin).all()
            continue
        p /= p.sum()
        np.testing.assert_allclose(found.spin, np.einsum("n,n,nyx->yx", p, spins[:, 0, 0], spins), atol=1e-11)
        assert found.energy == pytest.approx(p @ energies / size**2, abs=1e-11)
        bonds = spins * np.roll(spins, -1, 2)
        connected = np.einsum("n,n,nyx->yx", p, bonds[:, 0, 0], bonds) - (p @ bonds[:, 0, 0]) ** 2
        np.testing.assert_allclose(found.bond[0, 0], connected, atol=1e-11)
        abs_m = p @ np.abs(spins.mean(axis=(1, 2)))
        assert class_magnetizations(size, temperatures, (label,))[0] == pytest.approx(abs_m, abs=1e-11)


@pytest.mark.parametrize(
    ("label", "one_bond", "four", "sigma"),
    [
        (2.2, (2.007, 0.009), (1.663, 0.001), (0.0346, 0.0001)),
        (2.3, (1.883, 0.007), (1.610, 0.001), (0.0705, 0.0002)),
    ],
)
def test_classes_of_the_paper(label: float, one_bond: tuple, four: tuple, sigma: tuple) -> None:
    """Monte Carlo values with their standard errors, at three of them: false alarm 1.6 % over the six."""
    found = class_selected(10, CLASSES, label)
    for correlation, (value, error) in ((found.bond[0, 0], one_bond), (found.four, four), (found.spin, sigma)):
        dimension = float(paper_dimension(xr.DataArray(correlation, dims=("dy", "dx")))["dimension"])
        assert dimension == pytest.approx(value, abs=3 * error)


def test_magnetisation_exponent_of_classes_of_the_paper() -> None:
    labels = (2.0, 2.1, 2.2)
    found = class_magnetizations(10, CLASSES, labels)
    data = xr.DataArray(found, dims="temperature", coords={"temperature": list(labels)})
    assert float(fit_magnetization(data)["dimension"]) == pytest.approx(0.0665, abs=6e-5)


def test_magnetisation_of_classes_beyond_the_moments_is_not_known() -> None:
    assert np.isnan(class_magnetizations(11, CLASSES, (2.0, 2.1))).all()
