"""Contrastive divergence against its exact expectation, and descent against known answers."""

import itertools

import numpy as np
import pytest
from gradients import mean_field_cd_gradient, persistent_gradient, sampled_cd_gradient

from sweep.kernels.rbm.centring import Centring
from sweep.kernels.rbm.machine import Machine, all_spins, exact_gradient, exact_log_probabilities, mean_h_from_v, pack
from sweep.kernels.rbm.optimiser import Descent, Optimiser
from sweep.kernels.rbm.passes import share_rows
from sweep.kernels.rbm.training import Units, fill_weight_gradient

VISIBLE, HIDDEN = 4, 3
ROWS = 400_000


@pytest.fixture(scope="module")
def machine():
    rng = np.random.default_rng(7)
    return Machine(rng.normal(0, 0.9, (VISIBLE, HIDDEN)), rng.normal(0, 0.3, VISIBLE), rng.normal(0, 0.3, HIDDEN))


@pytest.fixture(scope="module")
def data():
    return np.random.default_rng(8).dirichlet(np.ones(2**VISIBLE))


def transition(machine):
    """T[v, v'] = sum_h p(h|v) p(v'|h), from eqs 11-12."""
    v, h = all_spins(VISIBLE), all_spins(HIDDEN)
    means_h = np.tanh(v @ machine.weights + machine.hidden_bias)
    means_v = np.tanh(h @ machine.weights.T + machine.visible_bias)
    h_from_v = np.prod((1 + h[None] * means_h[:, None]) / 2, axis=2)
    v_from_h = np.prod((1 + v[None] * means_v[:, None]) / 2, axis=2)
    return h_from_v @ v_from_h


def expected_gradient(machine, data, model):
    """<v h>_model - <v h>_data and so on, for distributions over visible configurations."""
    v = all_spins(VISIBLE)
    h = mean_h_from_v(machine, v)
    surplus = model - data
    return pack(Machine((surplus[:, None] * v).T @ h, surplus @ v, surplus @ h))


def draws(distribution, rng, count=ROWS):
    return all_spins(VISIBLE)[rng.choice(len(distribution), count, p=distribution)]


def largest_z(gradient, expected):
    # Every entry is a difference of two means over ROWS products of +-1: a standard error of at most sqrt(2 / ROWS).
    # 19 entries, |z| < 5: a false alarm with p < 1.2e-5. An error of 0.02 in any entry (they are 0.1 to 1) is 9 sigma.
    return np.abs(pack(gradient) - expected).max() / np.sqrt(2 / ROWS)


@pytest.mark.parametrize("k", [1, 3])
def test_sampled_contrastive_divergence_has_the_exact_expectation(machine, data, k):
    rng = np.random.default_rng(30 + k)
    model = data @ np.linalg.matrix_power(transition(machine), k)
    gradient = sampled_cd_gradient(machine, draws(data, rng), k, rng)
    assert largest_z(gradient, expected_gradient(machine, data, model)) < 5
    other = data @ np.linalg.matrix_power(transition(machine), k + 1)
    assert largest_z(gradient, expected_gradient(machine, data, other)) > 9  # k is counted right


def test_expected_contrastive_divergence_tends_to_the_exact_gradient(machine, data):
    exact = pack(exact_gradient(machine, data))
    t = transition(machine)
    errors = [
        np.abs(expected_gradient(machine, data, data @ np.linalg.matrix_power(t, k)) - exact).max()
        for k in (1, 2, 4, 8, 16, 32, 64)
    ]
    assert all(after < before for before, after in itertools.pairwise(errors))
    assert errors[0] > 0.05
    assert errors[-1] < 1e-6


def test_contrastive_divergence_of_many_steps_is_the_exact_gradient(machine, data):
    rng = np.random.default_rng(33)
    gradient = sampled_cd_gradient(machine, draws(data, rng), 20, rng)
    assert largest_z(gradient, pack(exact_gradient(machine, data))) < 5


@pytest.mark.parametrize("sampled", [True, False])
def test_persistent_chains_in_equilibrium_give_the_exact_gradient_and_stay_there(machine, data, sampled):
    rng = np.random.default_rng(34)
    equilibrium = np.exp(exact_log_probabilities(machine))
    gradient, chains = persistent_gradient(machine, draws(data, rng), draws(equilibrium, rng), 1, sampled, rng)
    assert largest_z(gradient, pack(exact_gradient(machine, data))) < 5
    seen = np.bincount((chains > 0) @ (1 << np.arange(VISIBLE)), minlength=2**VISIBLE)
    # chi^2 of 15 degrees of freedom: above 60 by chance with p = 2e-7; chains 2 % off in one mean exceed it.
    assert ((seen - ROWS * equilibrium) ** 2 / (ROWS * equilibrium)).sum() < 60


def test_persistent_chains_move_k_steps(machine, data):
    rng = np.random.default_rng(35)
    start = draws(data, rng)
    _, chains = persistent_gradient(machine, start, start, 2, True, rng)
    moved = data @ np.linalg.matrix_power(transition(machine), 2)
    seen = np.bincount((chains > 0) @ (1 << np.arange(VISIBLE)), minlength=2**VISIBLE)
    assert ((seen - ROWS * moved) ** 2 / (ROWS * moved)).sum() < 60


def test_mean_field_contrastive_divergence_is_equations_13_to_21(machine):
    batch = np.array([[1, -1, 1, 1], [-1, -1, 1, -1], [1, 1, 1, 1]], float)
    w, c, b = machine
    weights = np.zeros((VISIBLE, HIDDEN))
    for v in batch:
        h = [np.tanh(sum(w[i, a] * v[i] for i in range(VISIBLE)) + b[a]) for a in range(HIDDEN)]
        v1 = [np.tanh(sum(w[i, a] * h[a] for a in range(HIDDEN)) + c[i]) for i in range(VISIBLE)]
        h1 = [np.tanh(sum(w[i, a] * v1[i] for i in range(VISIBLE)) + b[a]) for a in range(HIDDEN)]
        weights += (np.outer(v1, h1) - np.outer(v, h)) / 3
    gradient = mean_field_cd_gradient(machine, batch, 1)
    np.testing.assert_allclose(gradient.weights, weights, atol=1e-13)
    twice = mean_field_cd_gradient(machine, batch, 2)
    assert np.abs(twice.weights - weights).max() > 0.01


def descended(name, gradients, **options):
    rule = Optimiser(name, **{"learning_rate": 0.1, "momentum": 0.9, "second_decay": 0.99, "epsilon": 0.01, **options})
    descent = Descent.start(np.zeros(2))
    for gradient in gradients:
        rule.step(descent, np.array(gradient))
    return descent


def test_plain_descent_and_momentum_take_the_steps_of_the_textbook():
    gradients = [[1.0, 0.0], [1.0, -2.0], [0.0, 4.0]]
    np.testing.assert_allclose(descended("sgd", gradients).position, [-0.2, -0.2])
    # velocities (1, 0), (1.9, -2), (1.71, 2.2)
    np.testing.assert_allclose(descended("momentum", gradients).position, [-0.461, -0.02])


def test_adam_takes_the_steps_of_its_paper():
    gradients = np.random.default_rng(1).normal(size=(5, 2))
    position, m, s = np.zeros(2), np.zeros(2), np.zeros(2)
    for t, gradient in enumerate(gradients, 1):
        m = 0.9 * m + 0.1 * gradient
        s = 0.99 * s + 0.01 * gradient**2
        position = position - 0.1 * (m / (1 - 0.9**t)) / (np.sqrt(s / (1 - 0.99**t)) + 0.01)
    np.testing.assert_allclose(descended("adam", gradients).position, position, rtol=1e-12)


def test_epsilon_hat_is_adam_as_tensorflow_has_it():
    gradients = np.random.default_rng(1).normal(size=(5, 2))
    position, m, s = np.zeros(2), np.zeros(2), np.zeros(2)
    for t, gradient in enumerate(gradients, 1):
        m = 0.9 * m + 0.1 * gradient
        s = 0.99 * s + 0.01 * gradient**2
        position = position - 0.1 * np.sqrt(1 - 0.99**t) / (1 - 0.9**t) * m / (np.sqrt(s) + 0.01)
    found = descended("adam", gradients, epsilon_hat=True).position
    np.testing.assert_allclose(found, position, rtol=1e-12)
    assert np.abs(found / descended("adam", gradients).position - 1).max() > 0.02


def test_the_centred_gradient_is_the_plain_one_of_centred_units(machine, data):
    # By the chain rule: E = -(v - mu) W (h - lambda) - c' v - b' h, and one step of plain descent in (W, c', b').
    rng = np.random.default_rng(36)
    units = Units.of(machine, 6, 5)
    units.v[...], units.h[...] = rng.choice([-1, 1], (11, VISIBLE)), rng.normal(size=(11, HIDDEN))
    share_rows(units.h, units.share, units.shared)
    offsets = rng.normal(0, 0.4, VISIBLE + HIDDEN)
    mu, other = offsets[:VISIBLE], offsets[VISIBLE:]
    weights = (units.v - mu).T @ (units.share[:, None] * (units.h - other))
    expected = Machine(weights, units.share @ units.v - weights @ other, units.share @ units.h - mu @ weights)

    centring, found = Centring(offsets.copy(), units.share), Machine(*(np.empty_like(part) for part in machine))
    centring.begin(units)
    for rows in (slice(0, 2), slice(2, VISIBLE)):
        fill_weight_gradient(units, rows, found.weights[rows])
        centring.centre_weights(rows, found.weights[rows])
    biases = np.empty_like(offsets)
    centring.fill_biases(biases)
    np.testing.assert_allclose(found.weights, expected.weights, atol=1e-13)
    np.testing.assert_allclose(biases, np.concatenate(expected[1:]), atol=1e-13)
    centring.follow(units)
    means = [(part[:6].mean(axis=0) + part[6:].mean(axis=0)) / 2 for part in (units.v, units.h)]
    np.testing.assert_allclose(centring.offsets, 0.99 * offsets + 0.01 * np.concatenate(means), atol=1e-13)
