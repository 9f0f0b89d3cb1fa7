"""The page of a stage whose kernel nobody knows: its numbers, its figure, what gets one."""

from __future__ import annotations

import itertools
import pickle
from functools import partial
from importlib.metadata import EntryPoint
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from analysis_stores import ising_store
from matplotlib.backends.backend_agg import FigureCanvasAgg

from sweep.analysis.estimators.chains import mixing
from sweep.analysis.exhibits import catalogue
from sweep.analysis.exhibits.exhibit import Absent
from sweep.analysis.exhibits.own_stage import stage_exhibit
from sweep.analysis.exhibits.thermodynamics import thermodynamics
from sweep.analysis.report.report import write_report

VALUES = np.random.default_rng(1).normal(size=(3, 2, 4, 50))  # temperature, field, realisation, sample
LOSS = np.arange(3 * 2 * 4 * 5.0).reshape(3, 2, 4, 5)


def own_store(done: bool = True) -> xr.DataTree:
    dims = ("temperature", "field", "realisation")
    data = xr.Dataset(
        {
            "done": (dims, np.full((3, 2, 4), done)),
            "magnet": ((*dims, "sample"), VALUES, {"units": "J"}),
            "loss": ((*dims, "step"), LOSS),
            "word": (dims, np.full((3, 2, 4), "a")),
        },
        coords={
            "temperature": ("temperature", [1.0, 2.0, 3.0], {"units": "1", "reduced_units": "J/k_B"}),
            "field": ["low", "high"],
            "realisation": range(4),
            "step": range(5),
        },
        attrs={"kernel": "mine:MODEL", "kernel_version": 1, "description": "a model"},
    )
    root = xr.Dataset(attrs={"name": "own", "seed": 1, "grid": "", "packages": {}})
    return xr.DataTree.from_dict({"/": root, "/magnet": data})


def test_every_output_has_its_mean_and_error_at_every_place():
    exhibit = stage_exhibit(own_store(), "magnet")
    assert not isinstance(exhibit, Absent)
    frame = exhibit.numbers.to_dataframe()
    assert set(frame["output"]) == {"magnet", "loss"}
    at = frame.query("output == 'magnet' and temperature == 2.0 and field == 'high'").iloc[0]
    each = VALUES[1, 1].mean(axis=-1)
    assert at["value"] == pytest.approx(each.mean())
    assert at["error"] == pytest.approx(each.std(ddof=1) / 2)
    assert set(zip(frame["output"], frame["units"], strict=True)) == {("magnet", "J"), ("loss", "")}
    assert exhibit.numbers["temperature"].attrs["units"] == "J/k_B"
    draws = mixing(VALUES[1, 1])
    assert at["effective"] == pytest.approx(draws.effective)
    assert f"worth {draws.effective:.0f} independent ones" in exhibit.rows[2].remark, "temperature 2, field high"
    track = frame.query("output == 'loss' and temperature == 1.0 and field == 'low'")
    np.testing.assert_allclose(track["value"], LOSS[0, 0].mean(axis=0))
    assert len(exhibit.rows) == 6
    assert exhibit.rows[0].quantity == "magnet (J) at temperature 1, field high"


def test_a_report_shows_it_and_nothing_that_it_cannot(tmp_path):
    told: list[tuple[int, int]] = []
    page = write_report(own_store(), tmp_path, progress=lambda *done: told.append(done)).read_text()
    assert told == [(0, 1), (1, 1)]
    assert "magnet: a model" in page
    assert (tmp_path / "stage-magnet.csv").read_text().startswith("# magnet: a model\n")
    assert "Not shown" not in page, "the paper's figures have no stage here"
    assert "the paper claims" not in page
    assert isinstance(stage_exhibit(own_store(done=False), "magnet"), Absent)


def test_stages_of_known_kernels_get_what_they_may_give_and_packages_add_theirs(monkeypatch):
    mine = Absent("mine", "for this test")
    good = SimpleNamespace(load=lambda: lambda tree: mine)
    monkeypatch.setattr(catalogue, "entry_points", lambda group: [good])
    *own, added = catalogue.makers_for(ising_store())
    assert own == [thermodynamics, catalogue.FIGURE_5B, catalogue.FIGURE_6A]
    assert added(ising_store()) is mine


def test_an_axis_with_one_label_has_no_panel_and_what_is_left_out_is_said():
    one = own_store().children["magnet"].to_dataset().isel(field=[0])
    root = own_store().to_dataset()
    exhibit = stage_exhibit(xr.DataTree.from_dict({"/": root, "/magnet": one}), "magnet")
    assert not isinstance(exhibit, Absent)
    assert [panel.get_xlabel() for panel in exhibit.figure.axes] == ["temperature (J/k_B)", "step"]
    assert exhibit.caption.endswith(" All at field low.")
    many = xr.concat([one.assign_coords(field=[f"{place}"]) for place in range(300)], "field")
    exhibit = stage_exhibit(xr.DataTree.from_dict({"/": root, "/magnet": many}), "magnet")
    assert not isinstance(exhibit, Absent)
    assert len(exhibit.rows) == 200
    words = " Curves: the first 6 of up to 300 in a panel. Table: the first 200 of 900 rows. The CSV has all."
    assert exhibit.caption.endswith(words)


def store_of(**outputs: np.ndarray) -> xr.DataTree:
    """Return a store with a stage `s` over two words, with dollars, long or many, and three realisations."""
    count = len(next(iter(outputs.values())))
    data = xr.Dataset(
        {"done": (("rule", "realisation"), np.full((count, 3), True))}
        | {name: (("rule", "realisation"), values) for name, values in outputs.items()},
        coords={"rule": [f"$a_{place}$ of {'a long name' * 5}" for place in range(count)], "realisation": range(3)},
        attrs={"kernel": "mine:MODEL", "kernel_version": 1},
    )
    return xr.DataTree.from_dict({"/": xr.Dataset(attrs={"name": "s", "seed": 1}), "/s": data})


def test_complex_outputs_are_shown_as_two_and_what_has_no_number_says_so(tmp_path):
    numbers = np.arange(6.0).reshape(2, 3)
    numbers[1, 2] = np.nan
    tree = store_of(none=np.full((2, 3), np.nan), wave=numbers + 1j * np.ones((2, 3)), flag=numbers > 2)
    exhibit = stage_exhibit(tree, "s")
    assert not isinstance(exhibit, Absent)
    values = exhibit.numbers.to_dataframe().set_index("output")["value"]
    assert values.to_dict() | {"none": 0.0} == {
        "none": 0.0,
        "wave, real part": 3.5,
        "wave, imaginary part": 1.0,
        "flag": pytest.approx(2 / 3),
    }
    remarks = {row.remark for row in exhibit.rows}
    assert remarks == {"3 copies", "3 copies, 3 without a number", "3 copies, 1 without a number"}
    assert [text.get_text() for text in exhibit.figure.axes[0].texts] == ["no point has a number"]
    write_report(tree, tmp_path)
    empty = xr.DataTree.from_dict({"/": xr.Dataset(), "/s": tree["s"].to_dataset()[["done"]]})
    assert stage_exhibit(empty, "s") == Absent("s: mine:MODEL", "the stage s has no outputs")


def test_words_along_an_axis_are_beside_each_other(tmp_path):
    tree = store_of(energy=np.random.default_rng(2).normal(size=(200, 3)))
    exhibit = stage_exhibit(tree, "s")
    assert not isinstance(exhibit, Absent)
    (panel,) = exhibit.figure.axes
    FigureCanvasAgg(exhibit.figure).draw()
    boxes = [label.get_window_extent() for label in panel.get_xticklabels()]
    assert len(boxes) == 20
    assert all(left.x1 < right.x0 for left, right in itertools.pairwise(boxes))
    assert min(box.y0 for box in boxes) >= 0
    assert len(panel.containers[0][0].get_xdata()) == 200, "all points are drawn"


def test_legends_above_panels_are_in_the_figure_and_apart():
    dims = ("states", "size", "temperature", "replica")
    data = xr.Dataset(
        {"done": (dims[:3], np.full((2, 2, 6), True)), "energy": (dims, np.arange(96.0).reshape(2, 2, 6, 4))},
        coords={"states": [2, 3], "size": [8, 16], "temperature": np.linspace(0.8, 1.3, 6)},
        attrs={"kernel": "potts:POTTS", "kernel_version": 1},
    )
    exhibit = stage_exhibit(xr.DataTree.from_dict({"/": xr.Dataset(), "/potts": data}), "potts")
    assert not isinstance(exhibit, Absent)
    FigureCanvasAgg(exhibit.figure).draw()
    boxes = [panel.get_legend().get_window_extent() for panel in exhibit.figure.axes if panel.get_legend()]
    assert len(boxes) == 3
    assert min(box.x0 for box in boxes) >= 0
    assert max(box.x1 for box in boxes) <= exhibit.figure.bbox.width
    assert all(left.x1 < right.x0 for left, right in itertools.pairwise(boxes))


def test_another_process_finds_every_exhibit() -> None:
    """Those of other packages too, by the name that they gave them, whatever stands behind it."""
    added = partial(catalogue._added, entry=EntryPoint("mine", "mine:exhibit", catalogue.GROUP))
    for maker in (*catalogue.SHOWN, added):
        assert pickle.dumps(pickle.loads(pickle.dumps(maker))) == pickle.dumps(maker)
