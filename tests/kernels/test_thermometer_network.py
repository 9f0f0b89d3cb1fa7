"""The network against finite differences, and against scikit-learn with the same numbers."""

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier

from sweep.kernels.rbm.optimiser import Descent, Optimiser
from sweep.kernels.thermometer.network import (
    Network,
    log_probabilities,
    loss_gradient,
    pack,
    random_network,
    unpack,
)

VISIBLE, UNITS, CLASSES = 9, 5, 4


@pytest.fixture(scope="module")
def labelled():
    rng = np.random.default_rng(12)
    spins = rng.choice([-1.0, 1.0], (60, VISIBLE))
    return spins, np.arange(60) % CLASSES


def test_probabilities_are_equations_41_to_43(labelled):
    spins, _ = labelled
    network = Network(
        *(part.astype(float) for part in random_network(VISIBLE, UNITS, CLASSES, np.random.default_rng(1)))
    )
    x = spins[0]
    z = [
        np.tanh(sum(network.input_weights[i, a] * x[i] for i in range(VISIBLE)) + network.unit_bias[a])
        for a in range(UNITS)
    ]
    logits = [
        sum(network.output_weights[a, c] * z[a] for a in range(UNITS)) + network.class_bias[c] for c in range(CLASSES)
    ]
    y = np.exp(logits) / np.exp(logits).sum()
    np.testing.assert_allclose(np.exp(log_probabilities(network, spins[:1]))[0], y, rtol=1e-12)


def test_large_logits_do_not_overflow():
    network = Network(np.zeros((2, 1)), np.full(1, 50.0), np.array([[2000.0, -2000.0]]), np.zeros(2))
    np.testing.assert_allclose(log_probabilities(network, np.ones((1, 2))), [[0, -4000]])


def test_gradient_is_that_of_the_loss(labelled):
    spins, classes = labelled
    rng = np.random.default_rng(13)
    position = rng.normal(0, 0.5, VISIBLE * UNITS + UNITS + UNITS * CLASSES + CLASSES)

    def loss(at):
        log_y = log_probabilities(unpack(at, VISIBLE, UNITS, CLASSES), spins)
        return -log_y[np.arange(60), classes].mean()

    found, gradient = loss_gradient(unpack(position, VISIBLE, UNITS, CLASSES), spins, classes)
    assert found == pytest.approx(loss(position), rel=1e-12)
    step = 1e-6
    slopes = [(loss(position + e) - loss(position - e)) / (2 * step) for e in step * np.eye(position.size)]
    np.testing.assert_allclose(pack(gradient), slopes, atol=1e-9)


def oracle(solver, rate):
    return MLPClassifier(
        (UNITS,),
        activation="tanh",
        solver=solver,
        alpha=0.0,
        batch_size=60,
        learning_rate_init=rate,
        momentum=0.8,
        epsilon=1e-14,  # its Adam guards another denominator than the paper's: without a guard they agree
        nesterovs_momentum=False,
        shuffle=False,
        random_state=3,
    )


def as_network(classifier):
    (first, second), (unit_bias, class_bias) = classifier.coefs_, classifier.intercepts_
    return Network(first.copy(), unit_bias.copy(), second.copy(), class_bias.copy())


@pytest.mark.parametrize(("solver", "rule"), [("sgd", "momentum"), ("adam", "adam")])
def test_training_moves_as_scikit_learn_moves_from_the_same_start(labelled, solver, rule):
    # A first step of length 1e-30 shows where the oracle starts without moving it.
    spins, classes = labelled
    start = as_network(oracle(solver, 1e-30).partial_fit(spins, classes, classes=np.arange(CLASSES)))
    descent = Descent.start(pack(start))
    theirs, ours = oracle(solver, 0.05), Optimiser(rule, 0.05, 0.8 if rule == "momentum" else 0.9, 0.999, 1e-14)
    for _ in range(25):
        theirs.partial_fit(spins, classes, classes=np.arange(CLASSES))
        loss, gradient = loss_gradient(unpack(descent.position, VISIBLE, UNITS, CLASSES), spins, classes)
        ours.step(descent, pack(gradient))
        assert loss == pytest.approx(theirs.loss_, rel=1e-5)
    np.testing.assert_allclose(descent.position, pack(as_network(theirs)), atol=1e-5)
    trained = unpack(descent.position, VISIBLE, UNITS, CLASSES)
    np.testing.assert_allclose(np.exp(log_probabilities(trained, spins)), theirs.predict_proba(spins), atol=1e-5)
    assert np.abs(descent.position - pack(start)).max() > 0.1
