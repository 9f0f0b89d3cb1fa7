"""Spin flips per nanosecond and effective samples per second of the Ising kernels, beside mcising and peapods.

    python benchmarks/ising_speed.py [--quick]

The peers get an environment of their own (``.venv-peers``). One thread each; runs of all packages take turns, and a
number is the median over turns of processor time. No speed is printed before the kernels have passed, with fresh
seeds: energy and specific heat against Kaufman's exact solution (|z| < 4), and independent replicas (variance of
their mean over what independence gives, 0.85 to 1.15).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import median

os.environ |= {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1"}

import numpy as np

from sweep.kernels.ising import ISING, IsingParams, multispin
from sweep.kernels.ising.chains import start, updated
from sweep.kernels.ising.cluster import swendsen_wang, wolff
from sweep.kernels.ising.packed import pack, totals, unpack
from sweep.kernels.ising.schedule import schedule
from sweep.kernels.ising.words import boltzmann_threshold, seeds

CRITICAL = 2.269185314213022
KAUFMAN = {10: (-1.47624290836, 1.26001964), 32: (-1.43366846615, 1.84676759), 64: (-1.42393838983, 2.19221139)}
"""Energy per site and specific heat at T_c, by size."""
RELAXATION = {10: 4.6, 32: 45.0, 64: 216.0, 512: 18900.0}
"""Sweeps of Metropolis in which |m| forgets itself at T_c, as benchmarks/ising.md measures them; 512 by L^2.1667."""
HERE = Path(__file__).resolve().parent
PEERS = HERE.parent / ".venv-peers"
BARS = {"mcising": 85, "peapods": 230}


def z_score(values: np.ndarray, exact: float) -> float:
    """Return the distance of a mean from an exact value in standard errors."""
    return float((values.mean() - exact) / (values.std(ddof=1) / np.sqrt(len(values))))


def check_energies(algorithm: str, size: int, seed: np.random.SeedSequence) -> None:
    """Hold energy and specific heat of a block of chains to Kaufman's; stop the benchmark if they disagree."""
    params = IsingParams(size, CRITICAL, algorithm, configurations=10**6)
    energy = ISING.advance(params, (), np.random.default_rng(seed), {})[1]["energy"]
    exact, heat = KAUFMAN[size]
    scores = z_score(energy, exact), z_score((energy - exact) ** 2 * size**2 / CRITICAL**2, heat)
    print(
        f"  {algorithm:14s} L = {size:3d}  z of energy {scores[0]:+.2f}, of specific heat {scores[1]:+.2f}", flush=True
    )
    if max(map(abs, scores)) >= 4:
        raise SystemExit(f"{algorithm} at L = {size} disagrees with Kaufman: no speed is printed")


def check_independence(size: int, seed: np.random.SeedSequence, times: int = 4000) -> None:
    """Hold the variance of the mean over replicas to that of independent ones; stop the benchmark if it is not."""
    rng = np.random.default_rng(seed)
    words, near = pack(start(IsingParams(size, CRITICAL), multispin.REPLICAS, rng)), multispin.neighbours(size)
    state, accepted = multispin.seed(rng), multispin.acceptance(CRITICAL)
    multispin.metropolis(words, state, accepted, schedule(IsingParams(size, CRITICAL, "metropolis")).equilibration)
    energies = np.empty((times, multispin.REPLICAS))
    for number in range(times):
        multispin.metropolis(words, state, accepted, round(3 * RELAXATION[size]))
        energies[number] = totals(words, near)[0]
    ratio = multispin.REPLICAS * energies.mean(axis=1).var(ddof=1) / energies.var(ddof=1)
    print(f"  replicas at L = {size}: variance of their mean over what independence gives {ratio:.3f}", flush=True)
    if not 0.85 < ratio < 1.15:
        raise SystemExit("the replicas are not independent: no speed is printed")


class Peers:
    """The other packages, in a process of their own environment."""

    def __init__(self) -> None:
        python = PEERS / "bin" / "python"
        if not python.exists():
            print("setting up the peers' environment ...", flush=True)
            subprocess.run([sys.executable, "-m", "venv", str(PEERS)], check=True)
            subprocess.run([str(python), "-m", "pip", "install", "--quiet", "mcising", "peapods", "numpy"], check=True)
        command = [str(python), str(HERE / "ising_peers.py")]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def seconds(self, package: str, algorithm: str, size: int, sweeps: int) -> float:
        """Return the processor time of some sweeps at T_c."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([package, algorithm, size, CRITICAL, sweeps]) + "\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())


def timed(work: Callable[[], object]) -> float:
    """Return the processor time of a call."""
    begin = time.process_time()
    work()
    return time.process_time() - begin


class OurMetropolis:
    """512 replicas at T_c; at T_c and in equilibrium up to L = 64, which does not change the speed."""

    def __init__(self, size: int) -> None:
        rng = np.random.default_rng()
        self.words, self.state = pack(start(IsingParams(size, CRITICAL), multispin.REPLICAS, rng)), multispin.seed(rng)
        self.near, self.accepted = multispin.neighbours(size), multispin.acceptance(CRITICAL)
        self.sweep(10)

    def sweep(self, sweeps: int) -> None:
        """Do some sweeps."""
        multispin.metropolis(self.words, self.state, self.accepted, sweeps)


def interleaved(
    turns: int, works: dict[str, Callable[[], float]], summary: Callable[[list[float]], float] = median
) -> dict[str, float]:
    """Return the median over turns (or another summary) of what each work says it took, the works taking turns."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(turns):
        for name, work in works.items():
            taken[name].append(work())
    return {name: summary(values) for name, values in taken.items()}


def metropolis_rates(size: int, turns: int, peers: Peers) -> dict[str, float]:
    """Return flips per nanosecond by package, Metropolis at T_c."""
    ours, sites = OurMetropolis(size), size * size
    many, few = max(1, int(4e8 / (512 * sites))), max(1, int(4e6 / sites))
    seconds = interleaved(
        turns,
        {
            "ours": lambda: timed(lambda: ours.sweep(many)),
            **{name: lambda n=name: peers.seconds(n, "metropolis", size, few) for name in ("mcising", "peapods")},  # type: ignore[misc]
        },
    )
    flips = {name: sites * (many * 512 if name == "ours" else few) for name in seconds}
    return {name: flips[name] / seconds[name] / 1e9 for name in seconds}


def sampling_overhead(size: int, turns: int) -> float:
    """Return what measuring energy and magnetization after every tenth sweep adds, as a share.

    Of the fastest turns: the share is small beside the scatter that other processes make, which only adds.
    """
    ours = OurMetropolis(size)
    rounds = max(1, int(2e8 / (5120 * size * size)))

    def sweep(measuring: bool) -> None:
        for _ in range(rounds):
            ours.sweep(10)
            if measuring:
                totals(ours.words, ours.near)

    works = {"bare": lambda: timed(lambda: sweep(False)), "measured": lambda: timed(lambda: sweep(True))}
    seconds = interleaved(turns, works, min)
    return seconds["measured"] / seconds["bare"] - 1


def cluster_ratio(algorithm: str, size: int, turns: int, peers: Peers) -> tuple[float, float]:
    """Return our rate in millions of spins per second, and its ratio to mcising's; Wolff's counts flipped spins."""
    params = IsingParams(size, CRITICAL, "swendsen_wang")
    rng = np.random.default_rng()
    spins = updated(params, start(params, 1, rng), rng, 60)
    states, cut = seeds(rng, 1), boltzmann_threshold(2, CRITICAL)
    update = swendsen_wang if algorithm == "swendsen_wang" else wolff
    update(spins, states, cut, 1)
    number = int(3e6 / size**2) if algorithm == "swendsen_wang" else max(300, int(6e6 / size**2))
    seconds = interleaved(
        turns,
        {
            "ours": lambda: timed(lambda: update(spins, states, cut, number)),
            "mcising": lambda: peers.seconds("mcising", algorithm, size, number),
        },
    )
    share = 1.0 if algorithm == "swendsen_wang" else 1.09195 * size**-0.25
    return share * number * size**2 / seconds["ours"] / 1e6, seconds["mcising"] / seconds["ours"]


def _sweep_for(seconds: float) -> float:
    """Return sweeps per second of one process, wall time, L = 32."""
    ours, done, begin = OurMetropolis(32), 0, time.monotonic()
    while time.monotonic() - begin < seconds:
        ours.sweep(200)
        done += 200
    return done / (time.monotonic() - begin)


def scaling(seconds: float) -> float:
    """Return the rate of two processes at once over that of one."""
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(_sweep_for, [0.1, 0.1]))
        alone = pool.submit(_sweep_for, seconds).result()
        return sum(pool.map(_sweep_for, [seconds, seconds])) / alone


def unpack_rate(size: int = 64) -> float:
    """Return spins per nanosecond from packed words to int8."""
    words = OurMetropolis(size).words
    return 512 * size**2 / median(timed(lambda: unpack(words, size)) for _ in range(9)) / 1e9


def many_configurations(count: int = 120_000, size: int = 64) -> tuple[float, float]:
    """Return the seconds to draw independent configurations at T_c as int8, with energies, and what they correlate.

    The second is the correlation of |m| between successive samples of a chain.
    """
    params = IsingParams(size, CRITICAL, "metropolis")
    plan, near, accepted = schedule(params), multispin.neighbours(size), multispin.acceptance(CRITICAL)
    magnetizations = np.empty((-(-count // multispin.REPLICAS), multispin.REPLICAS), np.int64)

    def draw() -> None:
        rng = np.random.default_rng()
        words, state = pack(start(params, multispin.REPLICAS, rng)), multispin.seed(rng)
        for number in range(len(magnetizations)):
            multispin.metropolis(words, state, accepted, plan.interval if number else plan.equilibration)
            unpack(words, size)
            magnetizations[number] = totals(words, near)[1]

    seconds = timed(draw)
    m = np.abs(magnetizations) - np.abs(magnetizations).mean()
    return seconds, float((m[1:] * m[:-1]).mean() / (m * m).mean())


def gates(quick: bool) -> None:
    """Run every check of correctness; stop at the first that fails."""
    print("Correctness, fresh seeds:")
    for seed in np.random.SeedSequence().spawn(1 if quick else 3):
        for size in (10, 32) if quick else (10, 32, 64):
            check_energies("metropolis", size, seed)
        check_energies("swendsen_wang", 32, seed)
        check_energies("wolff", 32, seed)
        check_independence(10, seed)
    if not quick:
        check_independence(32, np.random.SeedSequence(), times=1500)


def report(quick: bool) -> Iterator[str]:
    """Yield the lines of the tables."""
    turns, peers = (3 if quick else 9), Peers()
    yield "Metropolis at T_c, one core: flips/ns, effective samples of |m| per second"
    names = ("ours", "mcising", "peapods", "/mcising", "/peapods", "samples/s", "sampling")
    yield f"{'L':>5}" + "".join(f"{name:>10}" for name in names)
    for size in (10, 32, 64, 512):
        rates = metropolis_rates(size, turns, peers)
        ratios = {name: rates["ours"] / rates[name] for name in BARS}
        samples = rates["ours"] * 1e9 / (size**2 * 2 * RELAXATION[size])
        missed = "" if size == 512 or all(ratios[n] >= BARS[n] for n in BARS) else "  below the bar"
        yield (
            f"{size:5d}{rates['ours']:10.2f}{rates['mcising']:10.4f}{rates['peapods']:10.4f}{ratios['mcising']:10.0f}"
            f"{ratios['peapods']:10.0f}{samples:10.3g}{sampling_overhead(size, turns):10.1%}{missed}"
        )
    yield "Cluster updates at T_c: million spins per second, ratio to mcising"
    for algorithm, size in (("swendsen_wang", 64), ("swendsen_wang", 512), ("wolff", 64), ("wolff", 512)):
        rate, ratio = cluster_ratio(algorithm, size, turns, peers)
        yield f"{algorithm:14s} L = {size:3d} {rate:8.1f} {ratio:8.2f}"
    yield f"unpacking: {unpack_rate():.1f} spins/ns"
    if not quick:
        seconds, correlation = many_configurations()
        yield f"120 000 configurations at 64x64: {seconds:.1f} s, successive |m| correlated by {correlation:.3f}"
    yield f"two processes: {scaling(2.0 if quick else 5.0):.2f} times one"


def main() -> None:
    """Check, then measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one seed and three turns instead of nine")
    quick = parser.parse_args().quick
    gates(quick)
    for line in report(quick):
        print(line, flush=True)


if __name__ == "__main__":
    main()
