"""Encoded layers against the exact distribution of hidden units, through one machine and through two."""

import numpy as np
import pytest
from scipy.stats import chi2

from sweep.kernels.coarse_graining.encode import ENCODE, EncodeParams
from sweep.kernels.coarse_graining.ensemble import BLOCK
from sweep.kernels.rbm.machine import Machine, all_spins, mean_h_from_v

COUNT = 40_000


def machine(visible, hidden, phase, strength=1.0):
    i, a = np.arange(visible)[:, None], np.arange(hidden)
    weights = strength * np.cos(1.3 * i + 0.7 * a + phase)
    return Machine(weights, 0.08 * np.sin(i[:, 0] + phase), 0.1 * np.cos(2 * a + phase))


def encoded(spins, through, statistics="sampled", seed=5):
    """Return what the kernel gives, block after block, each with its own stream."""
    params = EncodeParams(spins.shape, through.weights.shape, statistics)
    inputs = {"data": {"spins": spins}, "machine": through._asdict()}
    state, found = ENCODE.init(params, np.random.default_rng(1), inputs), []
    for block in range(ENCODE.blocks(params)):
        state, results = ENCODE.advance(params, state, np.random.default_rng((seed, block)), inputs)
        found.append(results)
    (name, output), *_ = ENCODE.outputs(params).items()
    whole = np.concatenate([results[name] for results in found])
    assert (whole.shape, whole.dtype) == (output.shape, output.dtype)
    return whole


def p_h_given_v(through, v):
    """Return float64[v, h], p(h|v) of every hidden configuration in the order of `all_spins`."""
    means = mean_h_from_v(through, v)
    return np.prod((1 + means[:, None, :] * all_spins(means.shape[1])) / 2, axis=2)


def numbers(spins):
    """Return the numbers of configurations in the order of `all_spins`; a mean counts by its sign."""
    flat = spins.reshape(len(spins), -1) > 0
    return flat @ (1 << np.arange(flat.shape[1]))


def p_value(found, exact):
    """Return the p value of Pearson's chi^2 for configurations whose exact distribution is known."""
    counts = np.bincount(numbers(found), minlength=len(exact))
    return chi2.sf(((counts - COUNT * exact) ** 2 / (COUNT * exact)).sum(), len(exact) - 1)


@pytest.fixture(scope="module")
def data():
    """2x3 configurations that are far from uniform, and their exact distribution."""
    weights = np.exp(0.5 * all_spins(6).sum(axis=1) + 0.4 * np.prod(all_spins(6)[:, :2], axis=1))
    exact = weights / weights.sum()
    drawn = np.random.default_rng(8).choice(64, COUNT, p=exact)
    return all_spins(6)[drawn].reshape(-1, 2, 3).astype(np.int8), exact


def test_hidden_units_are_drawn_from_p_h_given_v(data):
    """chi^2 over 16 states, false alarm 1e-4. Weights 10 % too large give p = 4e-12; biases left out, 3e-66."""
    spins, q = data
    through = machine(6, 4, 0.2)
    assert p_value(encoded(spins, through), q @ p_h_given_v(through, all_spins(6))) > 1e-4
    larger = through._replace(weights=1.1 * through.weights)
    assert p_value(encoded(spins, larger), q @ p_h_given_v(through, all_spins(6))) < 1e-6


def test_each_unit_given_each_configuration(data):
    """4 units for each of 64 configurations: 256 scores, the largest |z| < 5.2 but with p = 5e-5."""
    spins, _ = data
    through = machine(6, 4, 0.7)
    h, number = encoded(spins, through).reshape(COUNT, 4), numbers(spins)
    wanted = mean_h_from_v(through, all_spins(6))
    times = np.bincount(number, minlength=64)[:, None]
    sums = np.stack([np.bincount(number, h[:, a], minlength=64) for a in range(4)], axis=1)
    z = (sums - times * wanted) / np.sqrt(np.maximum(times * (1 - wanted**2), 1))
    assert np.abs(z[times[:, 0] > 20]).max() < 5.2


def test_means_are_tanh_of_the_field(data):
    spins = data[0][:100]
    through = machine(6, 5, 0.2)
    exact = np.tanh(spins.reshape(100, 6) @ through.weights + through.hidden_bias)
    np.testing.assert_allclose(encoded(spins, through, "mean_field"), exact, atol=1e-6)


@pytest.fixture(scope="module")
def stack():
    return machine(6, 4, 0.2), machine(4, 4, 1.1, strength=0.8)


def exact_second_layer(stack, q):
    first, second = stack
    return q @ p_h_given_v(first, all_spins(6)) @ p_h_given_v(second, all_spins(4))


def test_a_stack_of_two_machines(data, stack):
    """chi^2 over 16 states, false alarm 1e-4; the faults below have p < 1e-20."""
    spins, q = data
    first, second = stack
    layer, exact = encoded(spins, first), exact_second_layer(stack, q)
    assert p_value(encoded(layer, second, seed=6), exact) > 1e-4
    joined_in_another_order = layer.swapaxes(1, 2)
    assert p_value(encoded(joined_in_another_order, second, seed=6), exact) < 1e-20
    means_for_samples = encoded(spins, first, "mean_field")
    assert p_value(encoded(means_for_samples, second, seed=6), exact) < 1e-20
    assert p_value(encoded(layer, second, "mean_field"), exact) < 1e-20
    the_random_numbers_of_the_first_layer = encoded(layer, second, seed=5)
    assert p_value(the_random_numbers_of_the_first_layer, exact) < 1e-20


def test_the_units_of_a_square_number_are_laid_on_a_square(data):
    spins = data[0][:10]
    through = machine(6, 9, 0.2)
    assert encoded(spins, through).shape == (10, 3, 3)
    assert encoded(spins, machine(6, 8, 0.2)).shape == (10, 8)
    means = encoded(spins, through, "mean_field")
    np.testing.assert_allclose(means[:, 1, 2], mean_h_from_v(through, spins.reshape(10, 6))[:, 5], atol=1e-6)


@pytest.mark.parametrize("statistics", ["sampled", "mean_field"])
def test_more_configurations_leave_the_former_ones_as_they_are(data, statistics):
    spins = np.resize(data[0], (BLOCK + 900, 6, 50))
    through = machine(300, 90, 0.2, strength=0.05)
    few, many = (encoded(spins[:count], through, statistics) for count in (BLOCK + 1, BLOCK + 900))
    np.testing.assert_array_equal(few, many[: len(few)])


def test_what_does_not_fit_is_refused(data):
    spins = data[0][:10]
    with pytest.raises(ValueError, match="machine: found 5 visible units; wanted 6, for lattices of 2x3"):
        EncodeParams(spins.shape, (5, 4))
    params, through = EncodeParams(spins.shape, (6, 4)), machine(6, 4, 0.2)
    rng = np.random.default_rng(1)
    two = {name: np.stack([part, part]) for name, part in through._asdict().items()}
    with pytest.raises(ValueError, match=r"machine: found weights of shape \(2, 6, 4\); wanted 6 x 4"):
        ENCODE.init(params, rng, {"data": {"spins": spins}, "machine": two})
    with pytest.raises(ValueError, match=r"data: found spins of shape \(2, 10, 2, 3\)"):
        ENCODE.init(params, rng, {"data": {"spins": np.stack([spins, spins])}, "machine": through._asdict()})
