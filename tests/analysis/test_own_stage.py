"""The page of a stage whose kernel nobody knows: its numbers, its figure, what gets one."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from analysis_stores import ising_store

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
    bad = EntryPoint("theirs", "nowhere:exhibit", catalogue.GROUP)
    monkeypatch.setattr(catalogue, "entry_points", lambda group: [good, bad])
    *own, first, second = catalogue.makers_for(ising_store())
    assert own == [thermodynamics, catalogue.FIGURE_5B, catalogue.FIGURE_6A]
    assert first(ising_store()) is mine
    assert second(ising_store()) == Absent(
        "theirs", "nowhere:exhibit raised ModuleNotFoundError: No module named 'nowhere'"
    )
