"""Section III's exhibits: what they draw, what the table says in words, small and partial stores."""

import json
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from toy_flows import STARTS, ToyFlow, toy_store, toy_thermometer

from sweep.analysis.estimators.verdict import LEVEL
from sweep.analysis.exact.ising import CRITICAL_TEMPERATURE, torus_energy
from sweep.analysis.exact.thermometer import temperature_of_energy
from sweep.analysis.exhibits.catalogue import SHOWN
from sweep.analysis.exhibits.exhibit import Absent, Exhibit
from sweep.analysis.exhibits.figure_2 import figure_2
from sweep.analysis.exhibits.figure_3 import figure_3
from sweep.analysis.exhibits.figure_4 import figure_4
from sweep.analysis.exhibits.figure_5a import FIGURE_5A
from sweep.analysis.exhibits.figure_6b import FIGURE_6B
from sweep.analysis.exhibits.fixed_points import fixed_points
from sweep.analysis.exhibits.flow_drawing import around_critical, astride_critical
from sweep.analysis.exhibits.flow_ends import flow_ends
from sweep.analysis.exhibits.thermometer_quality import thermometer_quality
from sweep.analysis.report.report import write_report

SMALL = ToyFlow(size=4, length=8)
FLOW_MAKERS = (figure_2, figure_4, FIGURE_5A, FIGURE_6B, fixed_points, flow_ends)


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
        assert f'href="{name}.png"' in page
    for label in ("flow, 4×4, 64 hidden units", "flow_text, 4×4, 16 hidden units"):
        assert f"convergence length of Δm ({label})" in page
        assert f"mean over starts ({label})" in page


@pytest.mark.parametrize("maker", SHOWN)
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


def test_verdicts_are_against_step_0_and_not_against_the_universal_value():
    """A flow that stays where it starts agrees, wherever that is; one that goes to 1/8 from elsewhere does not.

    Each of the four that agree may have p down to 0.001: false alarms 4e-3.
    """
    still = toy_store(replace(SMALL, excess=0.2, relaxation=1e9, dimensions=(0.3, 1.7)))
    for maker in (figure_2, figure_4, FIGURE_5A, FIGURE_6B):
        row = made(maker, still).rows[0]
        assert "step 0 of the flow" in row.verdict.words
        assert row.verdict.p > 0.001
        assert "at step 0 of the flow" in row.perfect
    moved = made(figure_2, toy_store(replace(SMALL, excess=0.2, relaxation=1.0))).rows[0]
    assert moved.ours == pytest.approx(1 / 8, abs=0.01)
    assert moved.verdict.words.startswith("differs from step 0 of the flow (-0.2")
    assert moved.verdict.p < 1e-4
    assert moved.paper == "converges to 1/8"


def test_survivors_get_no_verdict_and_are_shown_one_by_one():
    """One training of five has no fit at the end: a mean over the others would be that of a selection."""
    tree = toy_store(SMALL)
    data = {node.path: node.to_dataset() for node in tree["flow"].subtree}
    at = {"realisation": 3, "flow_step": 8}
    data["/flow"]["network_class_abs_magnetization"].loc[at] = np.nan
    data["/flow/size=4"]["network_class_spin_correlation"].loc[at] = np.nan
    broken = xr.DataTree.from_dict({"/": xr.Dataset(), **data})
    for maker in (figure_2, figure_4, FIGURE_5A):
        row = made(maker, broken).rows[0]
        assert np.isnan(row.ours)
        assert row.verdict is None
        assert row.remark.startswith("1 of 5 trainings have no fit")
        assert row.remark.count(", none,") == 1
    single = [line for line in made(figure_2, broken).figure.axes[0].lines if line.get_markersize() < 3]
    assert sum(np.isfinite(line.get_ydata()).sum() for line in single) == 4
    assert {line.get_marker() for line in single} == {*"os^"}, "the mark of their curve, which grey shows too"


def test_older_stores_lack_the_estimate_with_one_mean():
    tree = toy_store(SMALL)
    nodes = {node.path: node.to_dataset() for node in tree["flow"].subtree}
    names = [name for name in nodes["/flow/size=4"].data_vars if str(name).endswith("one_mean")]
    nodes["/flow/size=4"] = nodes["/flow/size=4"].drop_vars(names)
    exhibit = made(FIGURE_6B, xr.DataTree.from_dict({"/": xr.Dataset(), **nodes}))
    assert "epsilon with one mean paper" not in exhibit.numbers["estimate"]
    assert exhibit.numbers.sizes["estimate"] == 2
    assert "No panel: paper's estimator, one bond, one mean off for" in exhibit.caption


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


def test_flow_that_forgets_and_flow_that_remembers():
    fast, slow = (made(fixed_points, toy_store(replace(SMALL, relaxation=tau))) for tau in (1e-3, 5.0))
    key = "T read by the network"
    assert any(key in row.quantity and "not forgotten" in row.remark for row in slow.rows)
    (row,) = [row for row in fast.rows if key in row.quantity]
    assert "not forgotten" not in row.remark
    assert row.ours == pytest.approx(3.0, abs=0.01)


def trained(tree, preset="text", stored=json.dumps, **attributes):
    """Return a store with an rbm that was trained on Ising data at the temperatures of the flow's starts."""
    attrs = {"kernel": "rbm", "params": stored({"preset": preset}), "inputs": stored({"data": "ising"}), **attributes}
    machine = xr.Dataset({"done": ("size", [True])}, {"size": [4]}, attrs)
    data = xr.Dataset(coords={"temperature": STARTS[::-1]}, attrs={"kernel": "ising"})
    return xr.DataTree.from_dict({**tree.to_dict(), "rbm": machine, "ising": data})


@pytest.mark.parametrize("stored", [json.dumps, dict], ids=["JSON text", "a mapping, as older stores have it"])
def test_machine_is_named_with_preset_and_training_set(stored):
    exhibit = made(fixed_points, trained(toy_store(SMALL), stored=stored))
    assert "machine: rbm (preset text, trained on ising)" in exhibit.rows[0].remark
    assert "5 trainings of rbm (preset text, trained on ising), sampled flow" in exhibit.caption


def test_end_of_the_flow_stands_beside_the_training_mixture():
    """A perfect machine ends at the mean exact energy of the training temperatures; T_c is the paper's claim only."""
    energy = np.mean([torus_energy(4, temperature) for temperature in STARTS])
    rows = {row.quantity.split(",")[1]: row for row in made(fixed_points, trained(toy_store(SMALL))).rows[:5]}
    found = rows[" energy per site (J)"]
    assert found.perfect.startswith(f"{energy:.4f}: the training mixture; -1.40")
    assert found.verdict.words.startswith(f"differs from the training mixture ({-1.4 - energy:+.2g}")
    prior_free = rows[" T of the energy"]
    assert prior_free.paper == "flows to T_c = 2.2692"
    assert prior_free.ours == pytest.approx(temperature_of_energy(4, -1.4), abs=0.01)
    assert prior_free.verdict.p < LEVEL
    assert rows[" T read by the network (J/k_B)"].perfect.startswith(f"{STARTS.mean():.4f} ± 0.0000: all")


def test_only_the_labels_that_were_read_make_the_mixture():
    read = json.dumps({"data": {"temperature": [3.0, 2.0]}})
    rows = made(fixed_points, trained(toy_store(SMALL), labels_read=read)).rows
    energy = (torus_energy(4, 2.0) + torus_energy(4, 3.0)) / 2
    assert any(row.perfect.startswith(f"{energy:.4f}: the training mixture") for row in rows)
    network = next(row for row in rows if "read by the network" in row.quantity)
    assert network.verdict is None, "step 0 holds other temperatures than the training data"


def at_three_ages(preset):
    """Return a store with a flow, `ends`, through machines taken at three steps of their training."""
    tree = trained(toy_store(replace(SMALL, snapshots=(1000, 2000, 5000)), "ends"), preset=preset)
    snapshots = xr.Dataset(attrs={"kernel": "rbm_snapshot", "inputs": json.dumps({"machine": "rbm"})})
    nodes = tree.to_dict()
    nodes["/ends"].attrs["inputs"] = json.dumps({"machine": "snapshots"})
    return xr.DataTree.from_dict({**nodes, "snapshots": snapshots})


def test_end_of_preset_code_is_a_distribution():
    """Each training at each step of the training is a point: no mean, no error bar, no verdict."""
    tree = at_three_ages("code")
    exhibit = made(flow_ends, tree)
    assert exhibit.numbers["by_realisation"].sel(quantity="energy").notnull().sum() == 15
    assert len(exhibit.figure.axes) == 4
    assert [label.get_text() for label in exhibit.figure.axes[0].get_xticklabels()] == ["1000", "2000", "5000"]
    assert len(exhibit.rows) == 5
    for row in exhibit.rows:
        assert np.isnan(row.error)
        assert row.verdict is None
        assert "a distribution over 5 trainings at 1000, 2000, 5000 steps" in row.remark
        assert "machine: rbm (preset code, trained on ising)" in row.remark
    assert all(isinstance(maker(tree), Absent) for maker in (figure_2, FIGURE_5A, fixed_points))


def test_oldest_machines_of_a_training_that_settles_are_held_to_the_mixture():
    """Their mean has an error bar and a verdict; younger ones are listed and drawn."""
    exhibit = made(flow_ends, at_three_ages("equilibrium"))
    energy = np.mean([torus_energy(4, temperature) for temperature in STARTS])
    row = next(row for row in exhibit.rows if "energy per site" in row.quantity)
    assert row.ours == pytest.approx(-1.4, abs=0.01)
    assert 0 < row.error < 0.01
    assert row.perfect.startswith(f"{energy:.4f}: the training mixture")
    assert row.verdict.words.startswith(f"differs from the training mixture ({-1.4 - energy:+.2g}")
    assert row.remark.startswith("mean of 5 trainings at 5000 steps; 1000: -1.4")


def test_training_that_settles_has_its_mean_once():
    """Its mean with an error bar is in the table, and the distribution is not; for preset code the other way round."""
    for preset, means, distributions in (("text", 5, 0), ("code", 0, 5)):
        tree = trained(toy_store(SMALL), preset=preset)
        assert sum("mean over starts" in row.quantity for row in made(fixed_points, tree).rows) == means
        assert len(made(flow_ends, tree).rows) == distributions


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


def test_the_legend_has_all_temperatures_and_each_looks_alike_in_all_panels():
    """The torus estimator, in the second panel, has a temperature that the first one has not."""
    labels = np.where(STARTS == 2.1, CRITICAL_TEMPERATURE, STARTS)
    dims = ("start_temperature", "temperature_class")
    nodes = {node.path: node.to_dataset(inherit=False) for node in toy_store(SMALL).subtree}
    named = {
        path: data.assign_coords({dim: labels for dim in dims if dim in data.dims}) for path, data in nodes.items()
    }
    figure = made(FIGURE_5A, xr.DataTree.from_dict(named)).figure
    (legend,) = figure.legends
    assert {text.get_text() for text in legend.texts} >= {"T = 2.2", "T = 2.269", "T = 2.3"}
    looks = [
        (container.get_label(), (container[0].get_color(), container[0].get_marker()))
        for panel in figure.axes
        for container in panel.containers
    ]
    assert len(dict(looks)) == len(set(looks)) == 3
    levels = [line for panel in figure.axes for line in panel.lines if line.get_linestyle() == "--"]
    assert {(line.get_color(), line.get_marker()) for line in levels} == set(dict(looks).values()), (
        "also without colour"
    )
