"""Chains that start exactly at equilibrium stay there: the 3x3 lattice, by enumeration."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from broken import WRONG_COUPLING
from scipy.stats import chisquare

from kernels.contract import Kernel
from kernels.ising import ISING, IsingParams


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


def test_probabilities_of_the_levels() -> None:
    """By hand: 2 ground states at -18 J, 18 single flips at -10 J."""
    law = ISING.stationarity
    assert law is not None
    p = law.probabilities(replace(law.params, temperature=2.0))
    assert p.sum() == pytest.approx(1, abs=1e-12)
    assert p[1] / p[0] == pytest.approx(9 * np.exp(-8 / 2.0))
