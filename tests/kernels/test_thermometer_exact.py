"""The exact energy thermometer against sums over all configurations and published values."""

import numpy as np
import pytest

from sweep.kernels.thermometer.exact import energy_thermometer, excess_log_partition, site_energies

T_C = 2.269185314213022


def all_lattices(size):
    sites = size * size
    return (((np.arange(2**sites)[:, None] >> np.arange(sites)) & 1) * 2 - 1).reshape(-1, size, size).astype(np.int8)


def total_energies(lattices):
    lattices = lattices.astype(np.int64)
    return -(lattices * (np.roll(lattices, 1, axis=1) + np.roll(lattices, 1, axis=2))).sum(axis=(1, 2))


@pytest.mark.parametrize("size", [3, 4])
@pytest.mark.parametrize("temperature", [0.0, 0.05, 0.5, 1.5, T_C, 2.26918531421, 2.5, 6.0, 1000.0])
def test_partition_function_is_the_sum_over_all_configurations(size, temperature):
    energies = total_energies(all_lattices(size))
    excess = energies - energies.min()
    boltzmann = np.exp(-excess / temperature) if temperature else excess == 0
    assert excess_log_partition(size, temperature) == pytest.approx(np.log(boltzmann.sum()), abs=1e-9)


@pytest.mark.parametrize(
    ("size", "temperature", "energy"),
    [
        (10, 2.0, -1.74543102),
        (10, 2.3, -1.43689107),
        (10, 5.9, -0.35587091),
        (10, T_C, -1.47624290836),
        (32, T_C, -1.43365846615),
        (64, 2.2, -1.54647915),
        (128, T_C, -1.41907627208),
    ],
)
def test_its_slope_is_the_energy_that_kaufman_s_formula_gives(size, temperature, energy):
    beta, step = 1 / temperature, 1e-5
    slope = excess_log_partition(size, 1 / (beta + step)) - excess_log_partition(size, 1 / (beta - step))
    assert -2 - slope / (2 * step) / size**2 == pytest.approx(energy, abs=2e-8)


@pytest.mark.parametrize("size", [3, 4])
def test_reading_is_bayes_rule_over_all_configurations(size):
    temperatures = (0.0, 0.1, 1.0, 2.3, 5.9)
    lattices = all_lattices(size)
    energies = total_energies(lattices)
    excess = energies - energies.min()
    likelihood = np.stack([np.exp(-excess / t) if t else (excess == 0) * 1.0 for t in temperatures], axis=1)
    likelihood /= likelihood.sum(axis=0)
    posterior = likelihood / likelihood.sum(axis=1, keepdims=True)
    log_p = energy_thermometer(size, temperatures).log_probabilities(site_energies(lattices))
    np.testing.assert_allclose(np.exp(log_p), posterior, atol=2e-6)


def test_energies_are_those_of_the_lattice_for_spins_and_for_means():
    rng = np.random.default_rng(2)
    spins = rng.choice([-1, 1], (20, 5, 5)).astype(np.int8)
    np.testing.assert_allclose(site_energies(spins), total_energies(spins) / 25, rtol=1e-6)
    means = rng.uniform(-1, 1, (3, 4, 4))
    direct = [
        -sum(m[y, x] * (m[(y + 1) % 4, x] + m[y, (x + 1) % 4]) for y in range(4) for x in range(4)) / 16 for m in means
    ]
    np.testing.assert_allclose(site_energies(means), direct, rtol=1e-5)


def test_a_negative_temperature_is_refused():
    with pytest.raises(ValueError, match="wanted one or more, none negative"):
        energy_thermometer(4, (-1.0, 2.0))
