"""Autocorrelation times against chains whose times are known, and against a machine's own transition matrix."""

import numpy as np
import pytest

from sweep.kernels.rbm.machine import Machine, all_spins, exact_log_probabilities, free_energy
from sweep.kernels.rbm.mixing import autocorrelation_time, mixing


def autoregressive(rho, chains, steps, rng):
    """x' = rho x + noise: the time is 1/2 + rho / (1 - rho)."""
    x = np.empty((chains, steps))
    x[:, 0] = rng.normal(size=chains) / np.sqrt(1 - rho**2)
    for step in range(1, steps):
        x[:, step] = rho * x[:, step - 1] + rng.normal(size=chains)
    return x


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
def test_times_of_autoregressive_chains_are_found(rho):
    # 10^5 values, of which 10^4 are as good as independent at rho = 0.9: a relative error of about 0.05. A factor of 2
    # in the definition is seen everywhere.
    expected = 0.5 + rho / (1 - rho)
    found = autocorrelation_time(autoregressive(rho, 100, 1000, np.random.default_rng(5)))
    assert found == pytest.approx(expected, rel=0.2)


def test_chains_that_stay_apart_are_slow_though_each_of_them_looks_fast():
    rng = np.random.default_rng(6)
    apart = rng.choice([-3, 3], (100, 1)) + rng.normal(size=(100, 400))
    assert autocorrelation_time(apart) > 150  # nearly all lags up to half the length count 0.9
    assert autocorrelation_time(apart - apart.mean(axis=1, keepdims=True)) < 1
    assert np.isinf(autocorrelation_time(np.ones((10, 50))))


@pytest.mark.parametrize("seed", [10, 11])
def test_times_of_a_machine_are_those_of_its_transition_matrix(seed):
    # The sum of all autocovariances is x P (1 - T + 1 p)^-1 x. 100 chains of 2000 steps, started in equilibrium, have a
    # relative error of about 0.03, and lose as much at the end of the sum; all are 0.54 to 1.46, and |m| and F of the
    # first machine differ by a factor of 2.7.
    rng = np.random.default_rng(seed)
    machine = Machine(rng.normal(0, 0.8, (4, 3)), rng.normal(0, 0.2, 4), rng.normal(0, 0.2, 3))
    v, h = all_spins(4), all_spins(3)
    h_from_v = np.prod((1 + h[None] * np.tanh(v @ machine.weights + machine.hidden_bias)[:, None]) / 2, axis=2)
    v_from_h = np.prod((1 + v[None] * np.tanh(h @ machine.weights.T + machine.visible_bias)[:, None]) / 2, axis=2)
    p = np.exp(exact_log_probabilities(machine))
    resolvent = np.linalg.inv(np.eye(16) - h_from_v @ v_from_h + p)
    start = v[rng.choice(16, 100, p=p / p.sum())]
    times = mixing(machine, start, 2000, rng)
    for found, seen in zip(times, (np.abs(v.mean(axis=1)), free_energy(machine, v)), strict=True):
        x = seen - p @ seen
        exact = (p * x) @ resolvent @ x / (p @ x**2) - 0.5
        assert found == pytest.approx(exact, rel=0.12)
