"""The symmetries of the Ising model on the periodic square lattice, applied at random."""

from __future__ import annotations

import numpy as np

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
    count, sites = spins.shape
    lattice = np.arange(sites).reshape(size, size)
    quarter_turns = [np.rot90(lattice, turns) for turns in range(4)]
    images = np.stack([image.ravel() for turned in quarter_turns for image in (turned, turned.T)])
    shift = rng.integers(size, size=(2, count, 1, 1))
    row = (np.arange(size)[:, None] + shift[0]) % size
    column = (np.arange(size)[None, :] + shift[1]) % size
    moved = (row * size + column).reshape(count, sites)
    source = images[rng.integers(len(images), size=(count, 1)), moved]
    flip = 1 - 2 * rng.integers(2, size=(count, 1)).astype(spins.dtype)
    return np.asarray(np.take_along_axis(spins, source, axis=1) * flip)
