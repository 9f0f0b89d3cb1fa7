"""Where a flow has converged, as a number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

TAIL = 1 / 3  # share of the flow, at its end, whose mean is the plateau
TOLERANCE = 0.1  # of the largest distance from the plateau
SIGMAS = 2  # how far beyond the tolerance, in standard errors, a point must be to count as outside


@dataclass(frozen=True)
class Convergence:
    """The convergence length of a quantity along the flow.

    Parameters
    ----------
    length : float
        Flow steps; NaN when there is none, see `reason`.
    plateau : float
        Mean over the last third of the flow.
    reason : str
        Why there is no length; empty when there is one.
    """

    length: float
    plateau: float
    reason: str = ""


def convergence_length(values: npt.ArrayLike, errors: npt.ArrayLike | None = None) -> Convergence:
    """Return the convergence length of a quantity along the flow.

    The convergence length is the number of flow steps after which a quantity stays within a tenth of its largest
    distance from the plateau, where the plateau is its mean over the last third of the flow. A point counts as outside
    only if it is so by more than two standard errors. There is no length when points of the last third are outside
    (then there is no plateau), and none can be told when the errors are larger than that tenth.

    Parameters
    ----------
    values : float[flow_step]
        The quantity after 0, 1, 2 ... steps.
    errors : float[flow_step], optional
        Standard errors; exact values when left out.
    """
    x = np.asarray(values, np.float64)
    sigma = np.zeros_like(x) if errors is None else np.asarray(errors, np.float64)
    start = len(x) - tail_length(len(x))
    if start < 1 or not (np.isfinite(x).all() and np.isfinite(sigma).all()):
        return Convergence(np.nan, np.nan, "a point of the flow is missing, or its error")
    plateau = float(x[start:].mean())
    distance = np.abs(x - plateau)
    allowed, noise = TOLERANCE * float(distance.max()), float(np.median(sigma))
    outside = np.flatnonzero(distance - SIGMAS * sigma > allowed)
    length = int(outside[-1]) + 1 if outside.size else 0
    if length > start:
        return Convergence(np.nan, plateau, f"still moving after step {start}, where the last third begins")
    if noise > allowed:
        reason = f"at least {length}: errors ({noise:.2g}) exceed a tenth of the way to the plateau ({allowed:.2g})"
        return Convergence(np.nan, plateau, reason)
    return Convergence(float(length), plateau)


def tail_length(steps: int) -> int:
    """Return how many of the last points of a flow make its plateau."""
    return max(round(TAIL * steps), 1)
