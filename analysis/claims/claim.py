"""Claims, the evidence for and against them, and the one rule that turns evidence into a verdict."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import scipy.special

from sweep.analysis.estimators.verdict import FEWEST_TRAININGS, LEVEL


class Outcome(StrEnum):
    """What is said of a claim."""

    REPRODUCED = "reproduced"
    NOT_REPRODUCED = "not reproduced"
    BIASED = "biased in the paper's own estimator"
    UNDECIDED = "undecided"


RULES = (
    "A claim is a range of values. Where the paper's word is no number (near, roughly, of the same order), the range "
    "is our reading of it, and stands beside the claim.",
    f"{Outcome.BIASED.capitalize()}: what is true lies inside the range and what the same protocol gives on perfect "
    "Ising data lies outside, or the reverse. Then the protocol says the same whatever a machine has learnt, and "
    "nothing that is measured with it speaks for or against the claim.",
    f"{Outcome.REPRODUCED.capitalize()}: the interval of every measured value lies inside the range, by Student's t at "
    f"{1 - LEVEL:.0%} for all values of a claim together (Bonferroni).",
    f"{Outcome.NOT_REPRODUCED.capitalize()}: the interval of some measured value lies wholly outside.",
    f"{Outcome.UNDECIDED.capitalize()}: neither; so it is with fewer than {FEWEST_TRAININGS} trainings, where a fit "
    "failed, where there is no error, and where it holds with one way of training and not with another, of which the "
    "paper does not say which it took. The page says what would decide it.",
)
"""How `judge` judges, in words for the page."""


@dataclass(frozen=True)
class Claim:
    """Something that the paper says of a number.

    Parameters
    ----------
    section, figure : str
        Where the paper says it, such as "III" and "5b".
    says : str
        In one sentence.
    quantity : str
        The number that it is about.
    low, high : float
        The range of values that it claims.
    within : bool
        Whether it claims that the value is in that range, or that it is not.
    reading : str
        Why this range, where the paper gives none.
    known : str
        What is exact, in words.
    """

    section: str
    figure: str
    says: str
    quantity: str
    low: float = -np.inf
    high: float = np.inf
    within: bool = True
    reading: str = ""
    known: str = ""

    @property
    def range(self) -> str:
        """Return the range that is claimed, in words."""
        low, high = f"{self.low:.4g}", f"{self.high:.4g}"
        if not np.isfinite(self.low):
            words = f"below {high}"
        elif not np.isfinite(self.high):
            words = f"above {low}"
        else:
            words = f"{low} to {high}"
        return words if self.within else f"anything but {words}"

    def holds(self, value: float) -> bool:
        """Return whether a number is what is claimed."""
        return (self.low <= value <= self.high) == self.within

    def holds_throughout(self, low: float, high: float) -> bool | None:
        """Return whether an interval is what is claimed: all of it, nothing of it (False), or a part (None)."""
        if self.low <= low and high <= self.high:
            return self.within
        return not self.within if high < self.low or low > self.high else None


@dataclass(frozen=True)
class Evidence:
    """A number that speaks to a claim.

    Parameters
    ----------
    claim : Claim
    where : str
        The conditions, in words.
    value, error : float
        What was measured, and its standard error: 0 where chance has no part in it, NaN where there is none.
    degrees : float
        Degrees of freedom of the error.
    exact : float
        What is true of a machine, or a lattice, that does exactly what it should; NaN where that is not known.
    perfect, perfect_error : float
        What the same protocol gives on perfect Ising data; NaN where that is not known.
    trainings : int, optional
        How many trainings are behind it; None where nothing is trained.
    recipe : str
        How they were trained, where the paper does not say how it did.
    missing : str
        Why there is no value.
    """

    claim: Claim
    where: str
    value: float
    error: float
    degrees: float = np.inf
    exact: float = np.nan
    perfect: float = np.nan
    perfect_error: float = 0.0
    trainings: int | None = None
    recipe: str = ""
    missing: str = ""

    @property
    def biased(self) -> bool:
        """Return whether the protocol puts perfect data on the other side of the claim than the truth."""
        if not (np.isfinite(self.exact) and np.isfinite(self.perfect)):
            return False
        half = float(scipy.special.ndtri(1 - LEVEL / 2)) * np.nan_to_num(self.perfect_error)
        found = self.claim.holds_throughout(self.perfect - half, self.perfect + half)
        return found is not None and found != self.claim.holds(self.exact)

    def half_width(self, values: int) -> float:
        """Return half the interval of the value, where so many values are judged together."""
        if self.error == 0 or not self.degrees > 0:
            return self.error
        return float(self.error * scipy.special.stdtrit(self.degrees, 1 - LEVEL / (2 * values)))


@dataclass(frozen=True)
class Standing:
    """Where one number stands.

    Parameters
    ----------
    evidence : Evidence
    holds : bool or None
        Whether the claim holds for it; None where that is open.
    words : str
        The same in words, with what would decide it where it is open.
    """

    evidence: Evidence
    holds: bool | None
    words: str


@dataclass(frozen=True)
class Judgement:
    """A claim with its verdict, and where each number stands."""

    claim: Claim
    outcome: Outcome
    standings: tuple[Standing, ...]

    @property
    def decisive(self) -> tuple[Standing, ...]:
        """Return what the verdict rests on, or, where there is none, what is open."""
        if self.outcome is Outcome.BIASED:
            return tuple(one for one in self.standings if one.evidence.biased)
        wanted = {Outcome.REPRODUCED: True, Outcome.NOT_REPRODUCED: False}.get(self.outcome)
        return tuple(one for one in self.standings if one.holds is wanted)


def judge(evidence: Iterable[Evidence]) -> list[Judgement]:
    """Return the verdict on every claim that there is evidence for, in the order in which they come."""
    groups: dict[Claim, list[Evidence]] = {}
    for one in evidence:
        groups.setdefault(one.claim, []).append(one)
    return [_judged(claim, several) for claim, several in groups.items()]


def _judged(claim: Claim, evidence: Sequence[Evidence]) -> Judgement:
    standings = _by_recipe([_standing(one, len(evidence)) for one in evidence])
    held = {one.holds for one in standings}
    if any(one.evidence.biased for one in standings):
        outcome = Outcome.BIASED
    elif False in held:
        outcome = Outcome.NOT_REPRODUCED
    else:
        outcome = Outcome.UNDECIDED if None in held else Outcome.REPRODUCED
    return Judgement(claim, outcome, standings)


def _by_recipe(standings: Sequence[Standing]) -> tuple[Standing, ...]:
    """Return where numbers stand: those of one way of training turn nothing down that another way bears out."""
    recipes = dict.fromkeys(one.evidence.recipe for one in standings)
    good = [name for name in recipes if all(one.holds for one in standings if one.evidence.recipe == name)]
    if not good:
        return tuple(standings)
    words = f"not as claimed; with {' and '.join(good)} it holds: how the paper trained would decide it"
    return tuple(replace(one, holds=None, words=words) if one.holds is False else one for one in standings)


def _standing(one: Evidence, values: int) -> Standing:
    if one.biased:
        words = f"perfect data, put through the same, give {one.perfect:.3g} where {one.exact:.3g} is true"
        return Standing(one, None, words)
    if not np.isfinite(one.value):
        return Standing(one, None, one.missing or "no value")
    if one.trainings is not None and one.trainings < FEWEST_TRAININGS:
        return Standing(one, None, f"{FEWEST_TRAININGS} trainings or more would decide it")
    half = one.half_width(values)
    if not np.isfinite(half):
        return Standing(one, None, "independent copies, which give an error, would decide it")
    holds = one.claim.holds_throughout(one.value - half, one.value + half)
    if holds is None:
        edges = [abs(one.value - edge) for edge in (one.claim.low, one.claim.high) if np.isfinite(edge)]
        more = (half / max(min(edges), 1e-12)) ** 2
        amount = f"about {more:.2g} times as much data" if more < 100 else "far more data"
        return Standing(one, None, f"{amount} would decide it, as the value is near the edge of the range")
    return Standing(one, holds, f"{'as' if holds else 'not as'} claimed: {one.claim.range}")
