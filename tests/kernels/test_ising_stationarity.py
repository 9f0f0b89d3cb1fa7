"""Chains that start exactly at equilibrium stay there: the 3x3 lattice, by enumeration."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from broken import WRONG_COUPLING
from scipy.stats import chi2, chisquare

from sweep.kernels.contract import Kernel
from sweep.kernels.ising import ISING, IsingParams, multispin
from sweep.kernels.ising.bernoulli import recipe
from sweep.kernels.ising.packed import pack, unpack
from sweep.kernels.ising.words import boltzmann


def drift(kernel: Kernel[IsingParams], params: IsingParams, count: int, seed: int) -> float:
    """Return the p-value of the energy levels of `count` chains after an update, by chi^2."""
    law = kernel.stationarity
    assert law is not None
    rng = np.random.default_rng(seed)
    state = law.update(params, law.draw(params, rng, count), rng)
    expected = law.probabilities(params) * count
    seen = np.bincount(law.level(params, state), minlength=len(expected))
    return float(chisquare(seen, expected).pvalue)


@pytest.mark.parametrize("algorithm", ["metropolis", "swendsen_wang", "wolff"])
@pytest.mark.parametrize("temperature", [1.5, 2.5, 4.0])
def test_equilibrium_is_stationary(algorithm: str, temperature: float) -> None:
    """False alarm 1e-4 each. 2e5 chains see a 2 % error of one acceptance probability (the test below)."""
    params = IsingParams(3, temperature, algorithm)
    assert drift(ISING, params, 200_000, seed=3) > 1e-4


@pytest.mark.parametrize("algorithm", ["metropolis", "swendsen_wang", "wolff"])
def test_a_wrong_coupling_is_seen(algorithm: str) -> None:
    """5 %, with the 20 000 chains that the laws use."""
    params = IsingParams(3, 2.5, algorithm)
    assert drift(WRONG_COUPLING, params, 20_000, seed=4) < 1e-6


@pytest.mark.parametrize("index", [1, 2])
def test_a_wrong_acceptance_probability_is_seen(index: int) -> None:
    """exp(-4J/T) or exp(-8J/T) 2 % too large, 2e5 chains, bar 1e-4. By the exact transition matrix the four chi^2, of
    20 degrees of freedom in all, then have noncentralities of 136 and of 89: seen with probability 0.9996 or more."""
    assert acceptance_drift(index, 1.0) > 1e-4
    assert acceptance_drift(index, 1.02) < 1e-4


def acceptance_drift(index: int, factor: float, count: int = 391 * 512, sweeps: int = 20) -> float:
    """Return the p-value of the energy levels after sweeps with one acceptance probability times a factor.

    Chains start anew at each of four temperatures; their chi^2 are added.
    """
    law = ISING.stationarity
    assert law is not None
    rng = np.random.default_rng(6)
    distance, freedom = 0.0, 0
    for temperature in (2.4, 2.8, 3.2, 3.6):
        params = IsingParams(3, temperature, "metropolis")
        chances = [boltzmann(4 * cost, temperature) * Decimal(factor if cost == index else 1) for cost in (1, 2)]
        accepted = recipe(*chances)
        (spins,) = law.draw(params, rng, count)
        for group in spins.reshape(-1, 512, 3, 3):
            words = pack(group)
            multispin.metropolis(words, multispin.seed(rng), accepted, sweeps)
            group[...] = unpack(words, 3)
        expected = law.probabilities(params) * count
        distance += chisquare(np.bincount(law.level(params, (spins,)), minlength=len(expected)), expected).statistic
        freedom += len(expected) - 1
    return float(chi2.sf(distance, freedom))


def test_probabilities_of_the_levels() -> None:
    """By hand: 2 ground states at -18 J, 18 single flips at -10 J."""
    law = ISING.stationarity
    assert law is not None
    p = law.probabilities(replace(law.params, temperature=2.0))
    assert p.sum() == pytest.approx(1, abs=1e-12)
    assert p[1] / p[0] == pytest.approx(9 * np.exp(-8 / 2.0))
