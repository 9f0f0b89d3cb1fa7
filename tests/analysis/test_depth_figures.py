"""Figures 14a and 14b, Monte Carlo RG and block information, on a store whose machines are block spins in disguise."""

from __future__ import annotations

import re

import numpy as np
import pytest
import xarray as xr
from block_machines import block_machine_store

from sweep.analysis.exact.ising import CRITICAL_TEMPERATURE
from sweep.analysis.exhibits.block_information import block_information
from sweep.analysis.exhibits.exhibit import Absent
from sweep.analysis.exhibits.figure_14a import figure_14a
from sweep.analysis.exhibits.figure_14b import figure_14b
from sweep.analysis.exhibits.monte_carlo_rg import monte_carlo_rg
from sweep.analysis.report.words import measured

MAKERS = (figure_14a, figure_14b, monte_carlo_rg, block_information)


@pytest.fixture(scope="module")
def store():
    return block_machine_store(16, (CRITICAL_TEMPERATURE, 2.4), count=800)


@pytest.fixture(scope="module")
def exhibits(store):
    return {maker: maker(store) for maker in MAKERS}


def rows_of(exhibit, *words):
    return [row for row in exhibit.rows if all(word in row.quantity for word in words)]


@pytest.mark.parametrize("maker", MAKERS)
def test_without_data_the_reason_is_given(maker):
    empty = xr.DataTree.from_dict({"/": xr.Dataset(attrs={"name": "empty", "seed": 1, "grid": "", "packages": {}})})
    assert isinstance(maker(empty), Absent)


@pytest.mark.parametrize("maker", MAKERS)
def test_numbers_are_one_table(exhibits, maker):
    """What the report writes: every number that is drawn, in a frame, and rows with values."""
    exhibit = exhibits[maker]
    frame = exhibit.numbers.to_dataframe().reset_index()
    assert 0 < len(frame) < 20_000
    assert len(exhibit.rows) == len({row.quantity for row in exhibit.rows}) > 0
    assert all(measured(row) != "none" for row in exhibit.rows)


def test_rg_layers_agree_with_exact_averages(exhibits):
    """Four verdicts at p = 0.05: with this seed none says that they differ (chance 0.19 otherwise)."""
    rows = rows_of(exhibits[figure_14a], "temperature of RG layer", "averages")
    assert len(rows) == 4
    assert all("agrees" in row.verdict.words for row in rows)
    assert {row.perfect for row in rows} >= {"2.4672, exact"}
    assert not rows_of(exhibits[figure_14a], "grows", "T = 2.269"), "0 does not grow"
    assert len(rows_of(exhibits[figure_14a], "grows", "T = 2.4")) == 4


def test_machines_in_disguise_jump_and_come_back_in_their_gauge(exhibits):
    exhibit = exhibits[figure_14b]
    for row in rows_of(exhibit, "raw labels"):
        assert measured(row) == "∞"
        assert "is not above 0" in row.remark
    for row in rows_of(exhibit, "signs and places fixed"):
        known = float(re.search(r"majority ([\d.]+)", row.perfect)[1])
        assert abs(row.ours - known) < 5 * np.sqrt(2) * row.error
    shuffled = rows_of(exhibit, "shuffled labels")
    assert len(shuffled) == 4
    assert all("agrees" in row.verdict.words for row in shuffled), "chance 0.19 with another seed"


def test_machines_in_disguise_are_rg_steps(exhibits):
    rows = rows_of(exhibits[monte_carlo_rg], "signs and places fixed")
    assert len(rows) == 4
    for row in rows:
        known, error = map(float, re.match(r"([\d.]+) ± ([\d.]+)", row.perfect).groups())
        assert abs(row.ours - known) < 3 * np.hypot(row.error, error), "chance 0.01 with another seed"
        assert "fewer than 3 trainings" in row.verdict.words


def test_units_cut_to_their_block_know_what_majority_knows(exhibits):
    exhibit = exhibits[block_information]
    (cut,), (majority,) = rows_of(exhibit, "cut to its block"), rows_of(exhibit, "majority")
    assert cut.ours == pytest.approx(majority.ours, abs=2e-3)
    assert f"majority {majority.ours:.3f}" in cut.perfect


def test_a_layer_without_a_gauge_is_told_by_its_labels_alone(store):
    """A store that correlates only the first layer with the data."""
    nodes = {node.path: node.to_dataset(inherit=False) for node in store.subtree}
    tree = xr.DataTree.from_dict({path: data for path, data in nodes.items() if "correlation_2" not in path})
    exhibit = figure_14b(tree)
    assert {row.quantity.split(",")[0] for row in rows_of(exhibit, "places fixed")} == {"temperature of layer 1"}
    assert len(rows_of(exhibit, "raw labels")) == 4
