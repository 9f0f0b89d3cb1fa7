"""Signs and places of hidden units, on layers whose units were renamed and reversed on purpose."""

import numpy as np
import pytest
import xarray as xr
from toy_panels import block_panels, gaussian_patches, hidden_from

from sweep.analysis.estimators.gauge import centres, in_place, places, signs

DIMS = ("hidden_unit", "y", "x")


def renamed(panels, seed=1):
    """Return panels of renamed and reversed units, with the order and the signs that were given to them."""
    rng = np.random.default_rng(seed)
    order, sign = rng.permutation(len(panels)), rng.choice([-1, 1], len(panels))
    return hidden_from(panels[order] * sign[:, None, None]), order, sign


@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_renamed_and_reversed_block_spins_are_put_right(noise):
    """Noise of a tenth of the patch, as with 2500 configurations; a place wrong by one site would be seen."""
    panels = block_panels(16, 8)
    centred = panels - panels.mean(axis=(1, 2), keepdims=True)
    rng = np.random.default_rng(2)
    shuffled, order, sign = renamed(panels)
    np.testing.assert_array_equal(signs(shuffled), sign)
    patches = hidden_from((centred + rng.normal(0, noise, panels.shape))[order] * sign[:, None, None])
    units = places(patches)
    np.testing.assert_array_equal(order[units.values], np.arange(64))
    fixed = in_place(shuffled * signs(shuffled), units)
    assert fixed.dims == ("site", "y", "x")
    np.testing.assert_allclose(fixed, panels)


def test_every_training_has_its_own_gauge():
    both = xr.concat([renamed(gaussian_patches(12, 4), seed)[0] for seed in (1, 2)], "realisation")
    fixed = in_place(both * signs(both), places(both))
    np.testing.assert_allclose(fixed.sel(realisation=0), fixed.sel(realisation=1))


def test_centres_go_round_the_torus():
    """A patch over the corner of the lattice has its centre there, not in the middle."""
    panel = np.zeros((8, 8))
    panel[np.ix_([7, 0], [7, 0, 1])] = -1.0
    where = centres(hidden_from(panel[None]))
    assert float(where["row"][0]) == pytest.approx(7.5)
    assert float(where["column"][0]) % 8 == pytest.approx(0.0, abs=1e-9)
    assert float(where["concentration"][0]) > 0.8


def test_what_has_no_centre_takes_a_place_that_is_left():
    panels = gaussian_patches(8, 2)
    panels[1], panels[2] = 0.0, np.nan
    where = centres(hidden_from(panels))
    np.testing.assert_array_equal(np.isnan(where["row"]), [False, True, True, False])
    units = places(hidden_from(panels)).values
    assert sorted(units) == [0, 1, 2, 3]
    assert (units[0], units[3]) == (0, 3)
    np.testing.assert_array_equal(signs(hidden_from(panels)), [1, 1, np.nan, 1])


def test_one_unit_has_the_only_place_and_five_have_none():
    assert places(hidden_from(gaussian_patches(8, 1))).values.tolist() == [0]
    with pytest.raises(ValueError, match="found 5 hidden units; wanted a square number"):
        places(xr.DataArray(np.ones((5, 4, 4)), dims=DIMS))
