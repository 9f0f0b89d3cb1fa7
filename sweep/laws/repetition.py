"""The laws of repetition: the same work gives the same bits, however often, wherever, and after whatever stop."""

from __future__ import annotations

import statistics
from dataclasses import replace

import numpy as np

from sweep.laws.generators import watched
from sweep.laws.runs import SEED, difference, run, run_restarted
from sweep.laws.trial import Trial
from sweep.laws.verdict import Finding, failed, not_applicable, passed, warning

COST_FACTOR = 30.0
COST_FLOOR = 1e-4  # seconds; below this the framework's own work at a point is more


def determinism(trial: Trial) -> Finding:
    """Hold a run to its bits: again, after other work, with other global generators, in a fresh process."""
    with watched(1) as used:
        first = run(trial.case)
    run(replace(trial.case, seed=SEED + 1, point=1))
    with watched(2):
        second = run(trial.case)
    if used:
        return failed(f"draws from {used[0]}, which the whole process shares; all randomness must come from rng")
    found = difference(first, second)
    if found is not None:
        return failed(f"{found} differs when it is run twice; all randomness must come from rng")
    if trial.travels is not None:
        return passed("the same bits twice in this process; it does not run in another one")
    found = difference(first, trial.elsewhere[0])
    if found is not None:
        return failed(f"{found} differs in a fresh process; something is kept outside of params and state")
    return passed("the same bits twice in this process and in a fresh one")


def restart(trial: Trial) -> Finding:
    """Hold a run that goes on from checkpoints, among other work and in a fresh process, to the bits of a straight one.

    The checkpoints have the store's own form.
    """
    if trial.of_blocks is None:
        return not_applicable("all work is one block")
    case, straight = trial.of_blocks
    found = difference(straight, run_restarted(case, replace(case, point=1)))
    if found is not None:
        return failed(f"{found} differs after a restart; all that a block needs must be in the state")
    if trial.travels is None:
        middle = case.blocks // 2
        rest = replace(straight, states=straight.states[middle:], results=straight.results[middle:])
        found = difference(rest, trial.elsewhere[1])
        if found is not None:
            return failed(f"counted from block {middle}, {found} differs after a restart in a fresh process")
    return passed(f"the same bits from a checkpoint before each of {case.blocks} blocks")


def randomness(trial: Trial) -> Finding:
    """Hold a kernel that draws to other results with another seed, and at another point."""
    straight = trial.straight
    if not (straight.drew or straight.init_drew):
        return not_applicable("draws no random numbers")
    # From the same initial state, so that a block that throws its numbers away does not live on those of the state.
    state = straight.states[0] if straight.drew else None
    for what, case in (("seed", replace(trial.case, seed=SEED + 1)), ("point", replace(trial.case, point=1))):
        if difference(straight, run(case, 0, state)) is None:
            return failed(f"another {what} gives the same bits, although random numbers are drawn")
    return passed("another seed and another point give other results")


def picklability(trial: Trial) -> Finding:
    """Hold a kernel to running in another process, as it must on Ray."""
    if trial.travels is not None:
        return failed(f"does not run in a fresh process: {trial.travels}")
    return passed("runs in a fresh process")


def cost(trial: Trial) -> Finding:
    """Compare the declared seconds of a block with measured ones; machines differ, so this only warns."""
    declared = trial.kernel.cost(trial.case.params)
    if not (np.isfinite(declared) and declared > 0):
        return failed(f"cost is {declared!r}; wanted seconds, above 0")
    _ = trial.straight  # what numba compiles is compiled by now
    measured = statistics.median(run(trial.case).seconds)
    ratio = max(declared, COST_FLOOR) / max(measured, COST_FLOOR)
    what = f"a block of the example took {measured:.2g} s; declared {declared:.2g} s"
    return passed(what) if 1 / COST_FACTOR <= ratio <= COST_FACTOR else warning(what)
