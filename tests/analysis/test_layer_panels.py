"""Exact panels against the numbers computed apart from this project, and panels of hidden units put right."""

import numpy as np
import pytest
import xarray as xr
from toy_layers import as_tree, layer_stages, panel_store, stage
from toy_panels import hidden_from

from sweep.analysis.estimators.gauge import signs
from sweep.analysis.estimators.layer_panels import block_panels, exact_panels, exactly, numbers_of, panels_of
from sweep.analysis.estimators.layers import layer_correlations
from sweep.analysis.estimators.panel_pairs import line, pair_correlation
from sweep.analysis.exact.ising import CRITICAL_TEMPERATURE

# L, sides of the two layers: largest and smallest <v h>, its mean and s.d.; G at the first and last distance, slope.
BLOCK_SPINS = {
    (32, 32, 16): (0.771007, 0.432796, 0.458975, 0.037683, 0.2120151, 0.2103702, -1.0490e-4),
    (32, 32, 8): (0.664211, 0.432979, 0.458975, 0.035059, 0.2118569, 0.2103798, -9.934e-5),
    (32, 16, 8): (0.639767, 0.433163, 0.458975, 0.034700, 0.2117517, 0.2103306, -2.000e-4),
}


@pytest.mark.parametrize("sides", BLOCK_SPINS)
def test_exact_block_spins(sides):
    high, low, mean, spread, first, last, slope = BLOCK_SPINS[sides]
    panels = block_panels(*sides, CRITICAL_TEMPERATURE)
    assert panels.shape == (sides[2] ** 2, sides[1], sides[1])
    found = panels.max(), panels.min(), panels.mean(), panels[0].std()
    np.testing.assert_allclose(found, (high, low, mean, spread), atol=6e-7)
    pairs = pair_correlation(hidden_from(panels))
    np.testing.assert_allclose((pairs[0], pairs[-1]), (first, last), atol=6e-8)
    assert float(line(pairs)["slope"]) == pytest.approx(slope, rel=5e-4)


def cases(tree):
    return {case.stage: case for case in layer_correlations(tree)}


@pytest.fixture(scope="module")
def store():
    return panel_store()


def test_exact_panels_of_a_case(store):
    found = cases(store)
    assert exact_panels(found["stack"]).shape == (16, 16, 16)
    np.testing.assert_array_equal(exact_panels(found["second"]), block_panels(16, 8, 4, CRITICAL_TEMPERATURE))


def test_no_exact_panels_where_sides_do_not_divide_or_units_make_no_square():
    stages = layer_stages()
    hidden = {"hidden": (("temperature", "configuration", "hidden_unit"), np.ones((1, 2, 5)))}
    stages["five"] = {"": stage("encode", hidden, {"data": "data", "machine": "machine_half"})}
    stages["flat"] = {"": stage("layer_correlation", inputs={"data": "data", "layer": "five"})}
    stages["back"] = {"": stage("layer_correlation", inputs={"data": "rg_half", "layer": "data"})}
    found = cases(as_tree(stages))
    assert exact_panels(found["flat"]) is None
    assert exact_panels(found["back"]) is None


def test_machine_with_patches_reads_as_one_and_an_untrained_one_does_not(store):
    found = cases(store)
    both = list(found.values())
    numbers = {name: numbers_of(panels_of(case, both), exact_panels(case)).mean() for name, case in found.items()}
    for name in ("first", "stack", "single", "sites", "rg_correlation_a", "rg_correlation_c"):
        assert float(numbers[name]["one"]) > 0.99, name
        assert float(numbers[name]["alike"]) > 0.6, name
    untrained = numbers["before"]
    assert float(untrained["one"]) < 0.5
    assert float(untrained["alike"]) < 0.5
    assert float(untrained["alike_raw"]) > float(untrained["alike"]) + 0.2, (
        "raw panels are alike by what goes through m"
    )
    assert float(numbers["rg_correlation_a"]["positive"]) == 1
    assert 0.3 < float(numbers["first"]["positive"]) < 0.7


def test_units_of_a_lower_layer_get_their_places_first(store):
    """Panels over hidden units in the order of the training show nothing."""
    found = cases(store)
    upper = panels_of(found["first"], list(found.values()))
    assert not upper.lower_fixed
    plain, fixed = panels_of(found["second"]), panels_of(found["second"], list(found.values()))
    assert fixed.lower_fixed
    assert fixed.raw.shape == plain.raw.shape
    np.testing.assert_allclose(abs(fixed.raw).sum(["y", "x"]), abs(plain.raw).sum(["y", "x"]), rtol=1e-6)


def test_exact_panels_have_one_patch_each_and_are_alike_to_themselves():
    exact = hidden_from(block_panels(16, 16, 4, CRITICAL_TEMPERATURE))
    numbers = numbers_of(exactly(exact), exact)
    for name in ("count", "one", "positive", "alike", "alike_raw"):
        np.testing.assert_allclose(numbers[name], 1, err_msg=name)
    np.testing.assert_array_equal(signs(exact), 1)


def test_no_places_no_overlap_and_nan_stays_nan(store):
    panels = panels_of(cases(store)["first"])
    five = {name: getattr(panels, name).isel(hidden_unit=slice(5)) for name in ("raw", "centred", "error", "sign")}
    numbers = numbers_of(type(panels)(**five), None)
    assert np.isnan(numbers["overlap"]).all()
    assert int(numbers["count"].notnull().sum()) == 10
    empty = type(panels)(**{name: xr.full_like(values, np.nan) for name, values in five.items()})
    assert all(np.isnan(values).all() for values in numbers_of(empty, None).data_vars.values())
