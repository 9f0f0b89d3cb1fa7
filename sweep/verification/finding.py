"""What is wrong with a store, and what mends it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sweep.grid.axes import Labels


class Remedy(StrEnum):
    """What mends a finding."""

    recompute = "take back the cell, so that the next launch computes it again"
    rewrite = "write the labels again, as the plan has them"
    consolidate = "copy the metadata again"
    remove = "remove it: no result depends on it"
    forget = "keep that what computed some points is not known any more"
    none = "nothing that could be done here"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Parameters
    ----------
    stage : str
    path : str
        Of what is damaged, inside the store.
    what : str
        What is wrong with it.
    remedy : Remedy
    labels : mapping of axis to labels
        The points concerned; empty when it is the whole stage.
    cell : int, optional
        The cell to take back.
    """

    stage: str
    path: str
    what: str
    remedy: Remedy = Remedy.recompute
    labels: Mapping[str, Labels] = field(default_factory=dict)
    cell: int | None = None

    def __str__(self) -> str:
        """Return the finding as one line."""
        points = ", ".join(f"{axis} {_brief(labels)}" for axis, labels in self.labels.items())
        return f"{self.path}: {self.what}" + (f" (at {points})" if points else "")


def _brief(labels: Labels) -> str:
    return str(labels[0]) if len(labels) == 1 else f"{labels[0]} to {labels[-1]}"
