"""The kernel on data whose exact distribution is known: no reading may beat the exact one, a trained one comes near."""

import numpy as np
import pytest

from sweep.kernels.thermometer import THERMOMETER, ThermometerParams
from sweep.kernels.thermometer.symmetries import random_images

TEMPERATURES = tuple(0.5 * n for n in range(12))
EXAMPLE, EXAMPLE_INPUTS = THERMOMETER.example, THERMOMETER.example_inputs


def all_lattices(size):
    sites = size * size
    return (((np.arange(2**sites)[:, None] >> np.arange(sites)) & 1) * 2 - 1).reshape(-1, size, size).astype(np.int8)


@pytest.fixture(scope="module")
def likelihood():
    """p(v|T) of every 4x4 configuration."""
    lattices = all_lattices(4).astype(np.int64)
    energies = -(lattices * (np.roll(lattices, 1, axis=1) + np.roll(lattices, 1, axis=2))).sum(axis=(1, 2))
    excess = energies - energies.min()
    p = np.stack([np.exp(-excess / t) if t else (excess == 0) * 1.0 for t in TEMPERATURES], axis=1)
    return p / p.sum(axis=0)


@pytest.fixture(scope="module")
def data(likelihood):
    rng = np.random.default_rng(50)
    rows = [rng.choice(len(likelihood), 6000, p=column) for column in likelihood.T]
    return {"data": {"spins": all_lattices(4)[rows], "temperature": np.array(TEMPERATURES)}}


def trained(params, inputs, seed=1, restarts=()):
    state = THERMOMETER.init(params, np.random.default_rng([seed, 0]), inputs)
    results = []
    for block in range(THERMOMETER.blocks(params)):
        if block in restarts:
            state = tuple(array.copy() for array in state)
        state, result = THERMOMETER.advance(params, state, np.random.default_rng([seed, 1, block]), inputs)
        results.append(result)
    return results


@pytest.fixture(scope="module")
def last(data):
    params = ThermometerParams(size=4, temperatures=TEMPERATURES, epochs=9, batch=200, half_life=3.0)
    return trained(params, data)[-1]


def exact_cross_entropy(likelihood):
    posterior = likelihood / likelihood.sum(axis=1, keepdims=True)
    logs = np.log(posterior, where=likelihood > 0, out=np.zeros_like(posterior))
    return -(likelihood * logs).sum() / likelihood.shape[1]


def test_loss_lies_between_the_exact_bound_and_a_little_above(last, likelihood):
    # 28 800 validation configurations; -ln p varies by about 1, so the exact reading's loss has a standard error of
    # 0.006: 0.03 is five of them. Network and exact reading are compared on the same configurations, where their
    # difference has a standard error of 0.001. A network below the bound by 0.005 means that labels leak.
    bound = exact_cross_entropy(likelihood)
    assert abs(last["energy_loss"] - bound) < 0.03
    assert last["energy_loss"] - 0.005 < last["validation_loss"][0] < last["energy_loss"] + 0.04
    assert last["training_loss"][0] < last["energy_loss"] + 0.05
    assert np.log(12) > bound + 0.3  # what not looking at the configuration costs


def test_network_and_exact_reading_are_tallied_alike(last):
    for reader in ("network", "energy"):
        confusion, distribution = last[f"{reader}_confusion"], last[f"{reader}_distribution"]
        np.testing.assert_array_equal(confusion.sum(axis=1), 2400)
        np.testing.assert_allclose(distribution.sum(axis=1), 1, atol=1e-6)
        np.testing.assert_allclose(last[f"{reader}_reading"], distribution @ TEMPERATURES, atol=1e-5)
        assert last[f"{reader}_calibration_count"].sum() == 28_800
        right = np.nansum(last[f"{reader}_calibration_accuracy"] * last[f"{reader}_calibration_count"])
        assert right == pytest.approx(np.trace(confusion))
    assert last["energy_accuracy"] == np.trace(last["energy_confusion"]) / 28_800
    assert last["validation_accuracy"][0] == np.trace(last["network_confusion"]) / 28_800


def test_exact_reading_averages_to_the_exact_expectation(last, likelihood):
    # Standard errors from the exact second and fourth moments (cold configurations are rarely excited, so these tails
    # are long); 24 values, |z| < 5: p = 1.4e-5 by chance. An offset of one class (0.5) is above 20 sigma.
    posterior = likelihood / likelihood.sum(axis=1, keepdims=True)
    reading = posterior @ TEMPERATURES
    mean = likelihood.T @ reading
    deviations = reading[:, None] - mean
    second, fourth = ((likelihood * deviations**power).sum(axis=0) for power in (2, 4))
    assert (np.abs(last["energy_reading"] - mean) <= 5 * np.sqrt(second / 2400) + 1e-5).all()
    error = np.sqrt(np.maximum(fourth - second**2, 0) / 2400)
    assert (np.abs(last["energy_reading_std"] ** 2 - second) <= 5 * error + 1e-4).all()


def test_exact_reading_is_calibrated(last):
    # The posterior is right as often as it says: |z| < 5 in every bin with 50 or more configurations.
    count = last["energy_calibration_count"]
    used = count >= 50
    said, happened = last["energy_calibration_confidence"][used], last["energy_calibration_accuracy"][used]
    assert used.sum() >= 4
    assert (np.abs(said - happened) < 5 * np.sqrt(said * (1 - said) / count[used])).all()


def test_labels_that_leak_would_be_seen(data, likelihood):
    # A network that is given the label in one spin goes far below the bound: the test above would fail.
    leaky = data["data"]["spins"].copy()
    leaky[6:, :, 0, 0] = 1
    leaky[:6, :, 0, 0] = -1
    params = ThermometerParams(size=4, temperatures=TEMPERATURES, epochs=2, batch=200)
    assert trained(params, {"data": {"spins": leaky}})[-1]["validation_loss"][0] < exact_cross_entropy(likelihood) - 0.1


def test_random_images_are_the_symmetries_of_the_lattice_equally_often():
    # On 3x3 there are 144. 200 draws for each: chi^2 with 143 degrees of freedom, 6 standard deviations: p ~ 1e-7.
    rng = np.random.default_rng(5)
    lattice = np.tile(np.arange(9.0), (144 * 200, 1)) + 1  # sites told apart; a flip shows in the sign
    images, counts = np.unique(random_images(lattice, 3, rng), axis=0, return_counts=True)
    assert len(images) == 144
    assert abs(((counts - 200) ** 2 / 200).sum() - 143) < 6 * np.sqrt(2 * 143)
    bonds = {
        frozenset((y * 3 + x, other))
        for y in range(3)
        for x in range(3)
        for other in (y * 3 + (x + 1) % 3, (y + 1) % 3 * 3 + x)
    }
    for image in images:
        sites = np.abs(image).astype(int) - 1
        assert {frozenset((sites[a], sites[b])) for a, b in map(tuple, bonds)} == bonds
        assert len(set(np.sign(image))) == 1


def test_an_epoch_sees_every_training_configuration_and_no_validation_configuration():
    # Plain descent in one batch does not depend on the order within it: it must match the same data shuffled, and
    # must not change when validation configurations do.
    params = ThermometerParams(size=4, temperatures=(1.0, 3.0), epochs=1, batch=1000, optimiser="sgd")
    spins = np.random.default_rng(1).choice([-1, 1], (2, 50, 4, 4)).astype(np.int8)
    other = spins.copy()
    other[:, 30:] *= -1
    other[:, :30] = other[:, 29::-1]
    one, two = (trained(params, {"data": {"spins": s}})[-1] for s in (spins, other))
    np.testing.assert_allclose(one["input_weights"], two["input_weights"], atol=1e-7)
    assert one["validation_loss"] != two["validation_loss"]


def test_a_training_killed_between_any_epochs_and_resumed_gives_the_same_bits():
    inputs = EXAMPLE_INPUTS(EXAMPLE, np.random.default_rng(2))
    straight = trained(EXAMPLE, inputs)
    for kill in (1, 2):
        resumed = trained(EXAMPLE, inputs, restarts=(kill,))
        for name, values in straight[-1].items():
            np.testing.assert_array_equal(resumed[-1][name], values, err_msg=name)


def test_an_epoch_changes_neither_inputs_nor_state_and_fills_what_is_declared():
    inputs = EXAMPLE_INPUTS(EXAMPLE, np.random.default_rng(2))
    before = inputs["data"]["spins"].copy()
    state = THERMOMETER.init(EXAMPLE, np.random.default_rng(1), inputs)
    frozen = tuple(array.copy() for array in state)
    _, result = THERMOMETER.advance(EXAMPLE, state, np.random.default_rng(2), inputs)
    np.testing.assert_array_equal(inputs["data"]["spins"], before)
    for array, kept in zip(state, frozen, strict=True):
        np.testing.assert_array_equal(array, kept)
    declared = THERMOMETER.outputs(EXAMPLE)
    assert result.keys() == declared.keys()
    for name, output in declared.items():
        shape = output.shape if output.block is None else (output.block, *output.shape[1:])
        assert (result[name].shape, result[name].dtype) == (shape, np.dtype(output.dtype)), name


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="temperatures: found none"):
        ThermometerParams(size=4, temperatures=())
    params = ThermometerParams(size=4, temperatures=(1.0, 2.0))
    with pytest.raises(ValueError, match="wanted 2 temperatures of configurations of 4x4 spins"):
        THERMOMETER.init(params, np.random.default_rng(1), {"data": {"spins": np.ones((3, 2, 50, 4, 4), np.int8)}})
    with pytest.raises(ValueError, match="found 1 configurations per temperature; too few"):
        THERMOMETER.init(params, np.random.default_rng(1), {"data": {"spins": np.ones((2, 1, 4, 4), np.int8)}})
