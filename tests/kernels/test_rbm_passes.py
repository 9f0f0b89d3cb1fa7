"""A training in place: its conditionals against tanh and against chance, its stripes, and what memory it takes."""

import tracemalloc

import numpy as np
import pytest

from sweep.kernels.rbm import RBM, RBMParams, trainer
from sweep.kernels.rbm.ising import STATIONARITY, ising_machine
from sweep.kernels.rbm.machine import Machine, all_spins, mean_h_from_v, mean_v_from_h
from sweep.kernels.rbm.optimiser import Descent
from sweep.kernels.rbm.passes import fill_h_from_v, fill_v_from_h, gather, stream, units_from_fields
from sweep.kernels.rbm.trainer import Trainer

T_C = 2.269185314213022


def machine_of(visible, hidden, dtype=np.float32):
    rng = np.random.default_rng(7)
    parts = rng.normal(0, 0.6, (visible, hidden)), rng.normal(0, 0.3, visible), rng.normal(0, 0.3, hidden)
    return Machine(*(part.astype(dtype) for part in parts))


def test_means_in_single_precision_are_tanh_to_three_in_ten_million():
    fields = np.linspace(-40, 40, 4_000_001, dtype=np.float32)[:, None]
    means = fields.copy()
    units_from_fields(means, np.zeros(1, np.float32), None)
    exact = np.tanh(fields.astype(float))
    assert np.abs(means - exact).max() < 3e-7
    small = np.abs(fields) < 0.1
    np.testing.assert_allclose(means[small], exact[small], rtol=5e-7)
    np.testing.assert_array_equal(means, -means[::-1])  # without biases nothing changes when all spins flip
    assert set(means[np.abs(fields) > 9.02]) == {-1.0, 1.0}


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 5e-7), (np.float64, 1e-15)])
def test_filled_layers_are_the_means_of_the_machine(dtype, tolerance):
    machine = machine_of(37, 21, dtype)
    v = np.random.default_rng(1).choice([-1, 1], (300, 37)).astype(dtype)
    h, back = np.empty((300, 21), dtype), np.empty((300, 37), dtype)
    fill_h_from_v(machine, v, h, None)
    fill_v_from_h(machine, h, back, None)
    np.testing.assert_allclose(h, mean_h_from_v(machine, v), atol=tolerance)
    np.testing.assert_allclose(back, mean_v_from_h(machine, h), atol=tolerance)


@pytest.mark.parametrize(("fill", "mean"), [(fill_h_from_v, mean_h_from_v), (fill_v_from_h, mean_v_from_h)])
def test_drawn_layers_follow_the_conditional_distribution(fill, mean):
    # As of the reference in test_rbm_machine: 8 x 15 degrees of freedom, a false alarm at 6 standard deviations has
    # p ~ 1e-7, a bias of 2 % in any conditional is more than 20.
    machine = machine_of(3, 4) if fill is fill_h_from_v else machine_of(4, 3)
    source, count, outcomes, chi2 = stream(np.random.default_rng(11)), 100_000, all_spins(4), 0.0
    for given in all_spins(3).astype(np.float32):
        drawn = np.empty((count, 4), np.float32)
        fill(machine, np.tile(given, (count, 1)), drawn, source)
        assert set(np.unique(drawn)) == {-1.0, 1.0}
        seen = np.bincount(((drawn > 0) @ (1 << np.arange(4))), minlength=16)
        expected = count * np.prod((1 + outcomes * mean(machine, given[None])) / 2, axis=1)
        chi2 += ((seen - expected) ** 2 / expected).sum()
    assert abs(chi2 - 120) < 6 * np.sqrt(2 * 120)


@pytest.mark.parametrize(("strength", "caught"), [(1.0, False), (1.05, True)])
def test_drawn_layers_leave_the_ising_distribution_alone(strength, caught):
    # 200 000 exact starts on 3x3, three steps, chi^2 with 5 degrees of freedom: above 33 by chance with p = 4e-6.
    # Couplings 5 % off are caught.
    law, rng = STATIONARITY, np.random.default_rng(20)
    machine = Machine(*((strength * part).astype(np.float32) for part in ising_machine(3, T_C)))
    v, source = law.draw(law.params, rng, 200_000)[0].astype(np.float32), stream(rng)
    h = np.empty((len(v), 18), np.float32)
    for _ in range(3):
        fill_h_from_v(machine, v, h, source)
        fill_v_from_h(machine, h, v, source)
    expected = len(v) * law.probabilities(law.params)
    seen = np.bincount(law.level(law.params, (v,)), minlength=len(expected))
    chi2 = ((seen - expected) ** 2 / expected).sum()
    assert chi2 > 100 if caught else chi2 < 33


@pytest.mark.parametrize("width", [1, 16, 81, 5000])
def test_units_are_independent_of_each_other_and_of_the_next_ones(width):
    # Free units: products of any two have mean 0. Neighbours at the distances where a number could be used twice (of a
    # word, of a row of words, of a part that is worked on at a time) and the same place in the next call; 8 values,
    # |z| < 5 fails by chance with p = 5e-6. A number used twice gives z = 100 and more.
    source, zero = stream(np.random.default_rng(9)), np.zeros(width, np.float32)
    first, second = (np.zeros((400_000 // width, width), np.float32) for _ in range(2))
    units_from_fields(first, zero, source)
    units_from_fields(second, zero, source)
    flat, part = first.ravel(), max(1, 4096 // width) * width
    products = [flat[distance:] * flat[:-distance] for distance in (1, 2, 8, 16, width, 2 * width, part)]
    for product in (*products, flat * second.ravel()):
        assert abs(product.mean(dtype=float)) * np.sqrt(product.size) < 5


def test_certain_units_are_never_drawn_otherwise():
    fields = np.tile(np.array([9.02, -9.02, 1e4, -1e4], np.float32), (500_000, 1))
    drawn = fields.copy()
    units_from_fields(drawn, np.zeros(4, np.float32), stream(np.random.default_rng(1)))
    np.testing.assert_array_equal(drawn, np.sign(fields))


def test_configurations_are_gathered_from_views_of_any_type():
    rng = np.random.default_rng(2)
    for data in (rng.choice([-1, 1], (3, 10, 7)).astype(np.int8), rng.normal(size=(3, 10, 7)).astype(np.float32)):
        training, drawn, v = data[:, :8], rng.integers(24, size=50), np.empty((50, 7), np.float32)
        gather(training, drawn, v)
        np.testing.assert_array_equal(v, training.reshape(24, 7)[drawn])


def trainer_of(visible_side, hidden, steps, data, **options):
    params = RBMParams(size=visible_side, hidden=hidden, steps=steps, block=steps, **options)
    position = np.random.default_rng(3).normal(0, 0.1, data.shape[2] * hidden + data.shape[2] + hidden)
    descent = Descent.start(position.astype(np.float32))
    chains = np.ones((params.recipe.chains, data.shape[2]), np.float32)
    offsets = np.full(data.shape[2] + hidden if params.centred else 0, 0.3, np.float32)
    return descent, Trainer(params, descent, chains, offsets, data, np.random.default_rng(4))


@pytest.mark.parametrize("gradient", ["plain", "centred"])
@pytest.mark.parametrize("stripe", [1, 40, 80])
def test_a_gradient_made_in_stripes_is_the_whole_one(monkeypatch, stripe, gradient):
    # Tanh means, so that the last bits of a product make no spin flip.
    data = np.random.default_rng(5).choice([-1, 1], (2, 30, 16)).astype(np.int8)
    options = {"preset": "text", "l1": 1e-3, "l2": 1e-2, "learning_rate": 1e-2, "batch": 20, "gradient": gradient}
    whole, one = trainer_of(4, 11, 30, data, **options)
    norms = [one.step() for _ in range(30)]
    monkeypatch.setattr(trainer, "STRIPE", stripe)
    striped, other = trainer_of(4, 11, 30, data, **options)
    np.testing.assert_allclose([other.step() for _ in range(30)], norms, rtol=1e-5)
    np.testing.assert_allclose(striped.position, whole.position, atol=1e-5)
    assert striped.taken == 30


@pytest.mark.parametrize("options", [{}, {"preset": "text"}, {"chains": 100, "k": 3}, {"gradient": "centred"}])
def test_a_step_allocates_nothing_that_grows_with_the_machine(options):
    data = np.random.default_rng(5).choice([-1, 1], (2, 300, 1024)).astype(np.int8)
    _, training = trainer_of(32, 256, 5, data, **options)
    training.step()
    tracemalloc.start()
    for _ in range(4):
        training.step()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**15  # random numbers take 2^14 at a time; the weights are 2^20 bytes, a batch is 4 * 10^5


def test_data_never_become_floats_as_a_whole():
    spins = np.random.default_rng(5).choice(np.array([-1, 1], np.int8), (2, 40_000, 16, 16))
    params, inputs = RBMParams(size=16, hidden=8, steps=2, block=2), {"data": {"spins": spins}}
    tracemalloc.start()
    state = RBM.init(params, np.random.default_rng(1), inputs)
    RBM.advance(params, state, np.random.default_rng(2), inputs)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < spins.nbytes  # as floats they are four times as large
