"""The exhibit of Appendix B, on a store with trainings that are made by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from sweep.analysis.estimators.enumerated_machines import machine_cases
from sweep.analysis.exact.counterexample import machine_and_product
from sweep.analysis.exact.enumeration import ising_hamiltonian
from sweep.analysis.exact.ising import CRITICAL_TEMPERATURE
from sweep.analysis.exact.perfect_machines import best_machine
from sweep.analysis.exact.small_machines import Machine, mapping_of
from sweep.analysis.exhibits.appendix_b import appendix_b
from sweep.analysis.exhibits.exhibit import Absent, Exhibit
from sweep.analysis.report.report import write_report

STEPS, HIDDEN, TRAININGS = [0, 10, 100], [2, 8], 3


def _shrunk(machine: Machine, step: int, training: int) -> Machine:
    """Return what stands for a training: small weights at first, the best machine at last, a little noise always."""
    noise = np.random.default_rng([step, training]).normal(0, 0.02, machine.weights.shape)
    return machine._replace(weights=(0.1 + 0.9 * step / 100) * machine.weights + noise)


def small_store(temperatures: tuple[float, ...] = (CRITICAL_TEMPERATURE,), undone: int | None = None) -> xr.DataTree:
    """Return a store with a stage of data and one of trainings on 3x3 spins, laid out as the framework does."""
    done = np.ones((1, len(HIDDEN), TRAININGS), bool)
    if undone is not None:
        done[..., undone] = False
    axes = {"size": [3], "hidden": HIDDEN, "realisation": np.arange(TRAININGS)}
    attributes = {"kernel_version": 1, "params": "{}"}
    packages = json.dumps({"numpy": "2"})
    nodes = {"/": xr.Dataset(attrs={"name": "toy", "seed": 1, "grid": "name: toy", "packages": packages})}
    nodes["/ising"] = xr.Dataset(
        {"done": (("size", "temperature"), np.ones((1, len(temperatures)), bool))},
        {"size": [3], "temperature": list(temperatures)},
        attributes | {"kernel": "ising", "inputs": "{}"},
    )
    nodes["/machine"] = xr.Dataset(
        {"done": (tuple(axes), done)}, axes, attributes | {"kernel": "rbm", "inputs": json.dumps({"data": "ising"})}
    )
    for hidden in HIDDEN:
        best = best_machine(ising_hamiltonian(3, CRITICAL_TEMPERATURE), hidden, 1)
        trainings = [[_shrunk(best, step, training) for step in STEPS] for training in range(TRAININGS)]
        parts = {name: np.array([[getattr(m, name) for m in ms] for ms in trainings]) for name in Machine._fields}
        dims = {"weights": ("visible", "hidden_unit"), "visible_bias": ("visible",), "hidden_bias": ("hidden_unit",)}
        nodes[f"/machine/size=3/hidden={hidden}"] = xr.Dataset(
            {f"snapshot_{name}": (("realisation", "snapshot", *dims[name]), part) for name, part in parts.items()},
            {"snapshot": STEPS, "size": 3, "hidden": hidden},
        )
    return xr.DataTree.from_dict(nodes)


@pytest.fixture(scope="module")
def exhibit() -> Exhibit:
    made = appendix_b(small_store())
    assert isinstance(made, Exhibit)
    return made


def test_snapshots_that_a_training_has_not_come_to_are_left_out() -> None:
    """A preset may name more steps than there are: those are NaN in the store."""
    tree = small_store()
    tree["machine"].dataset = tree["machine"].to_dataset().assign_coords(step=[STEPS[-2]])
    for case in machine_cases(tree):
        np.testing.assert_array_equal(case.machines["snapshot"], STEPS[:-1])


def test_machines_of_a_store_are_the_ones_that_were_put_there() -> None:
    """Training and snapshot by their places, units in their order: a transposed weight would show in every number."""
    for case in machine_cases(small_store()):
        best = best_machine(case.hamiltonian, case.hidden, 1)
        table = case.mappings()
        for training, snapshot in np.ndindex(TRAININGS, len(STEPS)):
            known = mapping_of(_shrunk(best, STEPS[snapshot], training), case.hamiltonian)
            assert float(table["divergence"][training, snapshot]) == pytest.approx(known.divergence, abs=1e-12)


def test_rows_have_the_ends_of_trainings_beside_the_best_machine(exhibit: Exhibit) -> None:
    rows = {row.quantity: row for row in exhibit.rows}
    spreads = {case.hidden: case.mappings()["spread"].isel(snapshot=-1) for case in machine_cases(small_store())}
    for hidden, spread in spreads.items():
        place = f"after 100 steps (machine, 3×3, {hidden} hidden units, T = 2.269)"
        row = rows[f"s.d. of ln Tr_h exp(T) over the data {place}"]
        assert row.ours == pytest.approx(float(spread.mean()))
        assert row.error == pytest.approx(float(spread.std(ddof=1)) / np.sqrt(TRAININGS))
        assert row.verdict is None, "training by samples has no null that is known: only the least value"
    assert "0.39: the best of 2 units" in next(row.exact for name, row in rows.items() if "2 hidden" in name)
    assert rows["largest |KL + ΔF + ⟨ln Tr_h exp(T)⟩| of all small machines, trainings and snapshots"].ours < 1e-12
    perfect = rows["ΔF of a perfect machine: a hidden unit for each bond (3×3, T = 2.269)"]
    assert perfect.exact == f"−2L²(ln 2 + 1/T) = {perfect.ours:.4f}"
    four_spin = rows["H^RG of majority, 4×4 to 2×2 spins at T_c: coefficient, four-spin"]
    assert (round(four_spin.ours, 6), four_spin.exact) == (-0.019635, "the paper's K̃ is 0.019635")


def test_argument_is_on_the_page_with_its_numbers(exhibit: Exhibit, tmp_path: Path) -> None:
    page = write_report(small_store(), tmp_path, (lambda _: exhibit,)).read_text()
    assert page.count("<p>") >= len(exhibit.argument) == 5
    assert "has ΔF − c, below 0 too" in page
    case = machine_cases(small_store())[1]
    machine, product = machine_and_product(case.machine(0, -1), case.hamiltonian)
    assert f"h knows {machine.information:.2f} nats of v" in page
    assert f"({machine.free_energy_difference:.4f} in both" in page
    assert product.free_energy_difference == pytest.approx(machine.free_energy_difference, abs=1e-12)
    assert max(abs(product.information), product.correlation, product.beyond_marginals) < 1e-12
    numbers = pd.read_csv(tmp_path / "appendix-b.csv", comment="#")
    assert len(numbers) == len(HIDDEN) * TRAININGS * len(STEPS) * 5 + 14 * 5
    assert not numbers["value"].isna().any()


def test_a_training_that_is_not_complete_is_left_out() -> None:
    cases = machine_cases(small_store(undone=1))
    assert [case.machines["realisation"].values.tolist() for case in cases] == [[0, 2], [0, 2]]


@pytest.mark.parametrize("temperatures", [(2.0, 2.5), (0.0,)])
def test_data_that_are_not_of_one_ising_model_are_not_compared_with_one(temperatures: tuple[float, ...]) -> None:
    found = appendix_b(small_store(temperatures))
    assert isinstance(found, Absent)
    assert "data of a single temperature" in found.reason


def test_a_store_without_machines_says_what_is_wanted() -> None:
    assert isinstance(appendix_b(small_store().filter(lambda node: "rbm" not in str(node.attrs))), Absent)
