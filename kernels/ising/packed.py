"""Configurations of 512 replicas in packed words: to and from single spins, and what can be measured as they are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from sweep.kernels.contract import Array
from sweep.kernels.ising.lanes import WORDS, load, popcount, signs, splat, store
from sweep.kernels.ising.multispin import REPLICAS

_TILE = 64  # blocks of 64 sites: as many as leave the bytes of a tile in the second-level cache


def pack(spins: Array) -> Array:
    """Return uint64[sites, 8] from int8[512, size, size], +-1."""
    sites = spins[0].size
    octets = np.zeros((REPLICAS // 8, sites + 64), np.uint8)[:, :sites]  # rows apart, against aliasing
    _pack(spins.reshape(REPLICAS, sites), octets)
    return np.ascontiguousarray(octets.T).view("<u8").astype(np.uint64, copy=False)


@njit(cache=True)
def _pack(spins: Array, octets: Array) -> None:
    """Fill uint8[64, sites], eight replicas to a byte, zero before, from int8[512, sites]."""
    for octet in range(octets.shape[0]):
        for bit in range(8):
            for site in range(octets.shape[1]):
                octets[octet, site] |= np.uint8(spins[8 * octet + bit, site] > 0) << np.uint8(bit)


def unpack(words: Array, size: int) -> Array:
    """Return int8[512, size, size], +-1, from uint64[sites, 8]."""
    filled = words if len(words) >= 64 else np.resize(words, (64, WORDS))
    spins = np.empty((REPLICAS, len(filled)), np.int8)
    _unpack(filled, spins)
    return np.ascontiguousarray(spins[:, : size * size]).reshape(REPLICAS, size, size)


@njit(cache=True)
def _exchange(rows: Array, distance: int, width: int) -> None:
    """Exchange fields of `width` bits in uint64[64, 8]: the odd ones of row i with the even ones of row i + distance.

    With 4, 2, 1 rows and 32, 16, 8 bits in turn this transposes 8x8 matrices of bytes; see also `transpose`.
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
def transpose(rows: Array) -> None:
    """Transpose 8 matrices of 64x64 bits in place, uint64[64, 8], a word to a row (Warren, Hacker's Delight, 7-3)."""
    for width in (32, 16, 8, 4, 2, 1):
        _exchange(rows, width, width)


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
def _full_adder(first: Any, second: Any, third: Any) -> tuple[Any, Any]:
    """Return the sum of three bits, and what it carries, in every lane of `Lanes`."""
    half = first ^ second
    return half ^ third, (first & second) | (half & third)


@njit(cache=True, inline="always")
def _unequal(words: Array, partner: Array, site: int) -> Any:
    return load(words, site) ^ load(words, partner[site])


@njit(cache=True, inline="always")
def _eight(ones: Any, twos: Any, fours: Any, words: Array, partner: Array, i: int) -> tuple[Any, Any, Any, Any]:
    """Count eight sites from site i on in sums of three digits; return these, and a carry of 8."""
    ones, a = _full_adder(ones, _unequal(words, partner, i), _unequal(words, partner, i + 1))
    ones, b = _full_adder(ones, _unequal(words, partner, i + 2), _unequal(words, partner, i + 3))
    twos, c = _full_adder(twos, a, b)
    ones, a = _full_adder(ones, _unequal(words, partner, i + 4), _unequal(words, partner, i + 5))
    ones, b = _full_adder(ones, _unequal(words, partner, i + 6), _unequal(words, partner, i + 7))
    twos, d = _full_adder(twos, a, b)
    fours, carry = _full_adder(fours, c, d)
    return ones, twos, fours, carry


@njit(cache=True)
def _count_unequal(planes: Array, words: Array, partner: Array) -> None:
    """Add to 512 counters the sites where a replica's spin is not its partner's.

    Counters lie across planes: plane k, a row of uint64[planes, 8], holds bit k of each; five planes or more. A tree
    of full adders makes one carry to plane 4 of 16 sites, so a site costs about five operations more than to compare
    its spins.
    """
    ones, twos, fours, eights = load(planes, 0), load(planes, 1), load(planes, 2), load(planes, 3)
    whole = words.shape[0] // 16 * 16
    for site in range(0, whole, 16):
        ones, twos, fours, a = _eight(ones, twos, fours, words, partner, site)
        ones, twos, fours, b = _eight(ones, twos, fours, words, partner, site + 8)
        eights, carry = _full_adder(eights, a, b)
        _ripple(planes, 4, carry)
    store(planes, 0, ones)
    store(planes, 1, twos)
    store(planes, 2, fours)
    store(planes, 3, eights)
    for site in range(whole, words.shape[0]):
        _ripple(planes, 0, _unequal(words, partner, site))


@njit(cache=True, inline="always")
def _ripple(planes: Array, level: int, carry: Any) -> None:
    """Add a bit of the weight of plane `level` to every counter."""
    for higher in range(level, planes.shape[0]):
        plane = load(planes, higher)
        store(planes, higher, plane ^ carry)
        carry = plane & carry


@njit(cache=True)
def _levels(count: int) -> int:
    """Return how many planes counters up to `count` take."""
    levels = 5
    while count >> levels:
        levels += 1
    return levels


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
    levels = _levels(2 * sites)
    rows = np.zeros((64, WORDS), np.uint64)
    broken, down = rows[:levels], rows[32 : 32 + levels]
    _count_unequal(broken, words, near[:, 1])
    _count_unequal(broken, words, near[:, 3])
    _count_unequal(down, words, np.zeros(sites, np.int64))
    transpose(rows)
    energy, magnetization = np.empty(REPLICAS, np.int64), np.empty(REPLICAS, np.int64)
    for word in range(WORDS):
        for i in range(64):
            energy[64 * word + i] = 2 * np.int64(rows[i, word] & np.uint64(0xFFFFFFFF)) - 2 * sites
            relative = sites - 2 * np.int64(rows[i, word] >> np.uint64(32))  # to the first spin
            magnetization[64 * word + i] = relative if words[0, word] >> np.uint64(i) & np.uint64(1) else -relative
    return energy, magnetization


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
    sites, bins = size * size, REPLICAS // per_bin
    sums = np.empty((bins, size, size), np.int64)
    words = words.copy()  # where no row crosses the end of a cache line
    planes, partner = np.empty((_levels(sites), WORDS), np.uint64), np.empty(2 * sites, np.int64)
    for dx in range(size):
        for start in range(0, sites, size):
            for x in range(size):
                partner[start + x] = start + x + dx - (size if x + dx >= size else 0)
        partner[sites:] = partner[:sites]
        for dy in range(size // 2 + 1):
            planes[:] = 0
            _count_unequal(planes, words, partner[dy * size : dy * size + sites])
            for number in range(bins):
                equal = per_bin * sites - 2 * _in_bin(planes, number, per_bin)
                sums[number, dy, dx] = equal
                sums[number, (size - dy) % size, (size - dx) % size] = equal
    return sums


@njit(cache=True)
def _in_bin(planes: Array, number: int, per_bin: int) -> int:
    """Return the sum of the counters of a bin's replicas."""
    word, first = divmod(number * per_bin, 64)
    mask = np.uint64(0xFFFFFFFFFFFFFFFF) >> np.uint64(64 - per_bin)
    total: Any = 0
    for level in range(planes.shape[0]):
        total += np.int64(popcount((planes[level, word] >> np.uint64(first)) & mask)) << level
    return int(total)
