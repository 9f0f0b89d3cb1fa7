"""The machine against sums over all of its states, written out as the paper's equations."""

import numpy as np
import pytest

from sweep.kernels.rbm.ising import STATIONARITY, ising_machine
from sweep.kernels.rbm.machine import (
    Machine,
    all_spins,
    exact_divergence,
    exact_gradient,
    exact_log_probabilities,
    free_energy,
    log_partition,
    mean_h_from_v,
    mean_v_from_h,
    pack,
    sample_from_means,
    sample_h_from_v,
    sample_v_from_h,
    unpack,
)


def random_machine(visible, hidden, seed=7, bias=0.3):
    rng = np.random.default_rng(seed)
    return Machine(rng.normal(0, 0.6, (visible, hidden)), rng.normal(0, bias, visible), rng.normal(0, bias, hidden))


def joint(machine):
    """p(v, h) by eqs 1-3, one state at a time."""
    visible, hidden = machine.weights.shape
    weights = np.array(
        [
            [
                np.exp(
                    sum(machine.hidden_bias[a] * h[a] for a in range(hidden))
                    + sum(v[i] * machine.weights[i, a] * h[a] for i in range(visible) for a in range(hidden))
                    + sum(machine.visible_bias[i] * v[i] for i in range(visible))
                )
                for h in all_spins(hidden)
            ]
            for v in all_spins(visible)
        ]
    )
    return weights, weights / weights.sum()


@pytest.mark.parametrize(("visible", "hidden"), [(4, 3), (3, 4), (4, 4)])
def test_partition_function_and_marginal_are_those_of_the_joint_distribution(visible, hidden):
    machine = random_machine(visible, hidden)
    weights, p = joint(machine)
    assert log_partition(machine) == pytest.approx(np.log(weights.sum()), abs=1e-12)
    np.testing.assert_allclose(np.exp(exact_log_probabilities(machine)), p.sum(axis=1), rtol=1e-12)
    np.testing.assert_allclose(-free_energy(machine, all_spins(visible)), np.log(weights.sum(axis=1)), rtol=1e-12)


def test_free_energy_of_strong_fields_does_not_overflow():
    machine = Machine(np.full((2, 1), 500.0, np.float32), np.zeros(2, np.float32), np.zeros(1, np.float32))
    np.testing.assert_allclose(
        free_energy(machine, np.array([[1, 1], [-1, -1], [1, -1]], np.float32)), [-1000, -1000, -np.log(2)]
    )


def test_conditional_means_are_those_of_the_joint_distribution():
    # eqs 11-12 say p(+1|.) = (1 + tanh) / 2, so that the mean is the tanh.
    machine = random_machine(4, 3)
    _, p = joint(machine)
    v, h = all_spins(4), all_spins(3)
    np.testing.assert_allclose(mean_h_from_v(machine, v), (p @ h) / p.sum(axis=1)[:, None], atol=1e-12)
    np.testing.assert_allclose(mean_v_from_h(machine, h), (p.T @ v) / p.sum(axis=0)[:, None], atol=1e-12)


@pytest.mark.parametrize("direction", ["h from v", "v from h"])
def test_drawn_units_follow_the_conditional_distribution(direction):
    # 100 000 draws from each of 8 sources, all joint outcomes counted. The statistic is chi^2 over 8 x (2^n - 1)
    # degrees of freedom; a false alarm at 6 standard deviations has p ~ 1e-7. sigmoid(x) instead of sigmoid(2x), or
    # a bias of 2 % in any conditional, is more than 20 standard deviations.
    machine = random_machine(3, 4) if direction == "h from v" else random_machine(4, 3)
    draw, mean = (sample_h_from_v, mean_h_from_v) if direction == "h from v" else (sample_v_from_h, mean_v_from_h)
    rng, count = np.random.default_rng(11), 100_000
    outcomes = all_spins(4)
    chi2 = 0.0
    for source in all_spins(3):
        drawn = draw(machine, np.tile(source, (count, 1)), rng)
        assert set(np.unique(drawn)) <= {-1.0, 1.0}
        seen = np.bincount(((drawn > 0) @ (1 << np.arange(4))), minlength=16)
        expected = count * np.prod((1 + outcomes * mean(machine, source[None])) / 2, axis=1)
        chi2 += ((seen - expected) ** 2 / expected).sum()
    freedom = 8 * 15
    assert abs(chi2 - freedom) < 6 * np.sqrt(2 * freedom)


def test_certain_units_are_never_drawn_otherwise():
    means = np.array([[1.0, -1.0]] * 200_000, np.float32)
    np.testing.assert_array_equal(sample_from_means(means, np.random.default_rng(1)), means)


def test_without_biases_nothing_changes_when_all_spins_flip():
    machine = random_machine(5, 4, bias=0.0)
    v = all_spins(5)
    np.testing.assert_allclose(free_energy(machine, v), free_energy(machine, -v), rtol=1e-14)
    np.testing.assert_array_equal(mean_h_from_v(machine, v), -mean_h_from_v(machine, -v))


def test_gradient_is_that_of_the_exact_divergence():
    machine = random_machine(4, 3)
    rng = np.random.default_rng(5)
    data = rng.dirichlet(np.ones(16))
    flat, step = pack(machine), 1e-5

    def divergence(position):
        return exact_divergence(unpack(position, 4, 3), data)

    slopes = [(divergence(flat + e) - divergence(flat - e)) / (2 * step) for e in step * np.eye(flat.size)]
    np.testing.assert_allclose(pack(exact_gradient(machine, data)), slopes, atol=1e-9)


def test_gradient_is_model_minus_data_average():
    machine = random_machine(3, 3)
    data = np.random.default_rng(6).dirichlet(np.ones(8))
    _, p = joint(machine)
    q = (p / p.sum(axis=1, keepdims=True)) * data[:, None]  # q(v) p(h|v)
    v, h = all_spins(3), all_spins(3)
    exact = exact_gradient(machine, data)
    np.testing.assert_allclose(exact.weights, np.einsum("nm,ni,ma->ia", p - q, v, h), atol=1e-12)
    np.testing.assert_allclose(exact.visible_bias, (p - q).sum(axis=1) @ v, atol=1e-12)
    np.testing.assert_allclose(exact.hidden_bias, (p - q).sum(axis=0) @ h, atol=1e-12)


def test_divergence_from_itself_is_zero_and_from_another_is_not():
    machine = random_machine(4, 3)
    p = np.exp(exact_log_probabilities(machine))
    assert exact_divergence(machine, p) == pytest.approx(0, abs=1e-12)
    q = np.zeros(16)
    q[3] = 1.0  # 0 ln 0 = 0
    assert exact_divergence(machine, q) == pytest.approx(-np.log(p[3]))


def test_too_large_a_machine_is_refused():
    machine = Machine(np.zeros((21, 22)), np.zeros(21), np.zeros(22))
    with pytest.raises(ValueError, match="found 21 units to enumerate; wanted at most 20"):
        log_partition(machine)


def test_a_hidden_unit_per_bond_makes_an_exact_ising_model():
    temperature = 2.5
    p = np.exp(exact_log_probabilities(ising_machine(3, temperature)))
    lattice = all_spins(9).reshape(-1, 3, 3)
    energy = -(lattice * (np.roll(lattice, 1, 1) + np.roll(lattice, 1, 2))).sum(axis=(1, 2))
    boltzmann = np.exp(-energy / temperature)
    np.testing.assert_allclose(p, boltzmann / boltzmann.sum(), rtol=1e-10)


def _chi2_after(update, count, steps=3):
    law = STATIONARITY
    rng = np.random.default_rng(20)
    state = law.draw(law.params, rng, count)
    for _ in range(steps):
        state = update(state, rng)
    expected = count * law.probabilities(law.params)
    seen = np.bincount(law.level(law.params, state), minlength=len(expected))
    return ((seen - expected) ** 2 / expected).sum()


def test_gibbs_steps_leave_the_machine_s_distribution_alone():
    # 200 000 exact starts on 3x3, three steps, chi^2 on the 6 energy levels, 5 degrees of freedom: above 33 by chance
    # with p = 4e-6. A machine with couplings 5 % off, or without the factor 2 of eqs 11-12, must be caught: see below.
    law = STATIONARITY
    assert _chi2_after(lambda state, rng: law.update(law.params, state, rng), 200_000) < 33


@pytest.mark.parametrize("fault", ["weights 5 % too large", "sigmoid(x) for sigmoid(2x)"])
def test_a_broken_gibbs_step_is_caught(fault):
    machine = ising_machine(3, 2.269185314213022)

    def broken(state, rng):
        if fault.startswith("weights"):
            other = machine._replace(weights=1.05 * machine.weights)
            return (sample_v_from_h(other, sample_h_from_v(other, state[0], rng), rng),)
        h = sample_from_means(np.tanh(state[0] @ machine.weights / 2), rng)
        return (sample_from_means(np.tanh(h @ machine.weights.T / 2), rng),)

    assert _chi2_after(broken, 200_000) > 100
