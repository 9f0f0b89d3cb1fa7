"""Patches of panels with known answers: round patches, block spins, noise, nothing."""

import numpy as np
import pytest
import xarray as xr
from toy_panels import block_panels, gaussian_patches, hidden_from

from sweep.analysis.estimators.gauge import SITE, UNIT
from sweep.analysis.estimators.patches import by_training, cosine, overlap, patches


def centred(panels):
    return panels - panels.mean(axis=(1, 2), keepdims=True)


def test_one_round_patch_for_each_unit_over_the_edge_too():
    """exp(-r^2 / 2 w^2) is above one half within r^2 < 2 w^2 ln 2 = 3.12: the site, 4 next to it, 4 diagonal."""
    found = patches(hidden_from(gaussian_patches(16, 8)))
    np.testing.assert_array_equal(found["count"], 1)
    np.testing.assert_array_equal(found["one"], 1)
    np.testing.assert_array_equal(found["area"], 9)


def test_block_spins_have_their_block_as_patch():
    found = patches(hidden_from(centred(block_panels(16, 4))))
    np.testing.assert_array_equal(found["count"], 1)
    assert 4 <= int(found["area"].min()) == int(found["area"].max()) <= 16


def test_two_patches_and_patches_of_two_signs_are_counted_apart():
    one = gaussian_patches(16, 1)[0]
    far, beside = np.roll(one, 6, 1), np.roll(one, 2, 1)
    found = patches(hidden_from([one + far, one - far, one - beside, -one, one + 0.4 * far]))
    np.testing.assert_array_equal(found["count"], [2, 2, 2, 1, 1])


def test_noise_has_no_patch_and_a_small_patch_in_noise_is_found():
    """400 panels of noise: more than 12 with a patch has p < 1e-4 at a false-alarm rate of 1 %; a threshold at three
    standard deviations would find a patch in half of them. A patch of eight is missed with p < 1e-3 in 50 panels."""
    rng = np.random.default_rng(3)
    noise = rng.normal(0, 0.04, (400, 16, 16))
    errors = hidden_from(0.04 * np.sqrt(rng.chisquare(9, noise.shape) / 9))
    found = patches(hidden_from(noise), errors)
    assert int((found["count"] > 0).sum()) <= 12
    assert np.isnan(found["area"].where(found["count"] == 0)).all()
    weak = patches(hidden_from(noise[:50] + 8 * 0.04 * gaussian_patches(16, 1, height=1)), errors[:50])
    assert float(weak["one"].mean()) > 0.9


def test_unit_without_numbers_has_none_and_a_constant_has_no_patch_in_noise():
    panels = gaussian_patches(8, 2)
    panels[1], panels[2, 0, 0] = 0.0, np.nan
    errors = np.full(panels.shape, 0.01)
    found = patches(hidden_from(panels), hidden_from(errors))
    np.testing.assert_array_equal(found["count"], [1, 0, np.nan, 1])
    np.testing.assert_array_equal(found["one"], [1, 0, np.nan, 1])


def test_overlap_of_neighbours():
    """Patches of width w whose centres are s apart overlap by exp(-s^2 / 4 w^2): 0.94 for s = 1, w = 2 on a torus."""
    panels = hidden_from(gaussian_patches(16, 16, width=2.0)).rename({UNIT: SITE})
    np.testing.assert_allclose(overlap(panels), np.exp(-1 / 16), atol=1e-3)
    assert np.isnan(overlap(panels.isel({SITE: slice(4)}))).all()


def test_cosine_of_nothing_is_no_number():
    a = hidden_from(gaussian_patches(8, 1))
    assert float(cosine(a, 2 * a)[0]) == pytest.approx(1)
    assert np.isnan(cosine(a, 0 * a)[0])


def test_errors_come_from_trainings_or_from_units_of_the_only_one():
    values = xr.DataArray([[1.0, 2, 3], [2, 3, 4]], dims=("realisation", UNIT))
    both, one = by_training(values), by_training(values.isel(realisation=[0]))
    assert both["by_realisation"].values.tolist() == [2, 3]
    assert (float(both["value"]), float(both["error"]), float(both["degrees"])) == pytest.approx((2.5, 0.5, 1))
    assert (float(one["value"]), float(one["error"]), float(one["degrees"])) == pytest.approx((2, 3**-0.5, 2))
    bare = by_training(values[0])
    assert float(bare["value"]) == 2
    assert np.isnan(by_training(values[0, :1])["error"])
