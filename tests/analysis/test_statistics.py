"""Error bars cover what they say."""

from __future__ import annotations

import numpy as np
import xarray as xr

from sweep.analysis.estimators.statistics import binder_cumulant, jackknife, mean_and_error

TRIALS = 2000
# With 2000 trials the coverage of a true 68.3 % interval has a standard deviation of 1.04 %; 4.5 of them are 4.7 %, a
# false alarm in 150 000. An error bar that is 15 % too small covers 61 % and is caught.
SLACK = 0.047


def coverage(value: xr.DataArray, error: xr.DataArray, truth: float) -> float:
    return float((abs(value - truth) < error).mean())


def test_mean_and_error_cover() -> None:
    rng = np.random.default_rng(1)
    values = xr.DataArray(rng.exponential(2.0, (TRIALS, 200)), dims=("trial", "replica"))
    result = mean_and_error(values, "replica")
    assert abs(coverage(result["value"], result["error"], 2.0) - 0.683) < SLACK


def test_mean_and_error_leave_out_what_is_missing() -> None:
    values = xr.DataArray([[1.0, 3.0, np.nan], [np.nan, np.nan, 5.0]], dims=("point", "replica"))
    result = mean_and_error(values, "replica")
    np.testing.assert_allclose(result["value"], [2.0, 5.0])
    np.testing.assert_allclose(result["error"], [1.0, np.nan])


def test_jackknife_covers_a_ratio_and_takes_off_its_bias() -> None:
    rng = np.random.default_rng(2)
    m = rng.normal(0.6, 0.2, (TRIALS, 80))
    means = xr.Dataset({"m2": (("trial", "replica"), m**2), "m4": (("trial", "replica"), m**4)})
    second = 0.6**2 + 0.2**2
    fourth = 0.6**4 + 6 * 0.6**2 * 0.2**2 + 3 * 0.2**4
    truth = 1 - fourth / (3 * second**2)
    result = jackknife(means, binder_cumulant, "replica")
    assert abs(coverage(result["value"], result["error"], truth) - 0.683) < SLACK
    plain = binder_cumulant(means.mean("replica"))
    assert abs(float((result["value"] - truth).mean())) < 0.3 * abs(float((plain - truth).mean()))


def test_jackknife_of_a_mean_is_the_standard_error() -> None:
    values = xr.DataArray(np.random.default_rng(3).normal(size=30), dims="replica")
    expected = mean_and_error(values, "replica")
    result = jackknife(xr.Dataset({"x": values}), lambda means: means["x"], "replica", groups=30)
    np.testing.assert_allclose(result["value"], expected["value"])
    np.testing.assert_allclose(result["error"], expected["error"])


def test_jackknife_of_one_copy_has_no_error() -> None:
    result = jackknife(xr.Dataset({"x": ("replica", [1.5])}), lambda means: means["x"], "replica")
    assert float(result["value"]) == 1.5
    assert np.isnan(float(result["error"]))
