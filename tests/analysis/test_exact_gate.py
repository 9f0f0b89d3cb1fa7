"""The exact gate, over a store of kernels' own results, laid out by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr

from sweep.analysis.estimators.known_machines import Ising, machine_readings, spin_products
from sweep.analysis.exact.correlators import spin_correlation
from sweep.analysis.exact.ising import CRITICAL_TEMPERATURE, torus_energy
from sweep.analysis.exhibits.exact_gate import exact_gate
from sweep.analysis.exhibits.exhibit import Absent
from sweep.kernels.rbm import RBM_PARTITION, RBM_SAMPLES
from sweep.kernels.rbm.ising import ising_machine
from sweep.kernels.rbm.machine import Machine, log_partition
from sweep.kernels.rbm.partition import PartitionParams
from sweep.kernels.rbm.samples import SamplesParams

SIZES = (3, 4)


def results(kernel, params, machine):
    """Return the results of a kernel as a dataset: those of its last block, and series of all blocks."""
    inputs, rng = {"machine": machine._asdict()}, np.random.default_rng(7)
    state, blocks = kernel.init(params, rng, inputs), []
    for _ in range(kernel.blocks(params)):
        state, found = kernel.advance(params, state, rng, inputs)
        blocks.append(found)
    return xr.Dataset(
        {
            name: (one.dims, np.concatenate([block[name] for block in blocks]) if one.block else found[name])
            for name, one in kernel.outputs(params).items()
        }
    )


def trained(visible, hidden, seed):
    rng = np.random.default_rng(seed)
    return Machine(rng.normal(0, 0.3, (visible, hidden)), np.zeros(visible), np.zeros(hidden))


def stage(kernel, axes, inputs=None, params=None):
    attrs = {"kernel": kernel, "inputs": json.dumps(inputs or {}), "params": json.dumps(params or {})}
    done = np.ones([len(labels) for labels in axes.values()], bool)
    return xr.Dataset({"done": (tuple(axes), done)}, axes, attrs)


@pytest.fixture(scope="module")
def store():
    """Return Ising machines of two sizes, two machines that can be enumerated, and two that cannot."""
    axes = {"size": list(SIZES), "temperature": [CRITICAL_TEMPERATURE]}
    trainings = {"size": [3], "realisation": [0, 1]}
    nodes = {
        "/exact": stage("ising_machine", axes),
        "/ln_z": stage("rbm_partition", axes, {"machine": "exact"}),
        "/samples": stage("rbm_samples", axes, {"machine": "exact"}),
        **{
            f"/{name}": stage("rbm", trainings, params={"hidden": hidden})
            for name, hidden in (("few", 5), ("many", 30))
        },
    }
    for size in SIZES:
        machine, shape = ising_machine(size, CRITICAL_TEMPERATURE), (size**2, 2 * size**2)
        found = results(RBM_PARTITION, PartitionParams(shape, walkers=100, temperatures=300), machine)
        nodes[f"/ln_z/size={size}"] = found.expand_dims(temperature=[CRITICAL_TEMPERATURE]).assign_coords(size=size)
        found = results(RBM_SAMPLES, SamplesParams(shape, configurations=1000, rungs=6, rounds=2), machine)
        nodes[f"/samples/size={size}"] = found.expand_dims(temperature=[CRITICAL_TEMPERATURE]).assign_coords(size=size)
    for name, visible, hidden in (("few", 9, 5), ("many", 25, 30)):
        params = PartitionParams((visible, hidden), walkers=100, temperatures=100)
        found = [results(RBM_PARTITION, params, trained(visible, hidden, seed)) for seed in (0, 1)]
        nodes[f"/ln_z_{name}"] = stage("rbm_partition", trainings, {"machine": name})
        nodes[f"/ln_z_{name}/size=3"] = xr.concat(found, "realisation").assign_coords(realisation=[0, 1], size=3)
    return xr.DataTree.from_dict(nodes)


def test_constant_of_the_ising_machine_is_that_of_enumeration():
    for temperature in (1.5, CRITICAL_TEMPERATURE, 5.0):
        exact = log_partition(ising_machine(3, temperature))
        assert Ising(3, temperature).log_partition == pytest.approx(exact, abs=1e-10)


def test_products_of_spins_by_displacement():
    spins = np.random.default_rng(1).choice([-1, 1], (7, 4, 5)).astype(np.int8)
    found = spin_products(spins)
    for dy, dx in np.ndindex(4, 5):
        wanted = (spins * np.roll(spins, (-dy, -dx), (1, 2)).astype(float)).mean()
        assert found[dy, dx] == pytest.approx(wanted, abs=1e-12)


def test_readings_know_which_machines_are_ising_models(store):
    readings = list(machine_readings(store, "rbm_partition"))
    assert [one.ising for one in readings] == [*(Ising(size, CRITICAL_TEMPERATURE) for size in SIZES), None, None]
    assert readings[1].label == "Ising machine 4×4, T_c"
    assert readings[2].label == "few"


def test_gate_has_a_row_for_everything_and_holds(store):
    """Eight comparisons with the exact value in five errors with 9 degrees or more: 7e-4 each at most, fixed seeds."""
    exhibit = exact_gate(store)
    assert not isinstance(exhibit, Absent)
    rows = {row.quantity: row for row in exhibit.rows}
    for size in SIZES:
        row = rows[f"ln Z of Ising machine {size}×{size}, T_c, annealed"]
        assert abs(row.ours - Ising(size, CRITICAL_TEMPERATURE).log_partition) < 5 * row.error
        assert row.verdict is not None
        assert row.verdict.given
        row = rows[f"ln Z of Ising machine {size}×{size}, T_c, tempered"]
        assert abs(row.ours - Ising(size, CRITICAL_TEMPERATURE).log_partition) < 5 * row.error
        row = rows[f"energy per site (J) of Ising machine {size}×{size}, T_c, tempered"]
        assert row.exact == f"{torus_energy(size, CRITICAL_TEMPERATURE):.5f}"
        assert abs(row.ours - torus_energy(size, CRITICAL_TEMPERATURE)) < 5 * row.error
        row = rows[f"⟨m²⟩ of Ising machine {size}×{size}, T_c, tempered"]
        assert abs(row.ours - spin_correlation(size, CRITICAL_TEMPERATURE).mean()) < 5 * row.error
    assert "share of 2 enumerated machines whose ln Z is within one error of annealing" in rows
    assert rows["ln Z of many, mean over trainings"].remark.count("±") == 2
    assert set(exhibit.numbers["quantity"].values) == {"ln Z", "spin correlation"}
    drawn = exhibit.numbers.to_dataframe().query("machine.str.contains('4×4') and quantity == 'spin correlation'")
    np.testing.assert_allclose(drawn["exact"], spin_correlation(4, CRITICAL_TEMPERATURE)[0, 1:3])
    np.testing.assert_array_equal(drawn["distance"], [1, 2])


def test_a_store_without_them_is_told():
    assert isinstance(exact_gate(xr.DataTree.from_dict({"/x": stage("rbm", {"size": [3]})})), Absent)
