"""The Ising kernel keeps the contract; its rules hold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sweep.kernels.contract import Arrays
from sweep.kernels.ising import ISING, IsingParams
from sweep.kernels.ising.chains import start, updated
from sweep.kernels.ising.schedule import CRITICAL_TEMPERATURE, schedule
from sweep.kernels.ising.words import boltzmann_threshold

ALGORITHMS = ("metropolis", "swendsen_wang", "wolff")


def block(params: IsingParams, seed: int = 1) -> Arrays:
    return ISING.advance(params, ISING.init(params, np.random.default_rng(0), {}), np.random.default_rng(seed), {})[1]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("size", [3, 4, 7])
def test_blocks_are_as_declared(algorithm: str, size: int) -> None:
    params = IsingParams(size, 2.4, algorithm, configurations=1001, samples=3, equilibration=2, interval=1)
    declared = ISING.outputs(params)
    results = block(params)
    assert results.keys() == declared.keys()
    for name, output in declared.items():
        assert output.units is not None
        assert output.description
        assert results[name].dtype.kind == "U" if output.words else results[name].dtype == output.dtype, name
        if output.block is None:
            assert results[name].shape == output.shape == (), name
            continue
        assert results[name].shape == (output.block, *output.shape[1:]), name
        assert output.block * ISING.blocks(params) >= output.shape[0] > output.block * (ISING.blocks(params) - 1), name
    assert set(np.unique(results["spins"])) == {-1, 1}


@pytest.mark.parametrize("size", [3, 64, 130, 131, 512])
def test_outputs_are_alike_at_all_temperatures(size: int) -> None:
    """Also where auto takes another update: a variable has one layout along the temperature axis."""
    points = [IsingParams(size, t, configurations=1000) for t in (0.0, 1.0, CRITICAL_TEMPERATURE, 2.4, 1e6)]
    layouts = {(name, o.shape, o.block) for point in points for name, o in ISING.outputs(point).items()}
    assert len(layouts) == len(ISING.outputs(points[0]))
    assert len({ISING.blocks(point) for point in points}) == 1


def test_auto_takes_the_most_effective_samples_per_second() -> None:
    """Metropolis where the relaxation time is short, clusters on large lattices and where a sweep flips every spin."""
    chosen = {key: schedule(IsingParams(*key)).algorithm for key in [(10, 2.3), (64, CRITICAL_TEMPERATURE), (3, 1e6)]}
    assert list(chosen.values()) == ["metropolis", "metropolis", "swendsen_wang"]
    assert schedule(IsingParams(512, CRITICAL_TEMPERATURE)).algorithm == "wolff"
    params = IsingParams(10, 2.3, configurations=1)
    results, plan = block(params), schedule(params)
    assert (results["update"], *(results[f"{name}_sweeps"] for name in ("equilibration", "interval"))) == (
        plan.algorithm,
        plan.equilibration,
        plan.interval,
    )
    for algorithm in ("metropolis", "wolff"):
        with pytest.raises(ValueError, match="use auto"):
            IsingParams(10, 1e6, algorithm)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_more_configurations_leave_blocks_as_they_are(algorithm: str) -> None:
    params = IsingParams(5, 2.4, algorithm, configurations=100)
    few, many = block(params), block(replace(params, configurations=10_000))
    for name, values in few.items():
        np.testing.assert_array_equal(values, many[name])


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_results_are_those_of_the_spins(algorithm: str) -> None:
    params = IsingParams(5, 2.4, algorithm, configurations=300, samples=3, replicas_per_bin=8, equilibration=20)
    results = block(params)
    chains = len(results["energy"])
    spins = results["spins"].astype(float).reshape(chains, 3, 5, 5)
    bonds = spins * np.roll(spins, -1, axis=3)
    energy = -(bonds + spins * np.roll(spins, -1, axis=2)).mean(axis=(2, 3))
    m = spins.mean(axis=(2, 3))
    for name, values in {
        "energy": energy,
        "energy2": energy**2,
        "abs_magnetization": np.abs(m),
        "m2": m**2,
        "m4": m**4,
    }.items():
        np.testing.assert_allclose(results[name], values.mean(axis=1), rtol=1e-12)
    for dy, dx in [(0, 0), (0, 2), (1, 0), (3, 4)]:
        pairs = (spins * np.roll(spins, (-dy, -dx), axis=(2, 3))).mean(axis=(1, 2, 3)).reshape(-1, 8)
        np.testing.assert_allclose(results["spin_correlation"][:, dy, dx], pairs.mean(axis=1), atol=1e-12)
        pairs = (bonds * np.roll(bonds, (-dy, -dx), axis=(2, 3))).mean(axis=(1, 2, 3)).reshape(-1, 8)
        means = bonds.mean(axis=(1, 2, 3)).reshape(-1, 8)
        others = [np.mean([a[i] * a[j] for i in range(8) for j in range(8) if i != j]) for a in means]
        np.testing.assert_allclose(results["energy_correlation"][:, dy, dx], pairs.mean(axis=1) - others, atol=1e-12)


@pytest.mark.parametrize("temperature", [0.0, 1e-300, 1e-3, 0.1])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_cold_lattices_are_ground_states_of_either_sign(algorithm: str, temperature: float) -> None:
    """Of 256 or more signs, 50 % within 4.5 standard deviations; at T = 0.1 a flip has probability e^-80."""
    params = IsingParams(6, temperature, algorithm, configurations=1024, samples=4)
    results = block(params)
    assert (results["energy"] == -2).all()
    assert (results["abs_magnetization"] == 1).all()
    assert (results["energy_correlation"] == 0).all()
    signs = results["spins"][:, 0, 0]
    chains = signs if temperature == 0 else signs.reshape(-1, 4)[:, 0]
    assert abs(chains.mean(dtype=float)) < 4.5 / np.sqrt(len(chains))


def test_hot_lattices_are_random() -> None:
    results = block(IsingParams(8, 1e9))
    assert abs(results["spins"].mean(dtype=float)) < 4.5 / np.sqrt(results["spins"].size)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("temperature", [1.8, CRITICAL_TEMPERATURE, 3.0])
def test_hot_and_cold_starts_agree(algorithm: str, temperature: float) -> None:
    """After the rule's equilibration, 8x8, 4096 chains each: <m^2> within 4 standard errors of 0.01 at most."""
    params = IsingParams(8, temperature, algorithm)
    plan = schedule(params)
    means, errors = [], []
    for cold in (False, True):
        rng = np.random.default_rng([7, cold])
        spins = np.ones((4096, 8, 8), np.int8) if cold else start(IsingParams(8, 1e9), 4096, rng)
        spins = updated(params, spins, rng, plan.equilibration)
        m2 = spins.mean(axis=(1, 2)) ** 2
        means.append(m2.mean())
        errors.append(m2.std() / np.sqrt(len(m2)))
    error = np.hypot(*errors)
    assert error < 0.01
    assert abs(means[0] - means[1]) < 4 * error


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("temperature", [2.0, CRITICAL_TEMPERATURE, 2.6])
def test_halves_of_a_chain_agree(algorithm: str, temperature: float) -> None:
    """Energies of the first and second half of 16 samples, paired within 512 chains: 4 standard errors of 0.008."""
    params = IsingParams(8, temperature, algorithm, configurations=16 * 512, samples=16)
    rng = np.random.default_rng(8)
    spins = np.concatenate([ISING.advance(params, (), rng, {})[1]["spins"] for _ in range(ISING.blocks(params))])
    bonds = spins * (np.roll(spins, -1, axis=1) + np.roll(spins, -1, axis=2))
    energy = -bonds.mean(axis=(1, 2)).reshape(-1, 2, 8).mean(axis=2)
    gap = energy[:, 1] - energy[:, 0]
    error = gap.std() / np.sqrt(len(gap))
    assert error < 0.008
    assert abs(gap.mean()) < 4 * error


def test_thresholds_are_boltzmann_weights() -> None:
    assert float(boltzmann_threshold(4, 2.5)) / 2**64 == pytest.approx(np.exp(-4 / 2.5), rel=1e-15)
    assert boltzmann_threshold(4, 1e-300) == 0
    assert boltzmann_threshold(0, 2.5) == 2**64 - 1
    assert float(boltzmann_threshold(2, CRITICAL_TEMPERATURE)) / 2**64 == pytest.approx(np.sqrt(2) - 1, rel=1e-14)
