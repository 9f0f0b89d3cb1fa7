"""Figures 7 to 13: what they draw, what the table says, and what they say where something is missing."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from toy_layers import as_tree, layer_stages, panel_store, pattern_store

from sweep.analysis.claims.paper import BOARDS_PEAKS
from sweep.analysis.estimators.layers import layer_correlations
from sweep.analysis.exhibits.exhibit import Absent, Exhibit
from sweep.analysis.exhibits.figure_7 import figure_7
from sweep.analysis.exhibits.figure_8 import figure_8, figure_8_controls
from sweep.analysis.exhibits.figure_9 import figure_9
from sweep.analysis.exhibits.figure_10 import figure_10
from sweep.analysis.exhibits.figure_11 import figure_11
from sweep.analysis.exhibits.figure_12 import FIGURE_12
from sweep.analysis.exhibits.figure_13 import FIGURE_13
from sweep.analysis.exhibits.layer_cases import one_of_each, shown
from sweep.analysis.exhibits.panel_drawing import mosaic
from sweep.analysis.report.report import write_report

MAKERS = (figure_7, figure_8, figure_8_controls, figure_9, figure_10)


@pytest.fixture(scope="module")
def store():
    return panel_store(size=8)


@pytest.fixture(scope="module")
def exhibits(store):
    found = {maker.__name__: maker(store) for maker in MAKERS}
    assert all(isinstance(one, Exhibit) for one in found.values())
    return found


def row(exhibit, *words):
    (found,) = (one for one in exhibit.rows if all(word in one.quantity for word in words))
    return found


def test_letters_are_those_of_the_paper(store):
    cases = layer_correlations(store)
    letters = {kind: [(one.letter, one.case.stage) for one in shown(cases, kind)] for kind in ("RG", "RBM")}
    assert letters["RG"] == [(letter, f"rg_correlation_{letter}") for letter in "abc"]
    assert letters["RBM"] == [("a-i", "first"), ("a-ii", "second"), ("a-iii", "stack"), ("b", "single")]
    assert [one.letter for one in one_of_each(shown(cases, "RG") * 2)] == ["a", "b", "c"]


def test_larger_squares_show_a_block_and_say_so():
    panels = xr.DataArray(np.arange(256.0).reshape(256, 1, 1) * np.ones((3, 3)), dims=("hidden_unit", "y", "x"))
    block = mosaic("x", panels)
    assert block.note == "64 of 256 units, the upper left 8×8 of their square"
    np.testing.assert_array_equal(block.panels[:9, 0, 0], [0, 1, 2, 3, 4, 5, 6, 7, 16])
    assert block.image.shape == (31, 31)
    odd = mosaic("x", panels[:5])
    assert (odd.note, odd.image.shape) == ("all 5 units", (7, 11))
    assert mosaic("x", panels[:1]).image.shape == (3, 3)


def test_table_of_patches_has_exact_values_controls_and_every_training(exhibits):
    assert "RBM 64→16: 2 configurations, 2 trainings of machine_half" in exhibits["figure_8"].caption
    one = row(exhibits["figure_8"], "exactly one bright patch", "8a-i:")
    assert one.ours > 0.9
    assert one.perfect.startswith("exact block spins 1; untrained 0")
    assert "site-permuted" in one.perfect
    assert one.remark.startswith("by training: ")
    assert "put in place by their own correlation" in row(exhibits["figure_8"], "patches per unit", "8a-ii:").remark
    similar = row(exhibits["figure_8"], "⟨m⟩ taken out", "8a-iii")
    assert similar.paper == '8a-iii and 7c "very similar"'
    assert row(exhibits["figure_7"], "sign +1", "7a").ours == 1


def test_false_claim_of_the_text_is_a_row(exhibits):
    far = row(exhibits["figure_7"], "farthest", "7a")
    assert far.paper == '"the correlation has dropped to zero"'
    assert abs(far.ours - float(far.exact)) < 4 * far.error
    assert far.ours > 10 * far.error
    assert far.verdict.given


def test_slope_and_offset_are_rows(exhibits):
    slope = row(exhibits["figure_9"], "slope of a line", "9a")
    assert abs(slope.ours - float(slope.exact)) < 4 * slope.error
    assert slope.verdict.given
    offset = row(exhibits["figure_10"], "offset", "10a-iii")
    assert "(1/N_h) Σ ⟨m h_a⟩² of the same configurations" in offset.remark
    assert offset.verdict is None
    assert "untrained" in row(exhibits["figure_10"], "slope of a line", "10a-i:").perfect
    titles = [panel.get_title() for panel in exhibits["figure_10"].figure.axes]
    assert not any("a-ii:" in title for title in titles), "hidden units have no distances"


def test_scales_are_shared_and_labelled(exhibits):
    for name, quantities in (("figure_7", 1), ("figure_8", 2), ("figure_8_controls", 2)):
        panels = exhibits[name].figure.axes
        scales = {image.get_clim() for panel in panels for image in panel.get_images()}
        assert len(scales) == quantities, name
        labels = [panel.get_xlabel() for panel in panels if "langle" in panel.get_xlabel()]
        assert len(labels) == quantities, name


def test_csv_holds_the_panels_that_are_drawn(store, exhibits):
    numbers = exhibits["figure_7"].numbers
    first = numbers["correlation"].values[numbers["shown"].values == "7a: RG 8→4"]
    (case,) = (case for case in layer_correlations(store) if case.stage == "rg_correlation_a")
    np.testing.assert_array_equal(first, case.data["correlation"].values.ravel())


def test_patterns():
    store = pattern_store()
    noise, boards = FIGURE_12(store), FIGURE_13(store)
    assert row(noise, "slope").verdict.p > 1e-3
    alike = [row(boards, "correlation of G(d)", f"squares of {block}×").ours for block in (4, 8, 16)]
    assert max(abs(one) for one in alike[:2]) < 0.2
    assert alike[2] > 0.8
    assert boards.numbers["panel_correlation"].sizes["shown"] == 3
    peaks = {one.where: one.value for one in boards.evidence if one.claim is BOARDS_PEAKS}
    assert peaks == {"squares of 4×4, 32×32": 5, "squares of 8×8, 32×32": 2}


def test_larger_lattice_is_figure_11(store):
    assert "only lattice" in figure_11(store).reason
    larger = {
        f"large_{node.path[1:]}": node.to_dataset(inherit=False)
        for node in panel_store(size=16).subtree
        if node.path != "/"
    }
    for data in larger.values():
        if "inputs" in data.attrs:
            data.attrs["inputs"] = data.attrs["inputs"].replace(': "', ': "large_')
    nodes = {node.path: node.to_dataset(inherit=False) for node in store.subtree}
    both = xr.DataTree.from_dict({**nodes, **larger})
    titles = [panel.get_title() for panel in figure_11(both).figure.axes]
    assert titles[:2] == ["11: RG 16→8", "11: RBM 256→64, preset code"]
    assert {one.case.stage for one in shown(layer_correlations(both), "RBM")} == {"first", "second", "stack", "single"}


@pytest.mark.parametrize("maker", [*MAKERS, figure_11, FIGURE_12, FIGURE_13])
def test_without_correlations_there_is_a_reason(maker):
    absent = maker(as_tree(layer_stages()))
    assert isinstance(absent, Absent)
    assert absent.reason


def test_incomplete_trainings_are_left_out_and_nothing_complete_is_absent(store):
    nodes = {node.path: node.to_dataset(inherit=False) for node in store.subtree}
    for path, data in nodes.items():
        if data.attrs.get("kernel") == "layer_correlation" and "realisation" in data["done"].dims:
            done = data["done"].copy(data=np.broadcast_to([True, False], data["done"].shape))
            nodes[path] = data.assign(done=done)
    one = figure_8(xr.DataTree.from_dict(nodes))
    assert "1 training of machine_half" in one.caption
    assert "by training" not in row(one, "exactly one bright patch", "8a-i:").remark
    for path, data in nodes.items():
        if data.attrs.get("kernel") == "layer_correlation":
            nodes[path] = data.assign(done=xr.zeros_like(data["done"]))
    assert isinstance(figure_8(xr.DataTree.from_dict(nodes)), Absent)


def test_report_writes_them_all(store, tmp_path):
    page = write_report(store, tmp_path, (figure_9,)).read_text()
    assert "offset of G(d)" in page
    assert (tmp_path / "figure-9.csv").read_text().count("\n") > 10
    assert (tmp_path / "figure-9.png").stat().st_size > 1000
