"""Parallel tempering: it stays at equilibrium, it crosses between valleys, and at any size it has Ising averages."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2
from scipy.stats import t as student

from sweep.analysis.exact.correlators import spin_correlation
from sweep.analysis.exact.ising import CRITICAL_TEMPERATURE, torus_energy, torus_log_partition
from sweep.kernels.rbm.ising import ising_machine
from sweep.kernels.rbm.machine import Machine, all_spins, exact_log_probabilities, sample_h_from_v, sample_v_from_h
from sweep.kernels.rbm.samples import RBM_SAMPLES, SamplesParams
from sweep.kernels.rbm.tempering import Ladders, Rungs, respaced


def small_machine():
    rng = np.random.default_rng(12)
    return Machine(rng.normal(0, 1.2, (4, 3)), rng.normal(0, 0.5, 4), rng.normal(0, 0.5, 3))


def at(machine, base, t):
    return Machine(t * machine.weights, t * machine.visible_bias + (1 - t) * base, t * machine.hidden_bias)


def drift(ladders, seed=4, exchange=None):
    """Return p values of the 16 states at every t, of ladders that start exactly at equilibrium, after four steps."""
    machine, base, t = small_machine(), np.array([0.4, 0.0, -0.6, 0.2]), np.array([0.0, 0.35, 0.7, 1.0])
    rng, v = np.random.default_rng(seed), all_spins(4)
    p = np.exp([exact_log_probabilities(at(machine, base, one)) for one in t])
    drawn = np.stack([rng.choice(16, ladders, p=one / one.sum()) for one in p], axis=1)
    work = Ladders(machine, base, Rungs.start(t, v[drawn.ravel()].astype(np.int8), np.zeros(3)), rng)
    if exchange is not None:
        work._path.log_ratio = exchange
    for _ in range(4):
        work.step()
    states = ((work.rungs.v > 0) @ (1 << np.arange(4)))[work.rungs.row]
    counts = np.stack([np.bincount(states[:, rung], minlength=16) for rung in range(len(t))])
    return chi2.sf(((counts - ladders * p) ** 2 / (ladders * p)).sum(axis=1), 15)


def test_ladders_at_equilibrium_stay_there():
    """20 000 ladders, p > 1e-4 at each of four t. Where every exchange is made, p is below 1e-30 (next test)."""
    assert (drift(20_000) > 1e-4).all()


def test_a_wrong_rule_is_seen():
    assert drift(20_000, exchange=lambda start, stop: np.zeros(len(start))).min() < 1e-30


def test_rungs_move_to_where_exchanges_are_rejected():
    t, rejected = np.linspace(0, 1, 6), np.array([0.0, 0.0, 0.1, 0.5, 0.4])
    found = respaced(t, rejected)
    assert (found[0], found[-1]) == (0.0, 1.0)
    assert (np.diff(found) > 0).all()
    assert (np.diff(found[1:]) < 0.2).all()
    np.testing.assert_allclose(respaced(t, np.full(5, 0.3)), t, atol=1e-12)
    np.testing.assert_allclose(respaced(t, np.zeros(5)), t, atol=1e-12)


def two_valleys(visible=60):
    """Hopfield's: the memory xi and its negative, from which Gibbs steps do not come back."""
    xi = np.where(np.arange(visible) % 3, 1.0, -1.0)
    return Machine(0.5 * xi[:, None], 0.02 * xi, np.zeros(1)), xi


def test_tempering_crosses_between_valleys_and_gibbs_steps_do_not():
    """The odds of valleys are those of h, (cosh 0.52 / cosh 0.48)^60, to 1e-4; 100 ladders, four errors: 1e-4.

    Gibbs steps alone stay in the valley where they began: the wrong one, of 25 % at equilibrium.
    """
    machine, xi = two_valleys()
    params = SamplesParams((60, 1), configurations=8000, ladders=100, rungs=8, rounds=3)
    results = sampled(machine, params, seed=3)
    upper = (results["visible_units"] @ xi > 0).astype(float)
    by_ladder = np.array([upper[results["ladder"] == one].mean() for one in range(100)])
    error = by_ladder.std(ddof=1) / 10
    odds = (np.cosh(0.52) / np.cosh(0.48)) ** 60
    assert abs(by_ladder.mean() - odds / (1 + odds)) < 4 * error
    assert error < 0.02
    assert results["round_trips"] > 0.01
    rng = np.random.default_rng(4)
    v = np.tile(-xi, (100, 1))
    for _ in range(100):
        v = sample_v_from_h(machine, sample_h_from_v(machine, v, rng), rng)
    assert (v @ xi < 0).mean() > 0.9


def sampled(machine, params, seed):
    """Return all results of the kernel."""
    inputs, rng = {"machine": machine._asdict()}, np.random.default_rng(seed)
    state, blocks = RBM_SAMPLES.init(params, rng, inputs), []
    for _ in range(RBM_SAMPLES.blocks(params)):
        state, results = RBM_SAMPLES.advance(params, state, rng, inputs)
        blocks.append(results)
    series = [name for name, one in RBM_SAMPLES.outputs(params).items() if one.block]
    return {**results, **{name: np.concatenate([block[name] for block in blocks]) for name in series}}


@pytest.mark.parametrize(
    ("size", "ladders", "rungs", "wanted"),
    [
        (4, 20, 6, 0.05),
        pytest.param(8, 20, 10, 0.1, marks=pytest.mark.slow),
        pytest.param(16, 10, 16, 0.4, marks=pytest.mark.slow),
        pytest.param(32, 8, 30, 0.8, marks=pytest.mark.slow),  # a minute on an idle core
    ],
)
def test_samples_have_the_averages_of_the_ising_model(size, ladders, rungs, wanted):
    """Energy, correlators and ln Z at T_c, errors from the scatter of ladders.

    p = 1e-4 for each of five, by Student's t: five errors of 20 ladders, seven of 8.
    """
    shape = (size**2, 2 * size**2)
    params = SamplesParams(shape, 100 * ladders, ladders, rungs, rounds=4 + (size > 8))
    results = sampled(ising_machine(size, CRITICAL_TEMPERATURE), params, seed=size)
    v = results["spins"].astype(float)
    assert v.shape == (100 * ladders, size, size)
    readings = {
        "energy": -(v * np.roll(v, 1, 1) + v * np.roll(v, 1, 2)).mean(axis=(1, 2)),
        "m2": v.mean(axis=(1, 2)) ** 2,
        "far": (v * np.roll(v, (size // 2, size // 2), (1, 2))).mean(axis=(1, 2)),
        "diagonal": (v * np.roll(v, (1, 1), (1, 2))).mean(axis=(1, 2)),
    }
    correlation = spin_correlation(size, CRITICAL_TEMPERATURE)
    exact = {
        "energy": torus_energy(size, CRITICAL_TEMPERATURE),
        "m2": correlation.mean(),
        "far": correlation[size // 2, size // 2],
        "diagonal": correlation[1, 1],
    }
    errors = student.isf(5e-5, ladders - 1)
    for name, values in readings.items():
        means = np.array([values[results["ladder"] == one].mean() for one in range(ladders)])
        error = means.std(ddof=1) / np.sqrt(ladders)
        assert abs(means.mean() - exact[name]) < errors * error, name
        assert error < 0.05, name
    assert results["exchange_rate"].min() > 0.25
    exact = torus_log_partition(size, CRITICAL_TEMPERATURE) + 2 * size**2 * (np.log(2) + 1 / CRITICAL_TEMPERATURE)
    assert abs(results["log_partition"] - exact) < errors * results["log_partition_error"]
    assert results["log_partition_error"] < wanted
