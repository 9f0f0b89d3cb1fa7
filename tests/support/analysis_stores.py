"""Stores of Ising data made by hand, for the tests of what reads them."""

from __future__ import annotations

import numpy as np
import xarray as xr

from sweep.analysis.exact.correlators import one_bond_correlation, spin_correlation
from sweep.analysis.exact.ising import CRITICAL_TEMPERATURE, torus_energy

TEMPERATURES = (2.3, 2.0, CRITICAL_TEMPERATURE)  # not sorted: an extended store is not


def ising_store(sizes: tuple[int, ...] = (5, 6), replicas: int = 64, undone: float | None = None) -> xr.DataTree:
    """Return a store of one `ising` stage with exact means and Gaussian noise, laid out as the framework does.

    Parameters
    ----------
    undone : float, optional
        A temperature at which nothing is complete.
    """
    rng = np.random.default_rng(8)
    temperatures = np.array(TEMPERATURES)
    axes = {"size": list(sizes), "temperature": ("temperature", temperatures, {"units": "1", "reduced_units": "J/k_B"})}
    shape = (len(sizes), len(temperatures), replicas)
    energy = np.array([[torus_energy(size, t) for t in temperatures] for size in sizes])[..., None]
    done = np.ones(shape[:2], bool)
    if undone is not None:
        done[:, temperatures == undone] = False
    dims = ("size", "temperature", "replica")
    stage = xr.Dataset(
        {
            "energy": (dims, energy + rng.normal(0, 0.2, shape), {"units": "1", "reduced_units": "J"}),
            "abs_magnetization": (dims, 0.7 + rng.normal(0, 0.1, shape)),
            "m2": (dims, 0.6 + rng.normal(0, 0.1, shape)),
            "m4": (dims, 0.4 + rng.normal(0, 0.1, shape)),
            "update": (dims[:2], np.where(temperatures > 2.28, 1, 0).astype(np.int8) + np.zeros(shape[:2], np.int8)),
            "equilibration_sweeps": (dims[:2], np.full(shape[:2], 93)),
            "interval_sweeps": (dims[:2], np.full(shape[:2], 16)),
            "done": (dims[:2], done),
        },
        coords=axes,
        attrs={"kernel": "ising", "kernel_version": 1, "params": "{}"},
    )
    nodes = {"/": xr.Dataset(attrs={"name": "toy", "seed": 1, "grid": "name: toy", "packages": '{"numpy": "2"}'})}
    nodes["/ising"] = stage
    for size in sizes:
        nodes[f"/ising/size={size}"] = _correlators(size, temperatures, rng).assign_coords(size=size)
    return xr.DataTree.from_dict(nodes)


def _correlators(size: int, temperatures: np.ndarray, rng: np.random.Generator, bins: int = 12) -> xr.Dataset:
    dims = ("temperature", "bin", "dy", "dx")
    exact = [(spin_correlation(size, float(t)), one_bond_correlation(size, float(t))) for t in temperatures]
    noise = rng.normal(0, 0.003, (2, len(temperatures), bins, size, size))
    spin, energy = (np.array([pair[k] for pair in exact])[:, None] + noise[k] for k in (0, 1))
    return xr.Dataset(
        {"spin_correlation": (dims, spin), "energy_correlation": (dims, energy)}, {"temperature": temperatures}
    )
