"""Panels x_i^(a) = <v_i h_a>, one for each hidden unit, and their correlation by distance (paper, eq 61)."""

from __future__ import annotations

import numpy as np

from sweep.kernels.coarse_graining.pairs import Pairs, means_by_distance, open_pairs, periodic_pairs, spectra
from sweep.kernels.contract import Array, Output

TOGETHER = 16  # panels whose spectra are held at a time


def panels_output(lattice: tuple[int, int], hidden: int, description: str) -> Output:
    """Return an output that is a panel for every hidden unit."""
    return Output(("hidden_unit", "y", "x"), (hidden, *lattice), "float32", "", description)


def distance_output(lattice: tuple[int, int], description: str, *, periodic: bool = False) -> Output:
    """Return an output over the distances of pairs of sites."""
    pairs = periodic_pairs(*lattice) if periodic else open_pairs(*lattice)
    name = "periodic_distance" if periodic else "distance"
    return Output((name,), pairs.distance.shape, "float64", "", description, {name: pairs.distance})


def outputs_of_panels(lattice: tuple[int, int], hidden: int) -> dict[str, Output]:
    """Return the outputs that any set of panels has."""
    what = "product of <v h> at two sites, mean over hidden units and pairs"
    return {
        "correlation": panels_output(lattice, hidden, "<v h>"),
        "panel_correlation": distance_output(lattice, f"{what} at open distance"),
        "periodic_panel_correlation": distance_output(lattice, f"{what} at periodic distance", periodic=True),
    }


def results_of_panels(panels: Array) -> dict[str, Array]:
    """Return what `outputs_of_panels` declares.

    Parameters
    ----------
    panels : float32[hidden_unit, y, x]
    """
    lattice, whole = panels.shape[1:], np.ones((1, 1), np.float32)
    return {
        "correlation": panels,
        "panel_correlation": correlation_by_distance(panels[None], open_pairs(*lattice), whole)[0],
        "periodic_panel_correlation": correlation_by_distance(panels[None], periodic_pairs(*lattice), whole)[0],
    }


def correlation_by_distance(panels: Array, pairs: Pairs, *weights: Array) -> Array:
    """Return float64[row, distance], eq 61 averaged over hidden units and over pairs of sites at equal distance.

    Parameters
    ----------
    panels : float32[bin, hidden_unit, y, x]
    pairs : Pairs
    *weights : float32[row, bin]
        Each row makes a mean of the bins. Two of them: one for the first site of a pair and one for the second.
    """
    bins, hidden, *lattice = panels.shape
    total = np.zeros(())
    for unit in range(0, hidden, TOGETHER):
        some = panels[:, unit : unit + TOGETHER].reshape(bins, -1)
        waves = [spectra((rows @ some).reshape(len(rows), -1, *lattice), pairs) for rows in weights]
        power = waves[0].real * waves[-1].real + waves[0].imag * waves[-1].imag
        total = total + power.sum(axis=1, dtype=np.float64)
    return means_by_distance(total / hidden, pairs)
