"""The law of stationarity: what starts exactly at equilibrium stays there."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import chisquare

from sweep.kernels.contract import Array, Stationarity
from sweep.laws.runs import SEED, copied_state, same_state
from sweep.laws.trial import Trial
from sweep.laws.verdict import Finding, failed, not_applicable, passed

COPIES = 200_000
FALSE_ALARM = 1e-6
RARE = 10.0  # copies expected at a level; rarer ones are pooled, so that chi^2 has its distribution


def stationarity(trial: Trial) -> Finding:
    """Hold many exact draws, after one update, to their exact probabilities, by chi^2 over the levels.

    `FALSE_ALARM` is the probability that a right kernel fails, once for its draws and once for its update.
    """
    law = trial.kernel.stationarity
    if law is None:
        return not_applicable("the kernel does not say how to start at equilibrium")
    rng = np.random.default_rng(SEED)
    start = law.draw(law.params, rng, COPIES)
    before = p_value(law, law.level(law.params, start))
    if before < FALSE_ALARM:
        return failed(f"the exact draws are not at their own probabilities: chi^2 p = {before:.2g}")
    copy = copied_state(start)
    end = law.update(law.params, start, rng)
    if same_state(copy, end):
        return failed("the update changes nothing")
    after = p_value(law, law.level(law.params, end))
    if after < FALSE_ALARM:
        return failed(f"{COPIES} copies drift away from equilibrium: chi^2 p = {after:.2g}, wanted {FALSE_ALARM:g}")
    return passed(f"{COPIES} copies stay at equilibrium: chi^2 p = {after:.2g} (fails below {FALSE_ALARM:g})")


def p_value(law: Stationarity[Any], levels: Array) -> float:
    """Return the probability of levels as unlikely as these, or more so, by chi^2.

    Raises
    ------
    ValueError
        When the probabilities do not add up to 1, or all copies are expected at one level.
    """
    probabilities = np.asarray(law.probabilities(law.params), float)
    if abs(probabilities.sum() - 1) > 1e-9 or probabilities.min() < 0:
        raise ValueError(f"the probabilities of the levels add up to {probabilities.sum():.12g}; wanted 1")
    seen, expected = np.bincount(levels, minlength=len(probabilities)), probabilities * len(levels)
    if len(seen) > len(expected) or seen[expected == 0].any():
        return 0.0  # a level that cannot be
    order = np.argsort(expected)
    below = np.cumsum(expected[order])
    pool = np.searchsorted(below, RARE) if below[0] < RARE else 0  # the last of the rare levels that are taken together
    starts = np.concatenate([[0], np.arange(pool + 1, len(order))])
    if len(starts) < 2:
        raise ValueError("all copies are expected at one level; wanted at least two likely ones")
    return float(chisquare(np.add.reduceat(seen[order], starts), np.add.reduceat(expected[order], starts)).pvalue)
