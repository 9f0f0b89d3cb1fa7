"""Panels <v_i h_a> with known answers: of block spins, of round patches, of nothing."""

from __future__ import annotations

import numpy as np
import xarray as xr


def hidden_from(panels, **more):
    """Return panels[..., unit, y, x] as a DataArray."""
    panels = np.asarray(panels)
    front = list(more) if more else [f"d{i}" for i in range(panels.ndim - 3)]
    return xr.DataArray(panels, dims=(*front, "hidden_unit", "y", "x"), coords=more)


def torus_distance(side):
    """Return float[y, x], the squared distance from the origin on the torus."""
    steps = np.minimum(np.arange(side), side - np.arange(side))
    return steps[:, None] ** 2 + steps**2


def spin_like(side, far=0.43):
    """Return a correlator [dy, dx] that falls off as the critical one does, from 1 to about `far`."""
    return far + (1 - far) / (1 + torus_distance(side)) ** 0.75


def block_panels(side, hidden, correlator=None):
    """Return float[unit, y, x], <v_i h_a> of averages over blocks, by the correlator of the sites."""
    spins = spin_like(side) if correlator is None else correlator
    block = side // hidden
    one = np.mean([np.roll(spins, (y, x), (0, 1)) for y in range(block) for x in range(block)], axis=0)
    return np.array([np.roll(one, (block * y, block * x), (0, 1)) for y in range(hidden) for x in range(hidden)])


def gaussian_patches(side, hidden, width=1.5, height=0.3):
    """Return float[unit, y, x], one round patch for each unit, in the middle of its block, but for one site."""
    one = height * np.exp(-torus_distance(side) / (2 * width**2))
    step, off = side // hidden, (side // hidden - 1) // 2
    return np.array(
        [np.roll(one, (step * y + off, step * x + off), (0, 1)) for y in range(hidden) for x in range(hidden)]
    )
