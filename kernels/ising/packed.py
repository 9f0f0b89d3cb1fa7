"""Configurations of 512 replicas in packed words: to and from single spins, and what can be measured as they are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from kernels.contract import Array
from kernels.ising.lanes import WORDS, load, popcount, signs, splat, store
from kernels.ising.multispin import REPLICAS

_TILE = 64  # blocks of 64 sites: as many as leave the bytes of a tile in the second-level cache


def pack(spins: Array) -> Array:
    """Return uint64[sites, 8] from int8[512, size, size], +-1."""
    bits = np.packbits(spins.reshape(REPLICAS, -1).T > 0, axis=1, bitorder="little")
    return np.ascontiguousarray(bits).view("<u8").astype(np.uint64)


def unpack(words: Array, size: int) -> Array:
    """Return int8[512, size, size], +-1, from uint64[sites, 8]."""
    filled = words if len(words) >= 64 else np.resize(words, (64, WORDS))
    spins = np.empty((REPLICAS, len(filled)), np.int8)
    _unpack(filled, spins)
    return np.ascontiguousarray(spins[:, : size * size]).reshape(REPLICAS, size, size)


@njit(cache=True)
def _exchange(rows: Array, distance: int, width: int) -> None:
    """Exchange fields of `width` bits in uint64[64, 8]: the odd ones of row i with the even ones of row i + distance.

    With distance and width 32, 16, ... 1 in turn this transposes eight 64x64 matrices of bits, a word to a row
    (Warren, Hacker's Delight, 7-3); with 4, 2, 1 rows and 32, 16, 8 bits, 8x8 matrices of bytes.
    """
    shift = np.uint64(width)
    mask = splat(np.uint64(0xFFFFFFFFFFFFFFFF) // ((np.uint64(1) << shift) + np.uint64(1)))
    for start in range(0, 64, 2 * distance):
        for i in range(start, start + distance):
            first, second = load(rows, i), load(rows, i + distance)
            moved = ((first >> shift) ^ second) & mask
            store(rows, i, first ^ (moved << shift))
            store(rows, i + distance, second ^ moved)


@njit(cache=True)
def _unpack(words: Array, spins: Array) -> None:
    """Fill int8[512, sites] from uint64[sites, 8], 64 sites or more.

    A byte of a word is one site of eight replicas. Bytes are put together by replicas first, then every bit of 64
    neighbouring ones becomes a byte of its own.
    """
    sites = words.shape[0]
    tiles = -(-sites // (64 * _TILE))
    length = -(-sites // tiles)
    rows = np.empty((64, WORDS), np.uint64)
    blocks = -(-length // 64)
    octets = np.empty((64, blocks + 1, 8), np.uint64)  # eight replicas of a word to a row; longer, against aliasing
    row_bytes = 64 * (blocks + 1)
    for tile in range(tiles):
        start = min(tile * length, sites - length)
        for block in range(blocks):
            for i in range(64):
                store(rows, i, load(words, min(start + 64 * block + i, sites - 1)))
            for distance in (4, 2, 1):
                _exchange(rows, distance, 8 * distance)
            for word in range(WORDS):
                for byte in range(8):
                    for i in range(8):
                        octets[8 * word + byte, block, i] = rows[8 * i + byte, word]
        for replica in range(REPLICAS):
            octet, bit = divmod(replica, 8)
            row, target = row_bytes * octet, replica * sites + start
            signs(octets, row, bit, spins, target)
            for site in range(-target & 63, length - 64, 64):  # none of these crosses the end of a cache line
                signs(octets, row + site, bit, spins, target + site)
            signs(octets, row + length - 64, bit, spins, target + length - 64)


@njit(cache=True, inline="always")
def _count(planes: Array, waiting: Array, seen: int, first: Any, second: Any) -> None:
    """Add two bits per lane to 512 counters.

    Counters lie across planes: plane k holds bit k of each. A full adder takes a plane and two bits to the plane and
    a carry, and two carries make one step of the next plane, so a bit costs about five operations.

    Parameters
    ----------
    planes, waiting : uint64[planes, 8]
        The counters, and the carry that waits for its partner in every plane.
    seen : int
        Pairs that were added before.
    first, second : Lanes
    """
    level = 0
    while True:
        plane = load(planes, level)
        half = plane ^ first
        store(planes, level, half ^ second)
        carry = (plane & first) | (half & second)
        level += 1
        if seen & 1 == 0:
            store(waiting, level, carry)
            return
        seen >>= 1
        first, second = load(waiting, level), carry


@njit(cache=True)
def totals(words: Array, near: Array) -> tuple[Array, Array]:
    """Return int64[512] twice: energy in J and magnetization of every replica.

    Parameters
    ----------
    words : uint64[sites, 8]
    near : int64[sites, 4]
        Neighbours of every site; those right and below are used.
    """
    sites = words.shape[0]
    broken, broken_carry = np.zeros((32, WORDS), np.uint64), np.zeros((32, WORDS), np.uint64)
    up, up_carry = np.zeros((32, WORDS), np.uint64), np.zeros((32, WORDS), np.uint64)
    for site in range(sites):
        spin = load(words, site)
        _count(broken, broken_carry, site, spin ^ load(words, near[site, 1]), spin ^ load(words, near[site, 3]))
        if site % 2:
            _count(up, up_carry, site // 2, load(words, site - 1), spin)
    if sites % 2:
        spin = load(words, sites - 1)
        _count(up, up_carry, sites // 2, spin, spin ^ spin)
    energy, magnetization = np.empty(REPLICAS, np.int64), np.empty(REPLICAS, np.int64)
    _flush(broken, broken_carry, sites)
    _flush(up, up_carry, (sites + 1) // 2)
    rows = np.empty((64, WORDS), np.uint64)
    rows[:32], rows[32:] = broken, up
    for width in (32, 16, 8, 4, 2, 1):
        _exchange(rows, width, width)
    for word in range(WORDS):
        for i in range(64):
            energy[64 * word + i] = 2 * np.int64(rows[i, word] & np.uint64(0xFFFFFFFF)) - 2 * sites
            magnetization[64 * word + i] = 2 * np.int64(rows[i, word] >> np.uint64(32)) - sites
    return energy, magnetization


@njit(cache=True)
def _flush(planes: Array, waiting: Array, pairs: int) -> None:
    """Add the carries that still wait after `pairs` pairs, plane by plane."""
    zero = load(planes, 31) ^ load(planes, 31)
    carry = zero
    for level in range(1, 31):
        first = load(waiting, level) if pairs >> (level - 1) & 1 else zero
        plane = load(planes, level)
        half = plane ^ first
        store(planes, level, half ^ carry)
        carry = (plane & first) | (half & carry)


@njit(cache=True)
def horizontal_bonds(words: Array, near: Array) -> Array:
    """Return uint64[sites, 8], where a bit is set if a site and the next one to the right are equal: a bond of +1."""
    bonds = np.empty_like(words)
    for site in range(words.shape[0]):
        store(bonds, site, ~(load(words, site) ^ load(words, near[site, 1])))
    return bonds


@njit(cache=True)
def pair_sums(words: Array, size: int, per_bin: int) -> Array:
    """Return int64[bin, dy, dx], sums of s(r) s(r + d) over r and the replicas of a bin.

    Parameters
    ----------
    words : uint64[sites, 8]
        A field of +-1, set for +1.
    size : int
    per_bin : int
        Replicas that make a bin; divides 64.
    """
    sums = np.empty((64 * WORDS // per_bin, size, size), np.int64)
    planes, waiting = np.zeros((32, WORDS), np.uint64), np.zeros((32, WORDS), np.uint64)
    for dy in range(size // 2 + 1):
        for dx in range(size):
            _count_unequal(planes, waiting, words, size, dy, dx)
            for number in range(sums.shape[0]):
                unequal = _in_bin(planes, number, per_bin)
                sums[number, dy, dx] = per_bin * size * size - 2 * unequal
                sums[number, (size - dy) % size, (size - dx) % size] = sums[number, dy, dx]
    return sums


@njit(cache=True)
def _count_unequal(planes: Array, waiting: Array, words: Array, size: int, dy: int, dx: int) -> None:
    """Make `planes` the counters of sites r where s(r) and s(r + d) differ, for each replica."""
    planes[:] = 0
    zero = splat(np.uint64(0))
    held, pairs, odd = zero, 0, False
    for y in range(size):
        row, other = y * size, (y + dy) % size * size
        for x in range(size):
            beyond = x + dx - (size if x + dx >= size else 0)
            unequal = load(words, row + x) ^ load(words, other + beyond)
            if odd:
                _count(planes, waiting, pairs, held, unequal)
                pairs += 1
            held, odd = unequal, not odd
    if odd:
        _count(planes, waiting, pairs, held, zero)
        pairs += 1
    _flush(planes, waiting, pairs)


@njit(cache=True)
def _in_bin(planes: Array, number: int, per_bin: int) -> int:
    """Return the sum of the counters of a bin's replicas."""
    word, first = divmod(number * per_bin, 64)
    mask = np.uint64(0xFFFFFFFFFFFFFFFF) >> np.uint64(64 - per_bin)
    total: Any = 0
    for level in range(planes.shape[0]):
        total += np.int64(popcount((planes[level, word] >> np.uint64(first)) & mask)) << level
    return int(total)
