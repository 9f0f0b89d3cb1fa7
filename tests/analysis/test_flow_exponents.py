"""Exponents along toy flows whose answers are known: values, error bars, labels, partial stores."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import xarray as xr
from toy_flows import STARTS, ToyFlow, toy_store

from sweep.analysis.estimators.fixed_point import convergence_of, end_of_flow, reading_convergence
from sweep.analysis.estimators.flow_cases import GROUPINGS, flow_cases
from sweep.analysis.estimators.flow_exponents import (
    dimension_curve,
    exponent_curve,
    fit_magnetization,
    fit_temperatures,
    magnetization_curve,
)
from sweep.analysis.estimators.perfect import exact_magnetization_exponent
from sweep.analysis.estimators.two_point import fit_dimension
from sweep.analysis.exact.ising import CRITICAL_TEMPERATURE

SMALL = ToyFlow(size=6, length=14)


@cache
def the_case(flow=SMALL):
    (case,) = flow_cases(toy_store(flow))
    return case


def partial_case(flow=SMALL, **options):
    (case,) = flow_cases(toy_store(flow, **options))
    return case


@pytest.mark.parametrize("grouping", GROUPINGS)
def test_magnetization_exponent_along_the_flow(grouping):
    """The mean over 15 steps is right to 5 sigma, 0.0026; the errors are those of the toy, 0.0020, within 40 %.

    False alarms: 1e-6 and, for the errors (4 degrees of freedom or more at each step), 1e-4. Errors without the
    realisations would be half as large.
    """
    curve = magnetization_curve(the_case(), grouping)
    assert curve.attrs["temperatures"] == [2.0, 2.1, 2.2]
    assert float((curve["value"] - SMALL.exponent()).mean()) == pytest.approx(0, abs=5 * 0.002 / 15**0.5)
    assert float((curve["error"] ** 2).mean()) ** 0.5 == pytest.approx(0.002, rel=0.4)
    assert (curve["reason"] == "").all()
    assert (curve["points"] == 3).all()


def test_intervals_cover_the_exponent():
    """90 curves points with errors of bins and of realisations: 90 % intervals cover 79 % at least (false alarms 1e-3).

    Errors without the realisations (5 times too small here) cover 30 %, errors without the bins 70 %.
    """
    flow = replace(SMALL, between=0.01, within=0.01, length=29, seed=7)
    case = the_case(flow)
    curves = [magnetization_curve(case, grouping) for grouping in GROUPINGS]
    covered = [np.abs(curve["value"] - flow.exponent()) < curve["interval"] for curve in curves]
    assert np.mean(covered) > 0.79


def test_spread_over_realisations_is_theirs():
    flow = replace(SMALL, between=0.02, within=1e-5, realisations=5, length=29)
    curve = magnetization_curve(the_case(flow), "start")
    assert float((curve["spread"] ** 2).mean()) ** 0.5 == pytest.approx(0.02, rel=0.3)
    assert curve["by_realisation"].sizes["realisation"] == 5
    np.testing.assert_allclose(curve["by_realisation"].mean("realisation"), curve["value"])


@pytest.mark.parametrize(("field", "wanted"), [("sigma", 0.1), ("epsilon", 0.9), ("epsilon of four neighbours", 0.9)])
def test_papers_dimension_of_plane_power_laws(field, wanted):
    """As above; here the realisations, 0.004 / sqrt(5), make all of the error."""
    curve = dimension_curve(the_case(), field, "paper", "network class", (2.2, 2.3))
    assert curve["value"].dims == ("temperature", "flow_step")
    mean = (curve["value"] - wanted).mean("flow_step")
    np.testing.assert_allclose(mean, 0, atol=5 * 0.0018 / 15**0.5)
    assert float((curve["error"] ** 2).mean()) ** 0.5 == pytest.approx(0.0018, rel=0.4)


def test_torus_dimension_is_offered_beside_it():
    paper, torus = (dimension_curve(the_case(), "sigma", name, "start", (2.3,)) for name in ("paper", "torus"))
    assert (torus["points"] == 35).all()
    assert float(np.abs(torus["value"] - paper["value"]).min()) > 0.01, (
        "another estimator, another number on these data"
    )


def test_change_since_step_0_is_paired():
    """What a bin or a training has at every step drops out of its change since step 0.

    Exponents of trainings and bins are 0.02 off, of steps 0.001. The error of the value is that of the first two, above
    0.004; that of the change 0.001 sqrt(2/40) = 0.00022 within a factor of 2 (false alarms 1e-3). Unpaired, it would be
    twenty times that.
    """
    rng = np.random.default_rng(8)
    lengths = {"realisation": 5, "bin": 8, "flow_step": 3}
    scatter = ((0.02, ["realisation"]), (0.02, ["bin"]), (0.001, list(lengths)))
    parts = [
        xr.DataArray(scale * rng.normal(size=[lengths[dim] for dim in dims]), dims=dims) for scale, dims in scatter
    ]
    x = xr.DataArray(np.arange(1.0, 11.0), dims="distance", coords={"distance": np.arange(1.0, 11.0)})
    values = x ** (-2 * (0.5 + parts[0] + parts[1] + parts[2]))
    curve = exponent_curve(fit_dimension, values, xr.ones_like(parts[2])).isel(flow_step=-1)
    assert float(curve["error"]) > 0.004
    assert 0.5 < float(curve["change_error"]) / (0.001 * (2 / 40) ** 0.5) < 2
    assert abs(float(curve["change"])) < 5 * float(curve["change_error"])


def test_stores_own_order_does_not_matter():
    """Extended grids append labels: the same numbers, whatever the order on the disk."""
    tree = toy_store(SMALL)
    order = {"start_temperature": STARTS[::-1], "temperature_class": np.roll(STARTS, 3)}
    nodes = {node.path: node.to_dataset().sel(order) for node in tree["flow"].subtree}
    (shuffled,) = flow_cases(xr.DataTree.from_dict({"/": xr.Dataset(), **nodes}))
    for grouping in GROUPINGS:
        xr.testing.assert_identical(magnetization_curve(shuffled, grouping), magnetization_curve(the_case(), grouping))


def test_store_on_disk_reads_the_same(tmp_path):
    tree = toy_store(SMALL)
    tree.to_zarr(tmp_path / "toy.zarr", consolidated=False)
    (case,) = flow_cases(xr.open_datatree(tmp_path / "toy.zarr", engine="zarr", consolidated=False))
    curves = [dimension_curve(one, "sigma", "paper", "network class", (2.2,)) for one in (case, the_case())]
    xr.testing.assert_allclose(*curves)
    assert case.label == "flow, 6×6, 64 hidden units"


def test_incomplete_realisations_are_left_out():
    done = np.ones((1, 1, 5), bool)
    done[..., 2:4] = False
    case = partial_case(done=done)
    assert case.realisations == 3
    assert (magnetization_curve(case, "start")["realisations"] == 3).all()
    assert flow_cases(toy_store(SMALL, done=np.zeros((1, 1, 5), bool))) == []


def test_one_realisation_one_bin_has_values_without_errors():
    curve = magnetization_curve(the_case(replace(SMALL, realisations=1, bins=1)), "start")
    assert curve["value"].notnull().all()
    assert curve["error"].isnull().all()


def test_empty_group_fails_with_a_reason():
    case = the_case()
    data = case.data.load().copy(deep=True)
    at = {"temperature_class": 2, "flow_step": 5}
    for name in data.data_vars:
        if str(name).startswith("network_class_") and name != "network_class_count":
            data[name][{**at}] = np.nan
    data["network_class_count"][at] = 0
    curve = magnetization_curve(replace(case, data=data), "network class")
    assert np.isnan(curve["value"][5])
    assert curve["reason"][5] == "a group is empty"
    assert curve["value"].notnull().sum() == 14


def test_failure_of_some_realisations_is_said():
    case = the_case()
    data = case.data.load().copy(deep=True)
    data["abs_magnetization"][{"realisation": 1, "flow_step": 3}] = np.nan
    curve = magnetization_curve(replace(case, data=data), "start")
    assert curve["failed"].values.tolist() == [0, 0, 0, 1] + [0] * 11
    assert np.isnan(curve["value"][3]), "a mean over survivors is none"
    assert curve["by_realisation"].isel(flow_step=3).notnull().sum() == 4
    assert curve["reason"][3] == "no fit without one of the bins"


def test_unknown_temperature_is_an_error():
    with pytest.raises(KeyError):
        magnetization_curve(the_case(), "start", (2.0, 2.05))


def test_fit_temperatures_are_those_below_and_nearest_to_the_critical():
    assert fit_temperatures([2.3, 0.0, 2.1, 1.0, 2.2, CRITICAL_TEMPERATURE, 2.0]) == (2.0, 2.1, 2.2)
    assert fit_temperatures([0.0, 3.0]) == ()


@pytest.mark.parametrize(
    ("temperatures", "value", "error"),
    [((2.0, 2.1, 2.2), 0.0854, 0.0047), ((2.1, 2.2, 2.3), 0.1024, 0.0148), ((2.2, 2.3), 0.131, None)],
)
def test_magnetization_fit_of_exact_data(temperatures, value, error):
    """The exact <|m|> of the 10x10 torus: the values that an independent computation gave."""
    assert exact_magnetization_exponent(10, temperatures) == pytest.approx(value, abs=6e-4)
    exact = {2.0: 0.911122, 2.1: 0.870686, 2.2: 0.810754, 2.3: 0.728989}
    data = xr.DataArray(
        [exact[t] for t in temperatures], dims="temperature", coords={"temperature": list(temperatures)}
    )
    fitted = float(fit_magnetization(data)["dimension_error"])
    assert np.isnan(fitted) if error is None else fitted == pytest.approx(error, abs=1e-4)
    assert np.isnan(exact_magnetization_exponent(11, temperatures))


def test_convergence_of_the_toy_flow():
    """ln(10) times the relaxation of 4 steps is 9.2."""
    flow = replace(SMALL, length=29, between=0.002, within=0.002)
    found = convergence_of(magnetization_curve(the_case(flow), "start"))
    assert len(found.lengths) == 5
    assert found.mean == pytest.approx(9.2, abs=1.5)
    assert found.plateau == pytest.approx(1 / 8, abs=0.003)
    assert 0 <= found.error < 1


def test_convergence_of_trainings_that_differ():
    """Where trainings end 0.05 apart, each still has its length: the errors that count are those within a training."""
    flow = replace(SMALL, length=29, between=0, within=0.002)
    curve = magnetization_curve(the_case(flow), "start")
    apart = xr.DataArray(0.05 * np.arange(5), dims="realisation", coords={"realisation": range(5)})
    moved = convergence_of(curve.assign(by_realisation=curve["by_realisation"] + apart))
    assert moved.lengths == convergence_of(curve).lengths
    assert len(moved.lengths) == 5


def test_convergence_names_the_trainings_without_one():
    curve = magnetization_curve(the_case(replace(SMALL, length=29)), "start")
    rows = curve["by_realisation"].copy()
    rows[{"realisation": 2, "flow_step": 7}] = np.nan
    found = convergence_of(curve.assign(by_realisation=rows))
    assert len(found.lengths) == 4
    assert np.isnan(found.mean)
    assert "1 of 5 trainings have none, such as: a point of the flow is missing" in found.remark()


def test_convergence_of_the_temperature_from_both_ends():
    """Noiseless readings that relax with 4 steps: ln(10) 4 = 9.2, so 10 whole steps from the cold and the hot start."""
    for lengths in reading_convergence(the_case(replace(SMALL, length=29)), "network temperature"):
        assert lengths.lengths == (10.0,) * 5


def test_where_the_toy_flow_ends():
    flow = replace(SMALL, length=29)
    end = end_of_flow(the_case(flow)).sel(quantity="network temperature")
    np.testing.assert_allclose(end["value"], 3.0, atol=0.02)
    assert float(end["all_value"]) == pytest.approx(3.0, abs=0.01)
    weights = np.exp(-np.arange(20, 30) / 4).mean()
    assert float(end["memory_value"]) == pytest.approx(4 * weights, rel=1e-6), (
        "start 4.0 minus start 0.0, times what is left"
    )


def test_flow_mapped_over_temperature_gives_its_starts():
    """A stage with its own temperature axis: one start per point, no class groupings."""
    tree = toy_store(SMALL)
    parent = tree["flow"].to_dataset()
    apart = parent[["count", "abs_magnetization"]].rename(start_temperature="temperature")
    apart = apart.expand_dims(start_temperature=[0.0], axis=-2).assign(
        done=parent["done"].expand_dims(temperature=STARTS)
    )
    apart.attrs = parent.attrs
    (case,) = flow_cases(xr.DataTree.from_dict({"/": xr.Dataset(), "flow": apart}))
    xr.testing.assert_allclose(magnetization_curve(case, "start"), magnetization_curve(the_case(), "start"))


def test_critical_label_is_not_fitted():
    assert fit_temperatures([2.0, 2.1, 2.2, 2.26918531421, 2.3]) == (2.0, 2.1, 2.2)
