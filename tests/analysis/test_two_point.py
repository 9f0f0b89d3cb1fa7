"""The two estimators of scaling dimensions, on exact data and on samples with known answers."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from sweep.analysis.estimators.two_point import (
    AMPLITUDE,
    open_distance_means,
    paper_dimension,
    torus_dimension,
    with_bin_errors,
)
from sweep.analysis.exact.correlators import one_bond_correlation, spin_correlation
from sweep.analysis.exact.ising import CRITICAL_TEMPERATURE, torus_distance, torus_spin_structure


def exact_data(size: int, temperature: float) -> tuple[xr.DataArray, xr.DataArray]:
    spin, energy = spin_correlation(size, temperature), one_bond_correlation(size, temperature)
    return xr.DataArray(spin, dims=("dy", "dx")), xr.DataArray(energy, dims=("dy", "dx"))


@pytest.mark.parametrize(
    ("temperature", "sigma", "epsilon"),
    [
        (2.0, (0.0142, 0.0015), (1.378, 0.078)),
        (2.1, (0.0264, 0.0022), (1.209, 0.066)),
        (2.2, (0.0487, 0.0030), (1.073, 0.057)),
        (CRITICAL_TEMPERATURE, (0.0729, 0.0036), (1.008, 0.054)),
        (2.3, (0.0865, 0.0039), (0.989, 0.054)),
        (2.4, (0.1432, 0.0045), (0.970, 0.055)),
        (2.5, (0.2170, 0.0048), (1.014, 0.060)),
    ],
)
def test_paper_estimator_on_exact_data(
    temperature: float, sigma: tuple[float, float], epsilon: tuple[float, float]
) -> None:
    for data, (value, error), digits in zip(exact_data(10, temperature), (sigma, epsilon), (1e-4, 1e-3), strict=True):
        fit = paper_dimension(data)
        assert float(fit["dimension"]) == pytest.approx(value, abs=0.6 * digits)
        assert float(fit["dimension_error"]) == pytest.approx(error, abs=0.6 * digits)


@pytest.mark.parametrize(
    ("size", "sigma", "epsilon"),
    [(9, 0.1251, 1.0401), (10, 0.12509, 1.0350), (16, 0.1250, 1.0136), (32, 0.12496, 1.0024)],
)
def test_torus_estimator_on_exact_data(size: int, sigma: float, epsilon: float) -> None:
    """Sizes 16 and 32 computed independently; one orientation of the bond at all distances gives 0.9935 to 0.9900."""
    spin, energy = exact_data(size, CRITICAL_TEMPERATURE)
    fits = torus_dimension(spin, "sigma"), torus_dimension(energy, "epsilon")
    assert float(fits[0]["dimension"]) == pytest.approx(sigma, abs=6e-5)
    assert float(fits[1]["dimension"]) == pytest.approx(epsilon, abs=6e-5)
    assert float(fits[0]["amplitude"]) == pytest.approx(AMPLITUDE["sigma"], rel=0.003)
    assert float(fits[1]["amplitude"]) == pytest.approx(AMPLITUDE["epsilon"], rel=2.5 / size)


def test_torus_estimator_reads_both_orientations_of_the_bond() -> None:
    _, energy = exact_data(12, CRITICAL_TEMPERATURE)
    turned = energy.copy(data=energy.values.T)
    assert not np.allclose(energy, turned, rtol=0.01)
    xr.testing.assert_allclose(torus_dimension(energy, "epsilon"), torus_dimension(turned, "epsilon"))


def test_torus_estimator_says_nothing_away_from_the_critical_temperature() -> None:
    constant = xr.DataArray(np.full((10, 10), 0.8), dims=("dy", "dx"))
    assert float(torus_dimension(constant, "sigma")["dimension"]) == pytest.approx(0.1049, abs=6e-5)


def test_torus_estimator_of_energy_needs_distances() -> None:
    _, energy = exact_data(5, CRITICAL_TEMPERATURE)
    assert torus_dimension(energy, "epsilon")["reason"] == "0 points; two parameters need at least 2"


def test_torus_estimator_finds_the_power_that_is_there() -> None:
    data = xr.DataArray(2.0 * torus_distance(12) ** -0.3 * torus_spin_structure(12), dims=("dy", "dx")).fillna(1.0)
    assert float(torus_dimension(data, "sigma")["dimension"]) == pytest.approx(0.15, abs=1e-9)


def test_distances_of_the_paper() -> None:
    spin, _ = exact_data(10, 2.5)
    means = open_distance_means(spin)
    np.testing.assert_allclose(means["distance"] ** 2, [1, 2, 4, 5, 8, 9, 10, 13, 16, 17, 18, 20])
    assert float(means[0]) == pytest.approx(spin.values[0, 1])


def test_pairs_are_those_of_the_open_square() -> None:
    """Averaging a correlator over open pairs is averaging the products of the configuration's own open pairs."""
    size, rng = 5, np.random.default_rng(4)
    correlation = rng.random((size, size))
    correlation = (correlation + correlation[-np.arange(size)][:, -np.arange(size)]) / 2  # C(r) = C(-r)
    sums: dict[int, list[float]] = {}
    sites = [(y, x) for y in range(size) for x in range(size)]
    for y, x in sites:
        for v, u in sites:
            squared = (y - v) ** 2 + (x - u) ** 2
            if 0 < squared < (size / 2) ** 2:
                sums.setdefault(squared, []).append(correlation[(v - y) % size, (u - x) % size])
    means = open_distance_means(xr.DataArray(correlation, dims=("dy", "dx")))
    np.testing.assert_allclose(means, [np.mean(sums[squared]) for squared in sorted(sums)])


def test_bin_errors_cover() -> None:
    """400 ensembles of 24 bins with Gaussian noise of known size around exact data.

    The coverage of a 68.3 % interval over 400 trials has a standard deviation of 2.3 %; the bound of 10 % has a false
    alarm of 1.5e-5, and catches errors that are 30 % too small (52 % covered).
    """
    spin, _ = exact_data(6, CRITICAL_TEMPERATURE)
    noise = np.random.default_rng(5).normal(0, 0.02, (400, 24, 6, 6))
    noise = (noise + noise[..., -np.arange(6), :][..., -np.arange(6)]) / 2
    data = spin + xr.DataArray(noise, dims=("trial", "bin", "dy", "dx"))
    result = with_bin_errors(data, "sigma")
    truths = {"paper": paper_dimension(spin)["dimension"], "torus": torus_dimension(spin, "sigma")["dimension"]}
    for name, truth in truths.items():
        covered = float((abs(result[name] - truth) < result[f"{name}_error"]).mean())
        assert abs(covered - 0.683) < 0.10


def test_what_a_store_gives_is_read_as_it_is() -> None:
    """A node of one size has its label, and by inheritance the index of all sizes under the same name."""
    spin, _ = exact_data(10, CRITICAL_TEMPERATURE)
    node = xr.Dataset({"spin": spin}, coords={"size": 10})
    tree = xr.DataTree.from_dict({"ising": xr.Dataset(coords={"size": [6, 10]}), "ising/size=10": node})
    given = tree["ising/size=10"]["spin"]
    assert given.coords["size"].dims == ()
    assert "size" in given.xindexes
    assert float(torus_dimension(given, "sigma")["dimension"]) == float(torus_dimension(spin, "sigma")["dimension"])
