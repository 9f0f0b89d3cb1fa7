"""Samples of a trained machine by parallel tempering: copies of it at several t on a path, which change places.

Where a machine has several valleys its own Gibbs steps stay in one of them. Here each configuration comes back to
t = 0 (see `path`), is drawn anew there, and returns.

References
----------
R. H. Swendsen, J.-S. Wang, Phys. Rev. Lett. 57, 2607 (1986); K. Hukushima, K. Nemoto, J. Phys. Soc. Jpn. 65, 1604
(1996); even and odd pairs in turn, and rungs from rejections: S. Syed, A. Bouchard-Cote, G. Deligiannidis, A. Doucet,
J. R. Stat. Soc. B 84, 321 (2022). ln Z from pairs of neighbours: C. H. Bennett, J. Comput. Phys. 22, 245 (1976).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sweep.kernels.contract import Array
from sweep.kernels.rbm.machine import Machine
from sweep.kernels.rbm.path import Path


class Rungs(NamedTuple):
    """Where the configurations of several independent ladders are, and what happened there so far.

    Parameters
    ----------
    v : int8[ladder * rung, visible], +-1
    t : float64[rung]
        From 0 to 1, the same for all ladders.
    row : int64[ladder, rung]
        Which row of `v` is there.
    left : bool[ladder * rung]
        Whether a configuration was at t = 1 since it was last at t = 0.
    exchanged, offered : int64[rung - 1]
        Exchanges between a rung and the next that were made, and that were tried.
    trips : int64[1]
        Times that a configuration went from t = 0 to t = 1 and back.
    steps : int64[1]
    level : float64[rung - 1]
        About what ln Z rises by from a rung to the next.
    rise : float64[rung - 1]
        Sum of the mean rise of ln p from a rung to the next, over exchanges that were tried.
    bridge : float64[2, ladder, rung - 1]
        Sums of Bennett's 1 / (1 + exp(-x)): x is ln of what the lower configuration gains by going up less `level`, or
        what the upper one gains by going down plus `level`.
    """

    v: Array
    t: Array
    row: Array
    left: Array
    exchanged: Array
    offered: Array
    trips: Array
    steps: Array
    level: Array
    rise: Array
    bridge: Array

    @classmethod
    def start(cls, t: Array, v: Array, level: Array) -> Rungs:
        """Return rungs at t with these configurations, ladder after ladder, and no history."""
        row = np.arange(len(v)).reshape(-1, len(t))
        exchanged, offered = np.zeros((2, len(level)), np.int64)
        trips, steps = np.zeros((2, 1), np.int64)
        rise, bridge = np.zeros_like(level), np.zeros((2, len(row), len(level)))
        return cls(v, t, row, np.zeros(len(v), bool), exchanged, offered, trips, steps, level, rise, bridge)

    def again(self, t: Array) -> Rungs:
        """Return these configurations at rungs that may have moved to other t, with the rises of ln Z seen so far."""
        level = self.rise / np.maximum(self.offered, 1)
        return Rungs.start(t, self.v[self.row.ravel()], level)

    @property
    def rejected(self) -> Array:
        """Return float64[rung - 1], the share of exchanges that were not made."""
        return np.asarray(1 - self.exchanged / np.maximum(self.offered, 1))


class Ladders:
    """Ladders at work: the rungs, and what their steps work on.

    Parameters
    ----------
    machine : Machine
    base : float[visible]
        Biases of the independent spins at t = 0.
    rungs : Rungs
        Where to start; not changed.
    rng : Generator
    """

    def __init__(self, machine: Machine, base: Array, rungs: Rungs, rng: np.random.Generator) -> None:
        self._rungs = Rungs(*(part.copy() for part in rungs))
        self._path, self._rng = Path(machine, base, rungs.v, rng), rng

    @property
    def rungs(self) -> Rungs:
        """Return where the ladders are."""
        return self._rungs._replace(v=self._path.v.astype(np.int8))

    @property
    def samples(self) -> Array:
        """Return int8[ladder, visible], the configurations at t = 1."""
        return np.asarray(self._path.v[self._rungs.row[:, -1]].astype(np.int8))

    @property
    def log_partition(self) -> tuple[float, float]:
        """Return ln Z (eq 3) by Bennett's ratio of neighbours, and its standard error by the jackknife over ladders."""
        bridge, count = self._rungs.bridge, len(self._rungs.row)
        start = self._path.log_partition_of_base() + self._rungs.level.sum()
        whole = float(start + _log_ratios(bridge.sum(axis=1)))
        if count == 1:
            return whole, np.nan
        without = np.array([_log_ratios(np.delete(bridge, one, axis=1).sum(axis=1)) for one in range(count)])
        return whole, float(np.sqrt(count - 1) * without.std())

    def step(self) -> None:
        """Try to exchange every other pair of neighbours, then take a Gibbs step everywhere."""
        rungs = self._rungs
        self._exchange(int(rungs.steps[0] % 2))
        t = np.empty(rungs.row.size)
        t[rungs.row] = rungs.t
        self._path.move(t)
        rungs.steps[0] += 1

    def _exchange(self, first: int) -> None:
        """Exchange rungs first and first + 1, first + 2 and first + 3, ... of every ladder, with Metropolis' rule."""
        rungs, low = self._rungs, np.arange(first, len(self._rungs.t) - 1, 2)
        lower, upper = rungs.row[:, low], rungs.row[:, low + 1]
        here, there = np.zeros((2, rungs.row.size))
        here[lower], there[lower], here[upper], there[upper] = (rungs.t[low + up] for up in (0, 1, 1, 0))
        ratio = self._path.log_ratio(here, there)
        up, down = ratio[lower], ratio[upper]
        accepted = np.log(1 - self._rng.random(lower.shape)) < up + down
        rungs.row[:, low], rungs.row[:, low + 1] = np.where(accepted, (upper, lower), (lower, upper))
        rungs.exchanged[low] += accepted.sum(axis=0)
        rungs.offered[low] += len(accepted)
        rungs.rise[low] += (up - down).sum(axis=0) / 2
        rungs.bridge[0][:, low] += np.exp(-np.logaddexp(0, rungs.level[low] - up))
        rungs.bridge[1][:, low] += np.exp(-np.logaddexp(0, -rungs.level[low] - down))
        rungs.trips[0] += rungs.left[rungs.row[:, 0]].sum()
        rungs.left[rungs.row[:, 0]] = False
        rungs.left[rungs.row[:, -1]] = True


def _log_ratios(bridge: Array) -> float:
    """Return the sum over pairs of ln of the first over the second sum, float64[2, rung - 1]."""
    up, down = np.log(np.maximum(bridge, np.finfo(float).tiny))
    return float((up - down).sum())


def settled_rungs(
    machine: Machine, base: Array, shape: tuple[int, int], rounds: int, rng: np.random.Generator
) -> Rungs:
    """Return ladders that have forgotten where they started, with rungs that exchange about equally often.

    Parameters
    ----------
    machine, base
        As for `Ladders`.
    shape : (int, int)
        Ladders and rungs.
    rounds : int
        Each has twice the steps of the one before, 32 in the first, and then moves the rungs by what it saw; in as many
        steps as in all of them together the last rungs settle.
    """
    ladders, count = shape
    v = np.ones((ladders * count, machine.visible_bias.size), np.int8)
    rungs = Rungs.start(np.linspace(0, 1, count), v, np.zeros(count - 1))
    for steps in 32 * 2 ** np.arange(rounds):
        rungs = _after(machine, base, rungs, int(steps), rng)
        rungs = rungs.again(respaced(rungs.t, rungs.rejected))
    return _after(machine, base, rungs, 32 * 2**rounds, rng).again(rungs.t)


def settling_steps(rounds: int) -> int:
    """Return how many steps `settled_rungs` takes."""
    return int(32 * (2 ** (rounds + 1) - 1))


def _after(machine: Machine, base: Array, rungs: Rungs, steps: int, rng: np.random.Generator) -> Rungs:
    ladders = Ladders(machine, base, rungs, rng)
    for _ in range(steps):
        ladders.step()
    return ladders.rungs


def respaced(t: Array, rejected: Array) -> Array:
    """Return as many t from 0 to 1, between which exchanges would be rejected equally often.

    What is rejected adds up along a path as lengths do, for rungs that are close (Syed et al., theorem 2).

    Parameters
    ----------
    t : float64[rung]
    rejected : float64[rung - 1]
        Shares, between each rung and the next.
    """
    length = np.concatenate([[0.0], np.cumsum(rejected + 1e-3)])  # where nothing is rejected rungs stay apart
    found = np.interp(np.linspace(0, length[-1], len(t)), length, t)
    found[-1] = 1.0
    return np.asarray(found)
