"""Annealed importance sampling: against enumeration, and at any size against the machine that is an Ising model."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest, norm

from sweep.analysis.exact.ising import CRITICAL_TEMPERATURE, torus_log_partition
from sweep.kernels.rbm.annealing import (
    annealing_log_weights,
    effective_number,
    log_mean,
    log_partition_by_annealing,
)
from sweep.kernels.rbm.ising import ising_machine
from sweep.kernels.rbm.machine import Machine, all_spins, free_energy, log_partition
from sweep.kernels.rbm.partition import RBM_PARTITION, PartitionParams
from sweep.kernels.rbm.path import Path


def random_machine(visible, hidden, scale, seed=3):
    rng = np.random.default_rng(seed)
    return Machine(rng.normal(0, scale, (visible, hidden)), *(rng.normal(0, 0.3, n) for n in (visible, hidden)))


def exact_log_partition(size, temperature):
    """2 cosh(w (s + s')) = 2 exp(K) exp(K s s') for each of the 2 L^2 bonds."""
    return torus_log_partition(size, temperature) + 2 * size**2 * (np.log(2) + 1 / temperature)


def log_weight(machine, base, t, v):
    """What the docstring of `path` says, written out."""
    visible, hidden = (part * t for part in (machine.visible_bias, machine.hidden_bias))
    return -free_energy(Machine(t * machine.weights, visible + (1 - t) * base, hidden), v)


def test_path_weighs_configurations_as_it_says():
    """More hidden units than the 512 whose factors are one product, and t that are far apart."""
    machine, base = random_machine(6, 1100, 0.4), np.linspace(-1, 1, 6)
    v = all_spins(6)
    rng = np.random.default_rng(1)
    start, stop = rng.random((2, len(v)))
    stop[:5], start[5:10] = start[:5], 0.0
    wanted = [
        log_weight(machine, base, t, one[None]) - log_weight(machine, base, s, one[None])
        for one, s, t in zip(v, start, stop, strict=True)
    ]
    path = Path(machine, base, v, rng)
    np.testing.assert_allclose(path.log_ratio(start, stop), np.ravel(wanted), atol=1e-3)
    assert (path.log_ratio(start, stop)[:5] == 0).all()
    at_start = np.logaddexp.reduce(log_weight(machine, base, 0.0, v))
    assert path.log_partition_of_base() == pytest.approx(at_start, abs=1e-4)


def test_weights_are_unbiased_with_few_temperatures():
    """Four steps from far away: the mean of 40 000 weights over Z is 1 within 4.5 errors (7e-6), which are 1 %."""
    machine = random_machine(5, 4, 0.7)
    for base in (None, machine.visible_bias):
        found = annealing_log_weights(machine, 40_000, 4, np.random.default_rng(5), base)
        weights = np.exp(found - log_partition(machine))
        error = weights.std() / np.sqrt(len(weights))
        assert abs(weights.mean() - 1) < 4.5 * error
        assert error < 0.012
        assert found.std() > 0.1, "or it would be no test"


def test_errors_cover_the_exact_value_as_often_as_they_should():
    """100 seeds at three levels, two-sided binomial: a false alarm in 3e-3 of all seeds.

    Errors that are 1.5 times too small would cover 50 % in place of 68 %: p = 1e-4.
    """
    machine = random_machine(8, 6, 0.5)
    exact = log_partition(machine)
    found = [log_partition_by_annealing(machine, 100, 150, np.random.default_rng(seed)) for seed in range(100)]
    off = np.array([abs(value - exact) / error for value, error in found])
    for level in (0.5, 0.6827, 0.95):
        inside = int((off < norm.ppf((1 + level) / 2)).sum())
        assert binomtest(inside, len(off), level).pvalue > 1e-3, (level, inside)


def test_numbers_of_weights():
    equal, single = np.full(7, 3.0), np.array([0.0, -900.0, -900.0])
    assert effective_number(equal) == pytest.approx(7)
    assert log_mean(equal) == pytest.approx((3.0, 0.0), abs=1e-7)
    assert effective_number(single) == pytest.approx(1)
    weights = np.array([1.0, 2.0, 4.0])
    value, error = log_mean(np.log(weights))
    assert value == pytest.approx(np.log(weights.mean()))
    assert error == pytest.approx(weights.std(ddof=1) / np.sqrt(3) / weights.mean())
    assert np.isnan(log_mean(np.zeros(1))[1])


@pytest.mark.parametrize(("size", "temperature"), [(3, CRITICAL_TEMPERATURE), (3, 1.3), (4, 4.0)])
def test_ising_machine_has_the_partition_function_of_the_ising_model(size, temperature):
    found = log_partition(ising_machine(size, temperature))
    assert found == pytest.approx(exact_log_partition(size, temperature), abs=1e-10)


@pytest.mark.parametrize(
    ("size", "temperature", "chains", "steps", "wanted"),
    [
        (4, CRITICAL_TEMPERATURE, 100, 400, 0.08),
        (8, CRITICAL_TEMPERATURE, 100, 1000, 0.16),
        pytest.param(16, 4.0, 20, 1000, 0.12, marks=pytest.mark.slow),
        pytest.param(16, CRITICAL_TEMPERATURE, 100, 8000, 0.15, marks=pytest.mark.slow),
        pytest.param(32, 2.8, 20, 2000, 0.3, marks=pytest.mark.slow),
    ],
)
def test_annealing_finds_the_partition_function_of_the_ising_model(size, temperature, chains, steps, wanted):
    """In five errors: a false alarm in 1e-4 of all seeds, 19 degrees or more. The constant alone is 1.1 per bond.

    32x32 at T_c needs 20 000 temperatures, minutes of a core: 30 chains were off by -0.03(28) there.
    """
    machine = ising_machine(size, temperature)
    value, error = log_partition_by_annealing(machine, chains, steps, np.random.default_rng(size))
    assert abs(value - exact_log_partition(size, temperature)) < 5 * error
    assert error < wanted


def test_kernel_gives_both_values_and_more_chains_go_on():
    machine = random_machine(9, 4, 0.3)
    inputs = {"machine": machine._asdict()}
    params = PartitionParams((9, 4), walkers=250, temperatures=60)
    rng = np.random.default_rng(2)
    state, seen = RBM_PARTITION.init(params, rng, inputs), []
    for _ in range(RBM_PARTITION.blocks(params)):
        state, results = RBM_PARTITION.advance(params, state, rng, inputs)
        seen.append(results["log_weight"])
    assert [len(one) for one in seen] == [100, 100, 50]
    assert (results["log_partition"], results["log_partition_error"]) == log_mean(np.concatenate(seen))
    assert results["exact_log_partition"] == pytest.approx(log_partition(machine), abs=1e-5)
    assert abs(results["log_partition"] - results["exact_log_partition"]) < 4 * results["log_partition_error"]
    assert not PartitionParams((64, 128)).enumerable
