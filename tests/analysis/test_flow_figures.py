"""Section III's exhibits: what they draw, what the table says in words, small and partial stores."""

import json
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from toy_flows import STARTS, ToyFlow, toy_store, toy_thermometer

from sweep.analysis.exact.ising import CRITICAL_TEMPERATURE
from sweep.analysis.exhibits.catalogue import EXHIBITS
from sweep.analysis.exhibits.exhibit import Absent, Exhibit
from sweep.analysis.exhibits.figure_2 import figure_2
from sweep.analysis.exhibits.figure_3 import figure_3
from sweep.analysis.exhibits.figure_4 import figure_4
from sweep.analysis.exhibits.figure_5a import FIGURE_5A
from sweep.analysis.exhibits.figure_6b import FIGURE_6B
from sweep.analysis.exhibits.fixed_points import fixed_points
from sweep.analysis.exhibits.flow_dimensions import exact_dimension
from sweep.analysis.exhibits.flow_drawing import around_critical, astride_critical, verdict
from sweep.analysis.exhibits.thermometer_quality import thermometer_quality
from sweep.analysis.report.report import write_report

SMALL = ToyFlow(size=4, length=8)
FLOW_MAKERS = (figure_2, figure_4, FIGURE_5A, FIGURE_6B, fixed_points)


def made(maker, tree):
    exhibit = maker(tree)
    assert isinstance(exhibit, Exhibit), exhibit
    return exhibit


def remarks(exhibit):
    return " ".join(f"{row.quantity}: {row.remark}." for row in exhibit.rows)


def both_presets():
    """Return a store with two flow stages, as two presets of the training make, and a thermometer."""
    first, second = toy_store(SMALL), toy_store(replace(SMALL, hidden=(16,), realisations=2, length=5), "flow_text")
    trees = (first, second, toy_thermometer())
    tree = xr.DataTree.from_dict({path: data for one in trees for path, data in one.to_dict().items()})
    tree.attrs = {"name": "toy", "seed": 1, "grid": "", "packages": "{}"}
    return tree


def test_whole_report_of_several_stages(tmp_path):
    page = write_report(both_presets(), tmp_path, (figure_2, figure_3, fixed_points)).read_text()
    for name in ("figure-2", "figure-3", "fixed-points"):
        assert all((tmp_path / f"{name}.{ending}").stat().st_size > 500 for ending in ("png", "pdf", "csv"))
        assert f'src="{name}.png"' in page
    for label in ("flow, 4×4, 64 hidden units", "flow_text, 4×4, 16 hidden units"):
        assert f"convergence length of Δm ({label})" in page
        assert f"mean over starts ({label})" in page


@pytest.mark.parametrize("maker", EXHIBITS)
def test_empty_store_leaves_all_out_with_a_reason(maker):
    absent = maker(xr.DataTree.from_dict({"/": xr.Dataset()}))
    assert isinstance(absent, Absent)
    assert absent.reason


@pytest.mark.parametrize("maker", FLOW_MAKERS)
def test_flow_of_which_nothing_is_complete_is_left_out(maker):
    assert isinstance(maker(toy_store(SMALL, done=np.zeros((1, 1, 5), bool))), Absent)


@pytest.mark.parametrize("maker", FLOW_MAKERS)
def test_smallest_store(maker):
    """One realisation, one bin, two flow steps, and no start below T_c but T = 0: numbers or reasons, no exception."""
    tree = toy_store(replace(SMALL, realisations=1, bins=1, length=2))
    hot = STARTS[(STARTS == 0) | (STARTS > CRITICAL_TEMPERATURE)]
    few = {"start_temperature": hot, "temperature_class": hot}
    nodes = {node.path: node.to_dataset().sel(few) for node in tree["flow"].subtree}
    exhibit = made(maker, xr.DataTree.from_dict({"/": xr.Dataset(), **nodes}))
    assert all(np.isfinite(row.ours) or row.remark for row in exhibit.rows)


def test_figure_2_draws_what_the_csv_holds():
    exhibit = made(figure_2, toy_store(SMALL))
    (panel,) = exhibit.figure.axes
    line = next(line for line in panel.lines if len(line.get_xdata()) == 9)
    numbers = exhibit.numbers.sel(case="flow, 4×4, 64 hidden units", grouping="network class")
    np.testing.assert_allclose(line.get_ydata(), numbers["value"])
    np.testing.assert_array_equal(line.get_xdata(), numbers["flow_step"])
    assert len(panel.collections) > 3, "five realisations: a band beside the error bars"
    assert (panel.get_xlabel(), panel.get_ylabel()) == ("flow length", "Δm")


def test_disagreement_is_said_in_words_and_numbers():
    tree = toy_store(replace(SMALL, excess=0.2, relaxation=1e9))
    assert "disagrees with 1/8 (+" in remarks(made(figure_2, tree))
    assert "disagrees with 0.125 (-" in remarks(made(FIGURE_5A, tree))
    assert "disagrees with 1 (-" in remarks(made(FIGURE_6B, tree))
    agreeing = toy_store(replace(SMALL, dimensions=(0.125, 1.0), excess=0))
    for maker, target in ((figure_2, "1/8"), (FIGURE_5A, "0.125"), (FIGURE_6B, "1")):
        first = made(maker, agreeing).rows[0]
        assert f"agrees with {target}" in first.remark


def test_bracketing_is_decided_by_the_numbers():
    equal = made(FIGURE_5A, toy_store(SMALL)).rows
    (row,) = [row for row in equal if "bracket" in row.quantity]
    assert "they do not, against the paper" in row.remark
    tree = toy_store(replace(SMALL, dimensions=(0.05, 0.9)))
    hot = toy_store(replace(SMALL, dimensions=(0.3, 0.9)))
    name, at = "network_class_spin_correlation", {"temperature_class": 2.3}
    node = tree["flow/size=4"].to_dataset()
    node[name].loc[at] = hot["flow/size=4"].to_dataset()[name].loc[at]
    mixed = xr.DataTree.from_dict({"/": xr.Dataset(), "flow": tree["flow"].to_dataset(), "flow/size=4": node})
    (row,) = [row for row in made(FIGURE_5A, mixed).rows if "bracket" in row.quantity]
    assert row.remark.startswith("they do:")


def test_exact_lines_are_those_of_the_same_estimator():
    assert exact_dimension(10, CRITICAL_TEMPERATURE, ("sigma", "paper")) == pytest.approx(0.0729, abs=6e-5)
    assert exact_dimension(10, CRITICAL_TEMPERATURE, ("sigma", "torus")) == pytest.approx(0.1251, abs=6e-5)
    for label, value in ((2.2, 1.013), (2.3, 0.969), (CRITICAL_TEMPERATURE, 0.977)):
        found = exact_dimension(10, label, ("epsilon of four neighbours", "paper"))
        assert found == pytest.approx(value, abs=6e-4)
    assert np.isnan(exact_dimension(10, 0.0, ("sigma", "paper")))
    assert np.isnan(exact_dimension(2, 2.0, ("sigma", "paper")))


def test_flow_that_forgets_and_flow_that_remembers():
    fast, slow = (made(fixed_points, toy_store(replace(SMALL, relaxation=tau))) for tau in (1e-3, 5.0))
    key = "T read by the network"
    assert any(key in row.quantity and "not forgotten" in row.remark for row in slow.rows)
    (row,) = [row for row in fast.rows if key in row.quantity]
    assert "not forgotten" not in row.remark
    assert row.ours == pytest.approx(3.0, abs=0.01)


@pytest.mark.parametrize("stored", [json.dumps, dict], ids=["JSON text", "a mapping, as older stores have it"])
def test_machine_is_named_with_preset_and_training_set(stored):
    attributes = {"params": stored({"preset": "text"}), "inputs": stored({"data": "cold"})}
    trained = xr.Dataset(attrs={"kernel": "rbm", **attributes})
    tree = xr.DataTree.from_dict({**toy_store(SMALL).to_dict(), "rbm": trained})
    exhibit = made(fixed_points, tree)
    assert "machine: rbm (preset text, trained on cold)" in exhibit.rows[0].remark
    assert "5 trainings of rbm (preset text, trained on cold), sampled flow" in exhibit.caption


def test_figure_3_shows_the_exact_optimum():
    exhibit = made(figure_3, toy_thermometer())
    (panel,) = exhibit.figure.axes
    assert any(np.allclose(line.get_ydata(), 1.9) for line in panel.lines)
    assert "+0.16" in exhibit.rows[0].remark
    assert exhibit.rows[0].paper == '"very close to zero"'
    assert "is impossible here" in exhibit.rows[0].remark


def test_confusion_and_calibration_of_both_thermometers():
    exhibit = made(thermometer_quality, toy_thermometer())
    assert [panel.get_title() for panel in exhibit.figure.axes[:2]] == ["network", "exact energy thermometer"]
    shares = exhibit.figure.axes[0].collections[0].get_array()
    np.testing.assert_allclose(np.diag(shares), 320 / (320 + 20 * (len(STARTS) - 1)))
    np.testing.assert_allclose(exhibit.rows[0].ours, 2.31)


def test_loss_below_the_bound_is_called_a_fault():
    assert "below the exact bound" in made(figure_3, toy_thermometer(below_bound=True)).rows[0].remark
    assert "below" not in made(figure_3, toy_thermometer()).rows[0].remark


def test_temperatures_that_figures_show():
    grid = np.round(np.arange(0, 6, 0.1), 12).tolist()
    assert astride_critical(grid) == (2.2, 2.3)
    assert around_critical(grid, 3) == (2.2, 2.3, 2.4)
    assert astride_critical([2.0, CRITICAL_TEMPERATURE, 3.0]) == (2.0, 3.0)
    assert astride_critical([0.0, 3.0]) == (3.0,)


def test_verdicts():
    assert verdict(0.1, 0.01, 0.125, "1/8") == "disagrees with 1/8 (-2.5 standard errors)"
    assert verdict(0.12, 0.01, 0.125, "1/8") == "agrees with 1/8 (-0.5 standard errors)"
    assert "no error bar" in verdict(0.12, np.nan, 0.125, "1/8")
    assert verdict(np.nan, 0.1, 0.125, "1/8") == "no value"
