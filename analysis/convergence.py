"""Where a flow has converged, as a number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

TAIL = 1 / 3  # share of the flow, at its end, whose mean is the plateau
TOLERANCE = 0.05  # relative to the plateau
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


def convergence_length(
    values: npt.ArrayLike, errors: npt.ArrayLike | None = None, tolerance: float = TOLERANCE
) -> Convergence:
    """Return the convergence length of a quantity along the flow.

    The convergence length is the smallest number of flow steps after which the quantity stays within 5 % of its
    plateau, the mean over the last third of the flow; a point counts as outside only if it is so by more than two
    standard errors. There is none when that happens only inside the last third (then there is no plateau), and none can
    be seen when the errors are larger than the tolerance.

    Parameters
    ----------
    values : float[flow_step]
        The quantity after 0, 1, 2 ... steps.
    errors : float[flow_step], optional
        Standard errors; exact values when left out.
    tolerance : float
        Allowed deviation, relative to the plateau.
    """
    x = np.asarray(values, np.float64)
    sigma = np.zeros_like(x) if errors is None else np.asarray(errors, np.float64)
    start = len(x) - max(round(TAIL * len(x)), 1)
    if start < 1 or not np.isfinite(x[start:]).all():
        return Convergence(np.nan, np.nan, "the end of the flow is missing")
    plateau = float(x[start:].mean())
    allowed = tolerance * abs(plateau)
    noise = float(np.median(np.nan_to_num(sigma[start:])))
    if noise > allowed:
        return Convergence(np.nan, plateau, f"errors ({noise:.2g}) are larger than the tolerance ({allowed:.2g})")
    outside = ~(np.abs(x - plateau) - SIGMAS * np.nan_to_num(sigma) <= allowed)
    length = int(np.flatnonzero(outside)[-1]) + 1 if outside.any() else 0
    if length > start:
        return Convergence(np.nan, plateau, f"still moving after step {start}, where the last third begins")
    return Convergence(float(length), plateau)
