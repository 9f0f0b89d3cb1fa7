"""Whether a value agrees with what it is compared with, by Student's t."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.special

LEVEL = 0.05  # verdicts of disagreement that are false by chance, where the null holds
FEWEST_TRAININGS = 3  # from which something is said of trainings at large
FARTHEST = 10.0  # standard errors: beyond it a number of them says more of the error than of the value


@dataclass(frozen=True)
class Verdict:
    """What a comparison says.

    Parameters
    ----------
    p : float
        How probable so large a difference is, either way, if there is none; NaN where no verdict can be given.
    words : str
    """

    p: float
    words: str

    @property
    def given(self) -> bool:
        """Return whether this is a verdict at all."""
        return bool(np.isfinite(self.p))


def compare(
    value: float,
    error: float,
    degrees: float,
    target: float,
    name: str,
    target_error: float = 0.0,
    trainings: int | None = None,
) -> Verdict:
    """Return whether a value agrees with a target at `LEVEL`, two-sided.

    Parameters
    ----------
    value, error : float
        With its standard error.
    degrees : float
        Degrees of freedom of the error, as `crossed_mean` gives them; infinite for an error that is known.
    target : float
        What the same protocol gives where the null holds.
    name : str
        Of the target, in words.
    target_error : float
        Standard error of the target, independent of the value and taken as known.
    trainings : int, optional
        How many trainings are behind the value; None where nothing is trained. Fewer than `FEWEST_TRAININGS` get no
        verdict.
    """
    if not (np.isfinite(value) and np.isfinite(target)):
        return Verdict(np.nan, "")
    difference = value - target
    variance = error**2 + target_error**2
    if not (np.isfinite(variance) and variance > 0 and degrees > 0):
        return Verdict(np.nan, f"{difference:+.3g} from {name}: no error, no verdict")
    if trainings is not None and trainings < FEWEST_TRAININGS:
        return Verdict(np.nan, f"{difference:+.2g} from {name}: fewer than {FEWEST_TRAININGS} trainings, no verdict")
    free = degrees * (variance / error**2) ** 2 if error > 0 else np.inf  # Satterthwaite
    errors = abs(difference) / np.sqrt(variance)
    p = float(2 * scipy.special.stdtr(free, -errors))
    words = "agrees with" if p >= LEVEL else "differs from"
    return Verdict(p, f"{words} {name} ({difference:+.2g}, {standard_errors(errors)}, {_probability(p)})")


def standard_errors(errors: float) -> str:
    """Return in words how many standard errors a value is off."""
    return f"{errors:.2g} standard errors" if errors <= FARTHEST else f"> {FARTHEST:g} standard errors"


def _probability(p: float) -> str:
    return f"p = {p:.2g}" if p >= 1e-4 else "p < 0.0001"
