"""What a report shows, in its order."""

from __future__ import annotations

from analysis.exhibit import Maker

EXHIBITS: tuple[Maker, ...] = ()
