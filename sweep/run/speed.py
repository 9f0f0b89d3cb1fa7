"""What points cost, as seen: how far the kernel's own `cost` is off on the machines at work."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sweep.run.account import Account

REMEMBERED = 0.9  # the weight of all that was seen before, beside that of what is seen now
FURTHEST = 1e4


@dataclass
class Speed:
    """The seconds that tasks of a stage took, beside those that were predicted, the latest ones counting most."""

    predicted: float = 0.0
    measured: float = 0.0
    inside: float = 0.0  # what of it points took themselves, without what is written of them
    points: int = 0
    least: float = math.inf  # what the quickest of all points took for a second that was predicted

    @property
    def known(self) -> bool:
        """Return whether anything was measured yet."""
        return self.predicted > 0

    @property
    def factor(self) -> float:
        """Return what a predicted second takes in truth, 1 as long as nothing is known."""
        if not self.known:
            return 1.0
        return _within(self.measured / self.predicted)

    @property
    def own(self) -> float:
        """Return what points take themselves of a second that was predicted of them."""
        return _within(self.inside / self.predicted) if self.known else 1.0

    @property
    def beside(self) -> float:
        """Return what a second that was predicted takes beside what the points do: results are written, say."""
        return max(self.measured - self.inside, 0.0) / self.predicted if self.known else 0.0

    def note(self, account: Account, seconds: float) -> None:
        """Note what a task took, and what came of it."""
        self.least = min(self.least, account.least)
        predicted, measured = account.predicted, account.usual(seconds)
        if predicted > 0 and measured > 0:
            self.points += account.points
            self.predicted = REMEMBERED * self.predicted + predicted
            self.measured = REMEMBERED * self.measured + measured
            self.inside = REMEMBERED * self.inside + account.usual(account.taken)


def _within(factor: float) -> float:
    return min(max(factor, 1 / FURTHEST), FURTHEST)
