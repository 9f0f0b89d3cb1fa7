"""The exhibit of effective couplings, on a store with machines that are made by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from toy_layers import as_tree, stage, trainings

from sweep.analysis.estimators.coupling_cases import coupling_cases
from sweep.analysis.exact.ising import CRITICAL_TEMPERATURE
from sweep.analysis.exact.perfect_machines import ising_machine
from sweep.analysis.exact.small_machines import Machine
from sweep.analysis.exhibits import effective_couplings as exhibits
from sweep.analysis.exhibits.effective_couplings import effective_couplings
from sweep.analysis.exhibits.exhibit import Absent, Exhibit, Row
from sweep.analysis.report.report import write_report

SIZE, TRAININGS, STEPS = 4, 3, [0, 100, 200]
PARTS = {"weights": ("visible", "hidden_unit"), "visible_bias": ("visible",), "hidden_bias": ("hidden_unit",)}


def _ising(strength: float, noise: float = 0.0, seed: int = 0) -> Machine:
    """Return the Ising machine at T_c with its weights times a number, and noise on them."""
    machine = ising_machine(SIZE, CRITICAL_TEMPERATURE)
    rng = np.random.default_rng(seed)
    return machine._replace(weights=machine.weights * strength + rng.normal(0, noise, machine.weights.shape))


def _outputs(machine: Machine) -> xr.Dataset:
    return xr.Dataset({name: (PARTS[name], part.astype(np.float32)) for name, part in machine._asdict().items()})


def _trained(data: str, noise: float) -> dict[str, xr.Dataset]:
    """Return a stage whose machines are the Ising model at the end, half way at step 100, noise at first."""
    strengths = dict(zip(STEPS, (0.0, 0.5, 1.0), strict=True))
    each = []
    for training in range(TRAININGS):
        at = [_outputs(_ising(strengths[step], noise, training)).expand_dims(snapshot=[step]) for step in STEPS[:2]]
        kept = xr.concat(at, "snapshot").rename({name: f"snapshot_{name}" for name in PARTS})
        each.append(xr.merge([_outputs(_ising(strengths[STEPS[2]], noise, training)), kept]))
    inner = xr.concat(each, "realisation").assign_coords(size=SIZE, step=[100, 200])
    params = {"preset": "code", "steps": 200, "initial_scale": 0.05, "hidden": 32}
    axes = {"temperature": None, **trainings(TRAININGS)}
    top = stage("rbm", inputs={"data": data}, params=params, axes=axes, size=SIZE)
    return {"": top, f"/size={SIZE}": inner}


def coupling_store(temperatures: tuple[float, ...] = (CRITICAL_TEMPERATURE,)) -> xr.DataTree:
    """Return a store with trainings on data, on renamed sites and on hidden units, and an exact machine."""
    data = {"temperature": list(temperatures)}
    exact = stage("ising_machine", size=SIZE)
    inner = _outputs(_ising(1.0)).expand_dims(temperature=[CRITICAL_TEMPERATURE]).assign_coords(size=SIZE)
    return as_tree(
        {
            "ising": {"": stage("ising", axes=data, size=SIZE)},
            "permuted": {"": stage("permuted_spins", inputs={"data": "ising"}, size=SIZE)},
            "machine": _trained("ising", 0.01),
            "layer": {"": stage("encode", inputs={"machine": "machine", "data": "ising"}, size=SIZE)},
            "second": _trained("layer", 0.01),
            "renamed": _trained("permuted", 0.01),
            "exact": {"": exact, f"/size={SIZE}": inner},
        }
    )


@pytest.fixture(scope="module")
def exhibit() -> Exhibit:
    made = effective_couplings(coupling_store())
    assert isinstance(made, Exhibit)
    return made


def _row(exhibit: Exhibit, name: str, stage_name: str) -> Row:
    (found,) = [row for row in exhibit.rows if row.quantity.startswith(f"{exhibits.WORDS[name]} ({stage_name},")]
    return found


def test_every_machine_on_a_lattice_is_a_case_and_none_on_hidden_units(exhibit: Exhibit) -> None:
    labels = [case.label for case in coupling_cases(coupling_store())]
    assert labels == [
        "machine, 4×4, 32 hidden units, T = 2.269",
        "renamed, 4×4, 32 hidden units, site-permuted",
        "exact, 4×4, 32 hidden units, T = 2.269",
    ]
    assert len(exhibit.rows) == len(labels) * len(exhibits.WORDS)


def test_the_machine_that_is_the_ising_model_reads_as_it(exhibit: Exhibit) -> None:
    """To the 7 digits that a store keeps of weights."""
    nearest = _row(exhibit, "nearest", "exact")
    assert nearest.exact == f"1/T = {1 / CRITICAL_TEMPERATURE:.4f}"
    assert nearest.ours == pytest.approx(1 / CRITICAL_TEMPERATURE, abs=1e-6)
    assert _row(exhibit, "range", "exact").ours == pytest.approx(1, abs=1e-6)
    for name in ("share_beyond", "field", "share_beyond_pairs"):
        assert _row(exhibit, name, "exact").ours == pytest.approx(0, abs=1e-6)
        assert _row(exhibit, name, "exact").exact == "0"
    assert "before training" not in _row(exhibit, "largest_singular_value", "exact").remark


def test_rows_are_means_over_trainings_at_their_end(exhibit: Exhibit) -> None:
    """Half the weights are a quarter of the coupling, about: another step than the last would show."""
    row = _row(exhibit, "nearest", "machine")
    case = coupling_cases(coupling_store())[0]
    each = case.numbers()["nearest"].isel(snapshot=-1)
    assert row.quantity.endswith("after 200 steps)")
    assert row.ours == pytest.approx(float(each.mean()))
    assert row.error == pytest.approx(float(each.std(ddof=1)) / np.sqrt(TRAININGS))
    assert row.ours == pytest.approx(1 / CRITICAL_TEMPERATURE, rel=0.03)
    assert row.remark.count(",") >= TRAININGS - 1
    assert 0 < _row(exhibit, "share_beyond", "machine").ours < 0.05
    assert "0.7333 where all pairs of sites are coupled alike" in _row(exhibit, "share_beyond", "machine").remark
    assert "0.483 before training" in _row(exhibit, "largest_singular_value", "machine").remark


def test_steps_of_a_training_come_in_their_order() -> None:
    numbers = coupling_cases(coupling_store())[0].numbers()
    assert numbers["snapshot"].values.tolist() == STEPS
    nearest = numbers["nearest"].mean("realisation").values
    assert np.all(np.diff(nearest) > 0.05)
    assert abs(nearest[0]) < 0.01


def test_nothing_is_known_of_machines_on_a_mixture_of_temperatures_or_on_renamed_sites(exhibit: Exhibit) -> None:
    mixed = effective_couplings(coupling_store((1.0, CRITICAL_TEMPERATURE)))
    assert isinstance(mixed, Exhibit)
    for made, name in ((mixed, "machine"), (exhibit, "renamed")):
        rows = [_row(made, quantity, name) for quantity in exhibits.WORDS]
        assert [row.exact for row in rows] == [""] * len(rows)
        assert "T = " not in rows[0].quantity


def test_numbers_behind_the_figure_are_all_there(exhibit: Exhibit, tmp_path: Path) -> None:
    write_report(coupling_store(), tmp_path, (lambda _: exhibit,))
    numbers = pd.read_csv(tmp_path / "effective-couplings.csv", comment="#")
    each = 7 + 2 * 5 + 16  # numbers of a machine, at 5 distances, and singular values
    assert len(numbers) == each * (2 * TRAININGS * len(STEPS) + 1)
    assert not numbers["value"].isna().any()
    at = numbers[(numbers["quantity"] == "coupling") & numbers["case"].str.startswith("exact")]
    assert at["value"].values == pytest.approx([1 / CRITICAL_TEMPERATURE, 0, 0, 0, 0], abs=1e-6)


def test_machines_that_would_take_too_long_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exhibits, "LARGEST", 10)
    absent = effective_couplings(coupling_store())
    assert isinstance(absent, Absent)
    assert "10 at most" in absent.reason


def _with_trainings_that_ran_away(how: dict[int, float], stages: tuple[str, ...] = ("machine",)) -> xr.DataTree:
    """Return the store where all weights of some trainings became one number."""
    tree = coupling_store()
    for name in stages:
        inner = tree[f"{name}/size={SIZE}"]
        data = inner.to_dataset()
        for training, weight in how.items():
            data["weights"][{"realisation": training}] = weight
        inner.dataset = data
    return tree


def test_trainings_that_ran_away_are_named_and_no_report_falls_over_them(tmp_path: Path) -> None:
    tree = _with_trainings_that_ran_away({0: np.nan, 1: 1e30})
    made = effective_couplings(tree)
    assert isinstance(made, Exhibit)
    row = _row(made, "nearest", "machine")
    assert "2 of 3 trainings ran away" in row.remark
    assert "the trainings: nan, nan, 0.4" in row.remark
    assert row.ours == pytest.approx(1 / CRITICAL_TEMPERATURE, rel=0.03)
    assert np.isnan(row.error)
    page = write_report(tree, tmp_path, (lambda _: made,)).read_text()
    assert "the trainings: none, none, 0.4" in page


def test_where_every_training_ran_away_there_is_no_figure_and_a_reason() -> None:
    every = dict.fromkeys(range(TRAININGS), 1e30)
    made = effective_couplings(_with_trainings_that_ran_away(every, ("machine", "renamed")))
    assert isinstance(made, Exhibit), "the exact machine is left"
    assert np.isnan(_row(made, "range", "machine").ours)
    tree = _with_trainings_that_ran_away(every, ("machine", "renamed"))
    del tree["exact"]
    made = effective_couplings(tree)
    assert isinstance(made, Absent)
    assert made.reason.startswith("trainings ran away")
