"""Which update, how long before the first sample, how far between samples.

The rule
--------
A chain starts from a ground state up to T_c and from random spins above: on either side the start relaxes locally,
with no domain walls left over. A Wolff chain starts from a ground state at every temperature, since the clusters of
random spins are so small that hundreds of them do nothing. Then it equilibrates for `RELAXATIONS` relaxation times, so
that what is left of the start is exp(-12) = 6e-6 of its first deviation. Samples of one chain are two relaxation times
apart.

Relaxation times of |m| and of the energy, in sweeps, as upper bounds of what `benchmarks/ising_relaxation.py` measures
(at all temperatures of the paper for L = 9 and 10, at and beside T_c for others; benchmarks/ising.md has the numbers):
- Metropolis: 1 + T/3 + 0.027 l^2.1667 with l = min(L, 3 xi), xi the correlation length of the infinite lattice; T/3
  because a sweep at high temperature flips nearly all spins, which leaves the energy as it was;
- Swendsen-Wang: 2 L^(1/4), at every temperature what it is at T_c;
- Wolff: 1.4 L^(1/4), a sweep being as many clusters as hold all sites on average: L^2/chi.

Which update: the one with the least time from one independent sample to the next, 2 x relaxation time x time of a
sweep. The times of a sweep are constants, measured once: a choice that was timed anew would make results depend on the
machine. Multi-spin Metropolis wins up to L = 130 at T_c, and larger lattices get a cluster update at every temperature:
all temperatures of a size then have blocks of as many chains.

At temperature 0 nothing moves: a sample is a ground state, each sign with probability 1/2.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import ceil

from sweep.kernels.ising.params import HOTTEST, IsingParams

CRITICAL_TEMPERATURE = 2.269185314213022
RELAXATIONS = 12
DYNAMIC_EXPONENT = 2.1667  # Nightingale and Bloete 2000
NANOSECONDS = {"metropolis": 0.05, "swendsen_wang": 13.0, "wolff": 11.0}
"""Of one spin in a sweep; see benchmarks/ising.md."""
LARGEST_METROPOLIS = 130


@dataclass(frozen=True)
class Schedule:
    """What a chain does.

    Parameters
    ----------
    algorithm : str
        One of `ALGORITHMS`, not auto.
    equilibration, interval : int
        Sweeps before the first sample, and from one sample to the next.
    flips : int
        Clusters that make a sweep (Wolff only).
    cold : bool
        Start in a ground state, each sign with probability 1/2; else from random spins.
    """

    algorithm: str
    equilibration: int
    interval: int
    flips: int
    cold: bool


@lru_cache(maxsize=1024)
def schedule(params: IsingParams) -> Schedule:
    """Return what the chains of an ensemble do, by the rule above where the parameters leave it open."""
    algorithm = fastest(params) if params.algorithm == "auto" else params.algorithm
    relaxation = relaxation_sweeps(algorithm, params)
    return Schedule(
        algorithm,
        params.equilibration or ceil(RELAXATIONS * relaxation),
        params.interval or ceil(2 * relaxation),
        ceil(params.sites / susceptibility(params)),
        algorithm == "wolff" or params.temperature <= CRITICAL_TEMPERATURE,
    )


def chains(params: IsingParams) -> int:
    """Return how many chains run together as one block, the same at every temperature."""
    single = params.algorithm == "metropolis" or (params.algorithm == "auto" and params.size <= LARGEST_METROPOLIS)
    return 512 if single else 64


def fastest(params: IsingParams) -> str:
    """Return the algorithm with the most effective samples per second."""
    if params.temperature > HOTTEST:
        return "swendsen_wang"
    able = [name for name in NANOSECONDS if name != "metropolis" or params.size <= LARGEST_METROPOLIS]
    return min(able, key=lambda name: NANOSECONDS[name] * relaxation_sweeps(name, params))


def relaxation_sweeps(algorithm: str, params: IsingParams) -> float:
    """Return an upper bound on the relaxation time, in sweeps."""
    if algorithm == "metropolis":
        length = min(params.size, 3 * correlation_length(params.temperature))
        return 1 + params.temperature / 3 + 0.027 * float(length**DYNAMIC_EXPONENT)
    return {"swendsen_wang": 2.0, "wolff": 1.4}[algorithm] * float(params.size**0.25)


def correlation_length(temperature: float) -> float:
    """Return the correlation length of the infinite lattice near T_c, in lattice spacings: T/(4 |T - T_c|) T_c."""
    distance = abs(temperature - CRITICAL_TEMPERATURE)
    return temperature * CRITICAL_TEMPERATURE / (4 * distance) if distance else float("inf")


def susceptibility(params: IsingParams) -> float:
    """Return sites * <m^2>, roughly: the mean size of a Wolff cluster."""
    critical = float(1.09 * params.size**1.75)
    if params.temperature <= CRITICAL_TEMPERATURE:
        return critical
    above = 0.9625 * float((1 - CRITICAL_TEMPERATURE / params.temperature) ** -1.75)  # Barouch, McCoy and Wu 1973
    return min(critical, max(1.0, above))
