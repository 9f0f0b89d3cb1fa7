"""What points cost, as seen: how far the kernel's own `cost` is off on the machines at work."""

from __future__ import annotations

import math
from dataclasses import dataclass

REMEMBERED = 0.9  # the weight of all that was seen before, beside that of what is seen now
FURTHEST = 1e4


@dataclass
class Speed:
    """The seconds that tasks of a stage took, beside those that were predicted, the latest ones counting most."""

    predicted: float = 0.0
    measured: float = 0.0
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
        return min(max(self.measured / self.predicted, 1 / FURTHEST), FURTHEST)

    def note(self, predicted: float, measured: float, least: float = math.inf) -> None:
        """Note what some work was predicted to take, and took, and the same of the quickest point of it."""
        self.least = min(self.least, least)
        if predicted > 0 and measured > 0:
            self.predicted = REMEMBERED * self.predicted + predicted
            self.measured = REMEMBERED * self.measured + measured
