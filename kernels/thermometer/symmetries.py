"""The symmetries of the Ising model on the periodic square lattice, applied at random."""

from __future__ import annotations

from functools import cache

import numpy as np
from numba import njit

from sweep.kernels.contract import Array


def random_images(spins: Array, size: int, rng: np.random.Generator) -> Array:
    """Return each configuration moved by a symmetry of its own: translation, rotation or mirror image, spin flip.

    All 16 L^2 symmetries are equally likely. They leave the energy alone, so an image is as likely as its original at
    every temperature.

    Parameters
    ----------
    spins : float[n, site]
        Configurations of size x size sites, row by row.

    Returns
    -------
    float[n, site]
    """
    count = len(spins)
    images = _rotations_and_mirrors(size)
    shift = rng.integers(size, size=(count, 2))
    image = rng.integers(len(images), size=count)
    flip = 1 - 2 * rng.integers(2, size=count).astype(spins.dtype)
    moved = np.empty_like(spins)
    _move(spins, size, images, shift, image, flip, moved)
    return moved


@cache
def _rotations_and_mirrors(size: int) -> Array:
    """Return int64[8, site], which site comes to stand at each one under the symmetries that keep a corner a corner."""
    lattice = np.arange(size * size).reshape(size, size)
    quarter_turns = [np.rot90(lattice, turns) for turns in range(4)]
    return np.stack([image.ravel() for turned in quarter_turns for image in (turned, turned.T)])


@njit(cache=True)
def _move(spins: Array, size: int, images: Array, shift: Array, image: Array, flip: Array, moved: Array) -> None:
    """Fill `moved` with every configuration under its image, moved by its shift, times its flip."""
    for n in range(len(spins)):
        down, right = shift[n]
        source = images[image[n]]
        for y in range(size):
            row = (y + down) % size * size
            for x in range(size):
                moved[n, y * size + x] = flip[n] * spins[n, source[row + (x + right) % size]]
