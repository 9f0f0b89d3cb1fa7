"""Panels of hidden units put right, counted, and held against exact block spins."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from toy_layers import as_tree, layer_stages, panel_store, stage
from toy_panels import hidden_from

from sweep.analysis.estimators.gauge import signs
from sweep.analysis.estimators.layer_panels import exact_panels, exactly, numbers_of, panels_of
from sweep.analysis.estimators.layers import layer_correlations
from sweep.analysis.exact.block_spins import block_panels
from sweep.analysis.exact.ising import CRITICAL_TEMPERATURE


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
    """Panels over hidden units in the order of the training show nothing; in place each has its patch."""
    found = cases(store)
    plain, fixed = panels_of(found["second"]), panels_of(found["second"], list(found.values()))
    assert (plain.lower_fixed, fixed.lower_fixed) == (False, True)
    np.testing.assert_allclose(abs(fixed.raw).sum(["y", "x"]), abs(plain.raw).sum(["y", "x"]), rtol=1e-6)
    assert float(numbers_of(plain, None)["one"].mean()) < 0.2
    assert float(numbers_of(fixed, None)["one"].mean()) == 1


def test_units_of_a_lower_layer_that_know_more_of_m_are_no_patches(store):
    """Half of them twice as magnetised as the others: what goes through m is not the same everywhere."""
    found = cases(store)
    strength = np.where(np.arange(64) % 2, 1.0, 0.5).reshape(8, 8)
    first, second = found["first"].data.load(), found["second"].data.load()
    through_m = first["magnetization_correlation"] * strength.ravel()
    weaker = second.assign(correlation=second["correlation"] * xr.DataArray(strength, dims=("y", "x")))
    knowing = first.assign(magnetization_correlation=through_m)
    others = [replace(found["first"], data=knowing)]
    fixed = panels_of(replace(found["second"], data=weaker), others)
    assert float(numbers_of(fixed, None)["count"].mean()) < 1.5


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
