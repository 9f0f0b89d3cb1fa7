"""The convergence length, on curves where it is known."""

import numpy as np
import pytest

from sweep.analysis.estimators.convergence import convergence_length

STEPS = np.arange(31)


@pytest.mark.parametrize("relaxation", [1.0, 2.0, 4.0])
@pytest.mark.parametrize("sign", [-1, 1])
def test_exponential_relaxation(relaxation, sign):
    """exp(-n / relaxation) has fallen to a tenth after ln(10) relaxation lengths, whatever scale and sign."""
    found = convergence_length(0.125 + sign * 0.3 * np.exp(-STEPS / relaxation))
    assert found.length == pytest.approx(np.log(10) * relaxation, abs=1)
    assert found.plateau == pytest.approx(0.125, abs=0.002)
    assert found.reason == ""


def test_jump_in_one_step():
    assert convergence_length(np.where(STEPS == 0, 1.0, 0.0)).length == 1


def test_return_after_an_excursion_counts():
    curve = np.where(STEPS == 12, 2.0, 1.0)
    assert convergence_length(curve).length == 13


def test_constant_has_converged_at_once():
    assert convergence_length(np.full(31, 0.7)).length == 0


def test_curve_that_still_moves_has_none():
    found = convergence_length(0.1 + 0.01 * STEPS)
    assert np.isnan(found.length)
    assert "still moving" in found.reason


def test_noise_within_its_error_bars_does_not_delay():
    """Normal noise of 3 % of the way, error bars known: at most a step from ln(10) 3 = 6.9, over 20 seeds."""
    curve = np.exp(-STEPS / 3)
    for seed in range(20):
        noise = 0.03 * np.random.default_rng(seed).normal(size=31)
        found = convergence_length(curve + noise, np.full(31, 0.03))
        assert 4 <= found.length <= 8


def test_noise_that_hides_the_way_is_named():
    found = convergence_length(np.exp(-STEPS / 3), np.full(31, 0.2))
    assert np.isnan(found.length)
    assert "at least" in found.reason


@pytest.mark.parametrize("place", [0, 12, 30])
def test_missing_point_is_named(place):
    curve = np.ones(31)
    curve[place] = np.nan
    assert "missing" in convergence_length(curve).reason
    assert "missing" in convergence_length(np.ones(31), curve).reason


def test_flow_of_one_step_has_none():
    assert np.isnan(convergence_length([1.0]).length)
