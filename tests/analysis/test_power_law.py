"""Two-parameter power-law fits: known answers, scipy as an oracle, coverage of the intervals, visible failure."""

import numpy as np
import pytest
import xarray as xr
from scipy.optimize import curve_fit

from sweep.analysis.estimators.power_law import fit_power_law

DISTANCES = xr.DataArray(np.sqrt([1, 2, 4, 5, 8, 9, 10, 13, 16, 17, 18, 20]), dims="distance")


def noisy(amplitude, exponent, noise, fits, seed):
    values = amplitude * DISTANCES.values**exponent
    return xr.DataArray(
        values + noise * np.random.default_rng(seed).normal(size=(fits, values.size)), dims=("fit", "distance")
    )


@pytest.mark.parametrize(("amplitude", "exponent"), [(0.7, -0.25), (0.1, -2.0), (3.0, 0.125), (1e-6, 3.0)])
def test_exact_power_law_is_found(amplitude, exponent):
    fit = fit_power_law(DISTANCES, amplitude * DISTANCES**exponent)
    assert float(fit["exponent"]) == pytest.approx(exponent, abs=1e-8)
    assert float(fit["amplitude"]) == pytest.approx(amplitude, rel=1e-8)
    assert float(fit["exponent_error"]) < 1e-8
    assert fit["points"] == 12
    assert fit["reason"] == ""


def test_is_the_fit_of_scipy():
    data = noisy(0.1, -2.0, 0.004, 40, seed=1)
    fit = fit_power_law(DISTANCES, data)
    for row, at in zip(data.values, range(40), strict=True):
        best, covariance = curve_fit(lambda x, a, p: a * x**p, DISTANCES.values, row, p0=(0.1, -2.0), ftol=1e-14)
        one = fit.isel(fit=at)
        np.testing.assert_allclose([one["amplitude"], one["exponent"]], best, rtol=1e-5)
        errors = [one["amplitude_error"], one["exponent_error"]]
        np.testing.assert_allclose(errors, np.sqrt(np.diag(covariance)), rtol=1e-3)


def test_intervals_cover():
    """4000 fits: coverage of 90 % +- 0.5 % (4.2 sigma allowed, false alarms 3e-5); 10 % too small errors give 86 %."""
    data = noisy(0.7, -0.25, 0.01, 4000, seed=2)
    fit = fit_power_law(DISTANCES, data)
    covered = np.abs(fit["exponent"] + 0.25) < fit["exponent_interval"]
    assert float(covered.mean()) == pytest.approx(0.9, abs=0.02)


def test_global_minimum_among_noise():
    """Noise as large as the data: no exponent on a fine grid, with its best amplitude, leaves less."""
    data = noisy(0.02, -2.0, 0.01, 60, seed=3)
    fit = fit_power_law(DISTANCES, data)
    trials = np.exp(np.log(DISTANCES.values)[:, None] * np.linspace(-11.9, 11.9, 4001))
    gain = (data.values @ (trials / np.linalg.norm(trials, axis=0))) ** 2
    least = (data.values**2).sum(axis=1) - gain.max(axis=1)
    ours = ((data - fit["amplitude"] * DISTANCES ** fit["exponent"]) ** 2).sum("distance", skipna=False)
    good = (fit["reason"] == "").values
    assert good.sum() > 20
    assert np.all(ours.values[good] <= least[good] * (1 + 1e-9))


def test_failures_are_visible():
    x = xr.DataArray([1.0, 2.0, 3.0], dims="distance")
    cases = {
        "a point is missing": [1.0, np.nan, 2.0],
        "the amplitude is not positive": [-1.0, -1.1, -1.2],
        "the exponent ran away, beyond 12": [1.0, 0.0, 0.0],
    }
    for reason, values in cases.items():
        fit = fit_power_law(x, xr.DataArray(values, dims="distance"))
        assert fit["reason"] == reason
        assert np.isnan([fit[name] for name in ("exponent", "amplitude", "exponent_error", "exponent_interval")]).all()
    short = fit_power_law(x[:1], xr.DataArray([1.0], dims="distance"))
    assert short["reason"] == "1 points; two parameters need at least 2"


def test_two_points_give_a_value_without_an_error():
    fit = fit_power_law(xr.DataArray([1.0, 4.0], dims="x"), xr.DataArray([2.0, 1.0], dims="x"))
    assert float(fit["exponent"]) == pytest.approx(-0.5)
    assert np.isnan(fit["exponent_error"])
    assert np.isnan(fit["exponent_interval"])


def test_points_join_by_label():
    x = xr.DataArray([1.0, 2.0, 4.0], dims="n", coords={"n": [1, 2, 3]})
    y = (3 * x**-1.5).isel(n=[2, 0, 1])
    with pytest.raises(ValueError, match="align"):
        fit_power_law(x, y)
