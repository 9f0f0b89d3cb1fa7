"""Errors of means over bins and realisations, against tables whose variances are known."""

import numpy as np
import pytest
import xarray as xr

from sweep.analysis.estimators.crossed import count_weighted, crossed_mean, jackknife_estimates, mean_with_error


def table(realisations, bins, parts, tables=4000, seed=1):
    """Return tables with mean 0 and standard deviations `parts` of realisations, bins and single entries."""
    rng = np.random.default_rng(seed)
    sizes = ((tables, realisations, 1), (tables, 1, bins), (tables, realisations, bins))
    values = sum(part * rng.normal(size=size) for part, size in zip(parts, sizes, strict=True))
    return xr.DataArray(values, dims=("table", "realisation", "bin"))


@pytest.mark.parametrize("parts", [(1, 1, 1), (1, 0, 1), (0, 1, 1), (1, 1, 0)])
@pytest.mark.parametrize(("realisations", "bins"), [(5, 8), (5, 4)])
def test_variance_and_coverage(realisations, bins, parts):
    """The error is that of the crossed model, whichever part leads; intervals cover 88 to 95 %.

    4000 tables: coverage is known to 0.5 %, so a fault has to move a correct 90-94 % by 2 % or more (false alarms below
    1e-4). Bins or realisations alone, as an error, would cover 45 to 70 % in some of these cases.
    """
    mean = crossed_mean(table(realisations, bins, parts))
    a, b, e = parts
    true = a**2 / realisations + b**2 / bins + e**2 / (realisations * bins)
    assert float((mean["error"] ** 2).mean()) == pytest.approx(true, rel=0.1)
    covered = float((np.abs(mean["value"]) < mean["interval"]).mean())
    assert 0.88 < covered < 0.95


def test_noise_alone_is_not_underestimated():
    mean = crossed_mean(table(5, 8, (0, 0, 1)))
    assert 1 <= float((mean["error"] ** 2).mean()) * 40 < 1.6


def test_one_realisation_has_the_error_of_its_bins_and_no_spread():
    mean = crossed_mean(table(1, 8, (0, 1, 0)))
    assert float((mean["error"] ** 2).mean()) == pytest.approx(1 / 8, rel=0.05)
    assert mean["spread"].isnull().all()


def test_one_bin_has_the_error_of_its_realisations():
    mean = crossed_mean(table(5, 1, (1, 0, 0)))
    assert float((mean["error"] ** 2).mean()) == pytest.approx(1 / 5, rel=0.05)
    assert float((mean["spread"] ** 2).mean()) == pytest.approx(1, rel=0.05)


def test_nothing_to_scatter_has_no_error():
    mean = crossed_mean(table(1, 1, (1, 0, 0)))
    assert mean["error"].isnull().all()
    assert mean["interval"].isnull().all()


def test_realisation_with_a_missing_bin_is_left_out():
    values = table(4, 3, (1, 1, 1), tables=1)
    broken = values.copy()
    broken[0, 2, 1] = np.nan
    kept = values.isel(realisation=[0, 1, 3])
    xr.testing.assert_allclose(crossed_mean(broken), crossed_mean(kept))
    assert crossed_mean(broken)["realisations"] == 3


def test_dimensions_may_be_missing():
    values = table(5, 4, (1, 1, 1), tables=1).isel(table=0)
    one = values.isel(realisation=0)
    xr.testing.assert_allclose(crossed_mean(one), crossed_mean(values.isel(realisation=[0])))


def test_count_weighted_mean_is_that_of_all_configurations():
    rng = np.random.default_rng(4)
    groups = [rng.normal(size=n) for n in (3, 0, 7)]
    means = xr.DataArray([g.mean() if g.size else np.nan for g in groups], dims="bin")
    count = xr.DataArray([g.size for g in groups], dims="bin")
    assert float(count_weighted(means, count)) == pytest.approx(np.concatenate(groups).mean())
    assert np.isnan(count_weighted(means[1:2], count[1:2]))


def test_jackknife_error_of_a_nonlinear_function():
    """The error of 1/mean over 20 bins is s / (sqrt(20) mean^2): 4000 tables, within 3 %."""
    rng = np.random.default_rng(5)
    values = xr.DataArray(3 + 0.5 * rng.normal(size=(4000, 20)), dims=("table", "bin"))
    estimates = jackknife_estimates(lambda m: (1 / m).to_dataset(name="f"), values, xr.ones_like(values))["f"]
    mean = crossed_mean(estimates)
    np.testing.assert_allclose(mean["value"], 1 / values.mean("bin"))
    assert float((mean["error"] ** 2).mean()) ** 0.5 == pytest.approx(0.5 / 20**0.5 / 9, rel=0.03)


def test_mean_with_error_weighs_by_count():
    values, count = xr.DataArray([1.0, 3.0], dims="bin"), xr.DataArray([30, 10], dims="bin")
    assert float(mean_with_error(values, count)["value"]) == pytest.approx(1.5)
