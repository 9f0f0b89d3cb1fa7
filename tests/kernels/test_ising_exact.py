"""The Ising kernel against exact numbers.

Seeds are fixed; a z-score beyond the bar of 4 has a false-alarm rate of 6e-5. Every test also asserts the standard
error it reached, so that it could not pass by being vague: a 1 % error of the coupling moves the energy of the 10x10
lattice at T_c by 0.029 and that of the 32x32 one by 0.042: five or more of the standard errors below.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from sweep.kernels.ising import ISING, IsingParams

CRITICAL = 2.269185314213022
ALGORITHMS = ("metropolis", "swendsen_wang", "wolff")
REPLICAS = {"metropolis": 32768, "swendsen_wang": 2048, "wolff": 2048}

ENERGY = {
    (4, CRITICAL): -1.56562378764,
    (8, CRITICAL): -1.49158910744,
    (10, CRITICAL): -1.47624290836,
    (16, CRITICAL): -1.45306485281,
    (32, CRITICAL): -1.43366846615,
    (64, CRITICAL): -1.42393838983,
    (10, 2.0): -1.74543102,
    (10, 2.1): -1.66331128,
    (10, 2.2): -1.55969559,
    (10, 2.3): -1.43689107,
    (10, 2.4): -1.30673412,
    (10, 2.5): -1.18510133,
    (10, 2.7): -0.99758937,
    (10, 3.0): -0.82564081,
    (10, 4.0): -0.55744720,
    (10, 5.9): -0.35587091,
    (32, 2.2): -1.54658628,
    (32, 2.3): -1.37546581,
    (32, 2.5): -1.10729166,
    (64, 2.2): -1.54647915,
    (64, 2.3): -1.35559037,
}
"""J per site, by (size, temperature): Kaufman's exact solution."""
SPECIFIC_HEAT = {4: 0.78326683, 8: 1.14555924, 10: 1.26001964, 16: 1.49870496, 32: 1.84676759}
"""At T_c: sites times the variance of the energy per site, over T^2."""
ABS_MAGNETIZATION = {2.0: 0.911122, 2.1: 0.870686, 2.2: 0.810754, CRITICAL: 0.756274, 2.3: 0.728989, 2.5: 0.538393}
"""At size 10, by temperature."""
MOMENTS = {8: (0.646912, 0.613045), 10: (0.612568, 0.612341)}
"""<m^2> and Binder's U4 at T_c, by size."""
SPIN_CORRELATION = {
    (1, 0): 0.738121,
    (1, 1): 0.680428,
    (2, 0): 0.650720,
    (2, 1): 0.635201,
    (3, 0): 0.613770,
    (3, 3): 0.589848,
    (4, 0): 0.597224,
    (4, 4): 0.579909,
    (5, 0): 0.592381,
    (5, 5): 0.577240,
}
"""At size 10, T_c, by (dx, dy)."""
BOND_CORRELATION = {
    (1, 0): 0.105897,
    (0, 1): 0.081899,
    (1, 1): 0.036493,
    (2, 0): 0.031816,
    (0, 2): 0.023548,
    (5, 5): 0.003315,
}
"""Of two horizontal bonds, connected, at size 10, T_c, by (dx, dy)."""


@cache
def ensemble(size: int, temperature: float, algorithm: str, replicas: int, samples: int = 1) -> dict[str, np.ndarray]:
    """Return what all blocks of a point measured, by configuration."""
    params = IsingParams(size, temperature, algorithm, configurations=replicas * samples, samples=samples)
    rng = np.random.default_rng([2020, 6, 11, size, ALGORITHMS.index(algorithm), round(temperature * 1e6)])
    blocks = [ISING.advance(params, (), rng, {})[1] for _ in range(ISING.blocks(params))]
    measured = [name for name, values in blocks[0].items() if values.ndim and name != "spins"]
    return {name: np.concatenate([block[name] for block in blocks]) for name in measured}


def mean_and_error(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return values.mean(axis=0), values.std(axis=0, ddof=1) / np.sqrt(len(values))


CLUSTERS = [(4, CRITICAL), (8, CRITICAL), (10, 2.0), (10, CRITICAL), (10, 2.5), (10, 5.9)]
LARGE_CLUSTERS = [
    ("swendsen_wang", 32, CRITICAL),
    ("swendsen_wang", 64, 2.3),
    ("wolff", 32, 2.2),
    ("wolff", 32, 2.3),
    ("wolff", 64, CRITICAL),
]


@pytest.mark.parametrize(
    ("algorithm", "size", "temperature"),
    [("metropolis", *key) for key in ENERGY if key[0] <= 10]
    + [(algorithm, *key) for algorithm in ("swendsen_wang", "wolff") for key in CLUSTERS],
)
def test_energy_on_small_lattices(algorithm: str, size: int, temperature: float) -> None:
    """Standard error 0.006 J at most for Metropolis, 0.012 J for cluster updates."""
    mean, error = mean_and_error(ensemble(size, temperature, algorithm, REPLICAS[algorithm])["energy"])
    assert error < (0.006 if algorithm == "metropolis" else 0.012)
    assert abs(mean - ENERGY[size, temperature]) < 4 * error


@pytest.mark.parametrize(
    ("algorithm", "size", "temperature"), [("metropolis", *key) for key in ENERGY if key[0] > 10] + LARGE_CLUSTERS
)
def test_energy_on_large_lattices(algorithm: str, size: int, temperature: float) -> None:
    """Standard error 0.009 J at most."""
    mean, error = mean_and_error(
        ensemble(size, temperature, algorithm, 512 if algorithm == "metropolis" else 256)["energy"]
    )
    assert error < 0.009
    assert abs(mean - ENERGY[size, temperature]) < 4 * error


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("size", [4, 8, 10])
def test_specific_heat(algorithm: str, size: int) -> None:
    """Standard error 2 % at most for Metropolis, 5 % for the others: of the variance over replicas, with its own error
    from the fourth moment."""
    result = ensemble(size, CRITICAL, algorithm, REPLICAS[algorithm])
    squared = (result["energy"] - ENERGY[size, CRITICAL]) ** 2 * size**2 / CRITICAL**2
    mean, error = mean_and_error(squared)
    assert error < (0.02 if algorithm == "metropolis" else 0.05) * mean
    assert abs(mean - SPECIFIC_HEAT[size]) < 4 * error
    np.testing.assert_allclose(result["energy2"], result["energy"] ** 2)


@pytest.mark.parametrize(
    ("algorithm", "temperature"),
    [("metropolis", temperature) for temperature in ABS_MAGNETIZATION]
    + [(algorithm, temperature) for algorithm in ("swendsen_wang", "wolff") for temperature in (2.0, CRITICAL, 2.5)],
)
def test_abs_magnetization(algorithm: str, temperature: float) -> None:
    """Standard error 0.0025 at most for Metropolis, 0.006 for cluster updates."""
    mean, error = mean_and_error(ensemble(10, temperature, algorithm, REPLICAS[algorithm])["abs_magnetization"])
    assert error < (0.0025 if algorithm == "metropolis" else 0.006)
    assert abs(mean - ABS_MAGNETIZATION[temperature]) < 4 * error


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("size", MOMENTS)
def test_binder_parameter(algorithm: str, size: int) -> None:
    """Standard error 0.003 at most for <m^2> and 0.001 for U4 by Metropolis, 0.008 and 0.003 by cluster updates; U4's
    by the jackknife over 64 groups of replicas, which scatters by 9 % itself."""
    result = ensemble(size, CRITICAL, algorithm, REPLICAS[algorithm])
    m2, m4 = result["m2"], result["m4"]
    exact_m2, exact_u4 = MOMENTS[size]
    mean, error = mean_and_error(m2)
    assert error < (0.003 if algorithm == "metropolis" else 0.008)
    assert abs(mean - exact_m2) < 4 * error
    groups = np.array_split(np.arange(len(m2)), 64)
    u4 = np.array([1 - np.delete(m4, g).mean() / (3 * np.delete(m2, g).mean() ** 2) for g in groups])
    error = np.sqrt((len(groups) - 1) * u4.var())
    assert error < (0.001 if algorithm == "metropolis" else 0.003)
    assert abs(u4.mean() - exact_u4) < 4 * error


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize(
    ("name", "exact", "widest"),
    [("spin_correlation", SPIN_CORRELATION, 0.0025), ("energy_correlation", BOND_CORRELATION, 0.0016)],
)
def test_correlators(algorithm: str, name: str, exact: dict[tuple[int, int], float], widest: float) -> None:
    """Standard errors 0.0025 for <s s> and 0.0016 J^2 for the connected bonds by Metropolis, three times as much by
    cluster updates; all separations and their images."""
    values = ensemble(10, CRITICAL, algorithm, REPLICAS[algorithm])[name]
    mean, error = mean_and_error(values)
    assert error.max() < (widest if algorithm == "metropolis" else 3 * widest)
    for (dx, dy), wanted in exact.items():
        for y, x in {(dy, dx), (-dy % 10, dx), (dy, -dx % 10)}:
            assert abs(mean[y, x] - wanted) < 4 * error[y, x], (dx, dy)


def test_bond_correlator_is_unbiased_in_small_bins() -> None:
    """Bins of two chains and of 64 agree. Subtracting the bin's own squared mean would be off by the variance of a
    chain's bond mean over the chains of a bin, 0.03/2: eight standard errors."""
    params = IsingParams(4, CRITICAL, configurations=4096, replicas_per_bin=2)
    rng = np.random.default_rng(5)
    bins = [ISING.advance(params, (), rng, {})[1]["energy_correlation"] for _ in range(ISING.blocks(params))]
    mean, error = mean_and_error(np.concatenate(bins))
    other = ensemble(4, CRITICAL, "metropolis", 8192)["energy_correlation"]
    other_mean, other_error = mean_and_error(other)
    both = np.hypot(error, other_error)
    assert both.max() < 0.015
    assert np.abs(mean - other_mean).max() < 4 * both.max()
