"""The multi-spin kernel: bits as in a plain reference, replicas that know nothing of each other."""

from __future__ import annotations

import os
import subprocess
import sys
from decimal import Decimal

import numpy as np
import pytest
from scipy.stats import chi2

from sweep.kernels.ising import ISING, bernoulli, measure, multispin, packed
from sweep.kernels.ising.chains import start
from sweep.kernels.ising.exact import configurations, energies
from sweep.kernels.ising.measure import plain_totals
from sweep.kernels.ising.packed import pack, totals, unpack
from sweep.kernels.ising.params import IsingParams

CRITICAL = 2.269185314213022
ONES = 2**64 - 1
SWEEPS = 7  # more than a block of 64 visits


class Generator:
    """One of the eight: SFC64 in Python's integers."""

    def __init__(self, state: np.ndarray) -> None:
        self.a, self.b, self.c, self.counter = (int(word) for word in state)

    def word(self) -> int:
        word = (self.a + self.b + self.counter) & ONES
        self.counter = (self.counter + 1) & ONES
        self.a, self.b = self.b ^ self.b >> 11, (self.c + (self.c << 3)) & ONES
        self.c = (((self.c << 24 | self.c >> 40) & ONES) + word) & ONES
        return word


class Bits:
    """The bits of `bernoulli.fill` one lane at a time: a uniform number below a rounded probability, and then what
    rare events make of it."""

    def __init__(self, state: np.ndarray, drawn: bernoulli.Recipe) -> None:
        self.generators = [Generator(state[:, word]) for word in range(8)]
        self.drawn = drawn
        self.block: list[list[list[bool]]] = []

    def words(self) -> list[int]:
        return [generator.word() for generator in self.generators]

    def next(self) -> list[list[bool]]:
        """Return a bit of both probabilities for each of 512 lanes."""
        if not self.block:
            self.fill()
        return self.block.pop(0)

    def fill(self) -> None:
        digits = self.drawn.digits.tolist()
        below = [sum((digit >> which & 1) << j for j, digit in enumerate(digits)) for which in (0, 1)]
        for _ in range(64):
            words = [self.words() for _ in digits]
            u = [sum((~w[lane // 64] >> lane % 64 & 1) << j for j, w in enumerate(words)) for lane in range(512)]
            self.block.append([[x < p + bool(up) for x in u] for p, up in zip(below, self.drawn.up, strict=True)])
        words = self.words()
        counts = [
            sum(int(t) <= word for t in table)
            for table, word in zip((self.drawn.first_events, self.drawn.second_events), words, strict=False)
        ]
        words = [word for _ in range(-(-sum(counts) // 32)) for word in self.words()]
        positions = [word >> 16 * i & 0x7FFF for word in words for i in range(4)]
        for which in (0, 1):
            for position in positions[which * counts[0] :][: counts[which]]:
                vector, lane = divmod(position, 512)
                self.block[vector][which][lane] = not self.drawn.up[which]


def reference(spins: np.ndarray, state: np.ndarray, temperature: float, sweeps: int) -> np.ndarray:
    """Return int8[512, size, size] after Metropolis sweeps, one replica and one spin at a time."""
    spins, size = spins.copy(), spins.shape[1]
    bits = Bits(state, multispin.acceptance(temperature))
    drawn = [bits.words() for _ in range(sweeps)]
    for chosen in drawn:
        extra = (chosen[0] >> 32) * size**2 >> 32
        for y, x in [*np.ndindex(size, size), divmod(extra, size)]:
            s = spins[:, y, x].astype(int)
            field = s * (
                spins[:, y, x - 1] + spins[:, y, (x + 1) % size] + spins[:, y - 1, x] + spins[:, (y + 1) % size, x]
            )
            four, eight = bits.next()
            flip = [f <= 0 or (four[r] if f == 2 else eight[r]) for r, f in enumerate(field)]
            spins[:, y, x] = np.where(flip, -s, s)
    return spins


@pytest.mark.parametrize(("size", "temperature"), [(3, CRITICAL), (4, 1.3), (5, 5.0), (4, 0.05), (3, 900.0)])
def test_bits_are_those_of_the_reference(size: int, temperature: float) -> None:
    rng = np.random.default_rng(size)
    spins, state = start(IsingParams(size, 9.0), 512, rng), multispin.seed(rng)
    wanted = reference(spins, state, temperature, sweeps=SWEEPS)
    words = pack(spins)
    multispin.metropolis(words, state, multispin.acceptance(temperature), SWEEPS)
    np.testing.assert_array_equal(unpack(words, size), wanted)


@pytest.mark.parametrize("probability", ["0", "1e-30", "0.0001", "0.0294", "0.1716", "0.4999", "0.5", "0.83", "0.9999"])
def test_bits_have_their_probability(probability: str) -> None:
    """33 million bits, |z| < 5.3, false alarm 1e-7 each: 4e-4 at 0.1716, a tenth of what rounded digits miss."""
    p = Decimal(probability)
    drawn = bernoulli.recipe(p, p * p)
    bits, words = bernoulli.room(drawn)
    state = multispin.seed(np.random.default_rng(8))
    ones = np.zeros(2)
    times = 1000
    for _ in range(times):
        bernoulli.fill(state, drawn, bits, words)
        ones += np.bitwise_count(bits).sum(axis=(1, 2), dtype=np.int64)
    for seen, chance in zip(ones / (times * bernoulli.LANES), (float(p), float(p * p)), strict=True):
        assert abs(seen - chance) <= 5.3 * np.sqrt(chance * (1 - chance) / (times * bernoulli.LANES))


def test_words_are_those_of_sfc64() -> None:
    rng = np.random.default_rng(1)
    state = multispin.seed(rng)
    generators = [Generator(state[:, word]) for word in range(8)]
    drawn = multispin.draw(state, 50)
    assert drawn.tolist() == [[generator.word() for generator in generators] for _ in range(50)]
    known = np.random.SFC64(0)
    inner = known.state["state"]["state"]
    assert [Generator(inner).word() for _ in range(1)] == [int(known.random_raw())]


def test_no_configuration_keeps_the_chain_for_itself() -> None:
    """102 400 chains from random spins, chi^2 on energy levels, false alarm at 1e-6. Sweeps in a fixed order alone
    leave the chains that start in closed orbits there: the top level then holds five times its share, and
    chi^2 is 1000 and more."""
    size = 3
    params = IsingParams(size, CRITICAL, "metropolis", configurations=10**6)
    seeds = np.random.SeedSequence(size).spawn(200)
    energy = np.concatenate([ISING.advance(params, (), np.random.default_rng(s), {})[1]["energy"] for s in seeds])
    exact = energies(configurations(size))
    levels, states = np.unique(exact, return_counts=True)
    expected = states * np.exp((levels[0] - levels) / CRITICAL)
    expected *= len(energy) / expected.sum()
    seen = np.bincount(np.searchsorted(levels, np.rint(energy * size**2)), minlength=len(levels))
    kept = expected > 10
    assert chi2.sf(((seen - expected) ** 2 / expected)[kept].sum(), kept.sum() - 1) > 1e-6


_DIGEST = """
import hashlib, numpy as np
from sweep.kernels.ising import ISING, IsingParams
h = hashlib.sha256()
for algorithm in ("metropolis", "swendsen_wang", "wolff"):
    params = IsingParams(7, 2.3, algorithm, configurations=100, equilibration=40)
    for name, values in sorted(ISING.advance(params, (), np.random.default_rng(1), {})[1].items()):
        h.update(values.tobytes())
print(h.hexdigest())
"""


@pytest.mark.slow
def test_bits_do_not_depend_on_the_processor(tmp_path: object) -> None:
    """Compiled for the host, for the first 64-bit x86 without vectors beyond SSE2, and for one with AVX2."""
    digests = set()
    for cpu in ("", "generic", "haswell"):
        environment = os.environ | {"NUMBA_CACHE_DIR": f"{tmp_path}/{cpu}"}
        if cpu:
            environment |= {"NUMBA_CPU_NAME": cpu, "NUMBA_CPU_FEATURES": "" if cpu == "generic" else "+avx2"}
        done = subprocess.run(
            [sys.executable, "-c", _DIGEST], env=environment, capture_output=True, text=True, check=True
        )
        digests.add(done.stdout)
    assert len(digests) == 1


@pytest.mark.parametrize("size", [3, 8, 11])
def test_packing_and_totals(size: int) -> None:
    spins = start(IsingParams(size, 9.0), 512, np.random.default_rng(size))
    spins[7], spins[8] = 1, -1
    words = pack(spins)
    np.testing.assert_array_equal(unpack(words, size), spins)
    for ours, plain in zip(totals(words, multispin.neighbours(size)), plain_totals(spins), strict=True):
        np.testing.assert_array_equal(ours, plain)


@pytest.mark.parametrize("per_bin", [2, 16, 64])
@pytest.mark.parametrize("size", [3, 8, 11])
def test_packed_correlators(size: int, per_bin: int) -> None:
    spins = start(IsingParams(size, 9.0), 512, np.random.default_rng(size))
    words, near = pack(spins), multispin.neighbours(size)
    np.testing.assert_array_equal(packed.pair_sums(words, size, per_bin), measure.pair_sums(spins, per_bin))
    bonds = spins * np.roll(spins, -1, axis=2)
    np.testing.assert_array_equal(unpack(packed.horizontal_bonds(words, near), size), bonds)


def evolve(shared: bool, temperature: float, sweeps: int) -> np.ndarray:
    """Return int8[512, 8, 8] after sweeps from random starts, by the kernel or by a fault that it must not have:
    one random number for all replicas of a word."""
    rng = np.random.default_rng(12)
    words, near = pack(start(IsingParams(8, 9.0), 512, rng)), multispin.neighbours(8)
    if not shared:
        multispin.metropolis(words, multispin.seed(rng), multispin.acceptance(temperature), sweeps)
        return unpack(words, 8)
    four, eight = np.exp(-4 / temperature), np.exp(-8 / temperature)
    for _ in range(sweeps):
        for site, u in enumerate(rng.random((64, 1))):
            left, right, above, below = (words[site] ^ words[other] for other in near[site])
            some, two = left | right | above | below, left & right | above & below | (left | right) & (above | below)
            words[site] ^= (
                two | np.where(u < four, some, 0).astype(np.uint64) | np.where(u < eight, ~some, 0).astype(np.uint64)
            )
    return unpack(words, 8)


def scatter(spins: np.ndarray) -> float:
    """Return how much the replicas know of each other: the variance of the mean energy of a word's 64 replicas over
    what it is for independent ones, 1 then."""
    energy, _ = plain_totals(spins)
    return float(64 * energy.reshape(8, 64).mean(axis=1).var(ddof=1) / energy.var(ddof=1))


def test_replicas_have_random_numbers_of_their_own() -> None:
    """At T_c every one of 512 replicas is another configuration. A number shared by the replicas of a word leaves a
    few: which this test sees as well, so it could fail. chi^2 with 7 degrees of freedom: 0.085 to 3.5 at 1e-4 each."""
    ours, faulty = evolve(False, CRITICAL, 3000), evolve(True, CRITICAL, 3000)
    assert len(np.unique(ours.reshape(512, -1), axis=0)) > 400
    assert len(np.unique(faulty.reshape(512, -1), axis=0)) < 20
    assert 0.085 < scatter(ours) < 3.9
