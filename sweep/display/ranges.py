"""Points in few words: the labels that they have along each axis, those side by side as a range."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from sweep.grid.axes import Label
from sweep.planning.labels import in_order

MOST = 6  # ranges that are written out
RUN = 4  # numbers at least in a range


def in_ranges(points: Sequence[Mapping[str, Label]]) -> str:
    """Return points of one stage in words.

    Parameters
    ----------
    points : sequence of mapping of axis to label

    Returns
    -------
    str
        Such as ``x 3, 4..7 and 12, scale 1``; with their number where the labels alone would say more points.
    """
    if not points or not points[0]:
        return "its only point"
    labels = {axis: in_order(tuple(dict.fromkeys(point[axis] for point in points))) for axis in points[0]}
    text = ", ".join(f"{axis} {_joined(_runs(values))}" for axis, values in labels.items())
    box = math.prod(map(len, labels.values()))
    return text if box == len(points) else f"{text} ({len(points)} of these {box} points)"


def _joined(runs: Iterable[str]) -> str:
    words = list(runs)
    if len(words) > MOST:
        words = [*words[: MOST - 1], f"{len(words) - MOST + 1} ranges more"]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _runs(labels: Sequence[Label]) -> Iterator[str]:
    """Yield four or more numbers with equal steps as ``first, second..last``, all else one by one."""
    start = 0
    while start < len(labels):
        stop = _run_end(labels, start)
        if stop - start >= RUN:
            yield f"{labels[start]}, {labels[start + 1]}..{labels[stop - 1]}"
        else:
            yield from map(str, labels[start:stop])
        start = stop


def _run_end(labels: Sequence[Label], start: int) -> int:
    """Return one past the last of the labels from one on that follow each other with the same step."""
    numbers = [label if isinstance(label, int | float) else math.nan for label in labels[start:]]
    steps = [b - a for a, b in itertools.pairwise(numbers)]
    length = 1 + sum(1 for _ in itertools.takewhile(lambda step: math.isclose(step, steps[0]), steps))
    return start + (length if length >= RUN else 1)
