"""Packed configurations: to and from single spins, and the same measurements as of these."""

from __future__ import annotations

import numpy as np
import pytest

from sweep.kernels.contract import Array
from sweep.kernels.ising.multispin import REPLICAS, neighbours
from sweep.kernels.ising.packed import pack, pair_sums, totals, unpack

SIZES = [3, 4, 7, 8, 9, 10, 17, 65, 66]  # below and above a block of 64 sites; the last two make two tiles


def random_spins(size: int) -> Array:
    spins = np.random.default_rng(size).integers(0, 2, (REPLICAS, size, size), np.int8) * 2 - 1
    return np.asarray(spins, np.int8)


@pytest.mark.parametrize("size", SIZES)
def test_words_hold_replicas_by_site(size: int) -> None:
    spins = random_spins(size)
    words = pack(spins)
    assert words.shape == (size * size, 8)
    assert words.dtype == np.uint64
    for replica in (0, 1, 63, 64, 300, 511):
        bits = words[:, replica // 64] >> np.uint64(replica % 64) & np.uint64(1)
        np.testing.assert_array_equal(bits.reshape(size, size) == 1, spins[replica] == 1)


@pytest.mark.parametrize("size", SIZES)
def test_unpacking_is_the_inverse_of_packing(size: int) -> None:
    spins = random_spins(size)
    back = unpack(pack(spins), size)
    assert back.dtype == np.int8
    assert back.flags.c_contiguous
    np.testing.assert_array_equal(back, spins)


@pytest.mark.parametrize("size", SIZES)
def test_totals_are_those_of_single_spins(size: int) -> None:
    spins = random_spins(size)
    spins[7], spins[8] = 1, -1
    energy, magnetization = totals(pack(spins), neighbours(size))
    bonds = spins * (np.roll(spins, -1, axis=1) + np.roll(spins, -1, axis=2))
    np.testing.assert_array_equal(energy, -bonds.sum(axis=(1, 2), dtype=np.int64))
    np.testing.assert_array_equal(magnetization, spins.sum(axis=(1, 2), dtype=np.int64))


@pytest.mark.parametrize("per_bin", [2, 16, 64])
@pytest.mark.parametrize("size", [3, 4, 10, 17])
def test_pair_sums_are_those_of_single_spins(size: int, per_bin: int) -> None:
    spins = random_spins(size)
    sums = pair_sums(pack(spins), size, per_bin)
    for dy, dx in np.ndindex(size, size):
        products = spins * np.roll(spins, (-dy, -dx), axis=(1, 2))
        np.testing.assert_array_equal(sums[:, dy, dx], products.reshape(-1, per_bin * size * size).sum(axis=1))
