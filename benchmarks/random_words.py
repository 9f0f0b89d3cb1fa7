"""Batteries of TestU01 (L'Ecuyer and Simard 2007) on the random words of the multi-spin kernel.

    python benchmarks/random_words.py [--battery SmallCrush|Crush|BigCrush] [--order words|replicas]
                                       [--repeat TEST TIMES]

The words are those that `kernels.ising.multispin.draw` gives, eight generators side by side, with a fresh seed. As
words, they are read row by row. As replicas, 64 bits of one replica's stream come before 64 of the next. Crush reads
2^35 numbers of 32 bits, which is 128 GiB, and takes half an hour; BigCrush eight times as many. A p-value that looks
suspicious is looked into by repeating its test on new words.

Needs the library libtestu01 (Debian: libtestu01-0, from non-free). It is not part of `make bench`.
"""

from __future__ import annotations

import argparse
import ctypes
import ctypes.util
from typing import Any

import numpy as np
from numba import cfunc, njit, types
from numba.np.numpy_support import carray

from sweep.kernels.ising.multispin import draw, seed
from sweep.kernels.ising.packed import transpose

BATTERIES = ("SmallCrush", "Crush", "BigCrush")
TESTS = 200  # more than a battery has
ROWS = 4096
WORDS = 8 * ROWS
LENGTH = 2 + 32 + WORDS  # of what the callbacks see: numbers used, whether by replicas, generators, words


@njit
def refill(memory: Any) -> None:
    """Draw the next words into place."""
    words = draw(memory[2:34].reshape(4, 8), ROWS)
    if memory[1]:
        for row in range(0, ROWS, 64):
            transpose(words[row : row + 64])
    memory[34:] = words.ravel()
    memory[0] = 0


@njit
def next_number(memory: Any) -> Any:
    """Return the next 32 bits: of each word the lower ones, then the upper ones."""
    used = memory[0]
    if used == 2 * WORDS:
        refill(memory)
        used = np.uint64(0)
    memory[0] = used + np.uint64(1)
    word = memory[34 + (used >> np.uint64(1))]
    return (word >> (np.uint64(32) * (used & np.uint64(1)))) & np.uint64(0xFFFFFFFF)


@cfunc(types.uint64(types.voidptr, types.voidptr))
def get_bits(_: Any, state: Any) -> Any:
    """Return 32 bits to TestU01."""
    return next_number(carray(state, (LENGTH,), np.uint64))


@cfunc(types.float64(types.voidptr, types.voidptr))
def get_uniform(_: Any, state: Any) -> Any:
    """Return a number in [0, 1) to TestU01."""
    return next_number(carray(state, (LENGTH,), np.uint64)) * 2.0**-32


@cfunc(types.void(types.voidptr))
def write_state(_: Any) -> None:
    """Print nothing of the state."""


class Generator(ctypes.Structure):
    """TestU01's unif01_Gen."""

    _fields_ = (
        ("state", ctypes.c_void_p),
        ("param", ctypes.c_void_p),
        ("name", ctypes.c_char_p),
        ("get_uniform", ctypes.c_void_p),
        ("get_bits", ctypes.c_void_p),
        ("write", ctypes.c_void_p),
    )


def testu01() -> ctypes.CDLL:
    """Return the library, with the parts that it is linked against."""
    parts = [ctypes.util.find_library(name) for name in ("testu01mylib", "testu01probdist", "testu01")]
    if None in parts:
        raise SystemExit("libtestu01 is not installed; on Debian it is libtestu01-0, from non-free")
    return [ctypes.CDLL(part, mode=ctypes.RTLD_GLOBAL) for part in parts][-1]


def main() -> None:
    """Run one battery; TestU01 prints what it finds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--battery", choices=BATTERIES, default="SmallCrush")
    parser.add_argument("--order", choices=("words", "replicas"), default="words")
    parser.add_argument("--repeat", type=int, nargs=2, metavar=("TEST", "TIMES"), help="do one of its tests only")
    asked = parser.parse_args()
    library = testu01()
    memory = np.empty(LENGTH, np.uint64)
    memory[:2] = 2 * WORDS, asked.order == "replicas"
    memory[2:34] = seed(np.random.default_rng()).ravel()
    name = f"eight SFC64, {asked.order}".encode()
    generator = Generator(memory.ctypes.data, None, name, get_uniform.address, get_bits.address, write_state.address)
    if asked.repeat:
        test, times = asked.repeat
        repetitions = (ctypes.c_int * TESTS)()
        repetitions[test] = times
        getattr(library, f"bbattery_Repeat{asked.battery}")(ctypes.byref(generator), repetitions)
    else:
        getattr(library, f"bbattery_{asked.battery}")(ctypes.byref(generator))


if __name__ == "__main__":
    main()
