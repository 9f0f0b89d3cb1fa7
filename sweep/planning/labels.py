"""What a store has already keeps its bits: its labels, and the parameters given with them, whatever the grid now says.

Two numbers that agree to 12 digits are one, so the digits beyond are those that the store was made with. Stores of
earlier versions have no more than 12.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from sweep.errors import Problem
from sweep.grid.axes import Labels, as_kept, canonical, kind_name, kind_of
from sweep.grid.grid import Input, Stage


def in_order(labels: Labels) -> Labels:
    """Return labels as they stand in the store: numbers ascending, words as they came."""
    return labels if any(isinstance(label, str) for label in labels) else tuple(sorted(labels))


def with_stored(
    stage: Stage, axes: Mapping[str, Labels], params: Mapping[str, Any], sources: Mapping[str, Stage]
) -> Stage:
    """Return a stage with the labels and parameters to the bits that they have in a store.

    Parameters
    ----------
    stage : Stage
        As the grid has it.
    axes, params : mapping
        What the store has of the stage; empty for a new one, whose labels are then those of the stages that it reads.
    sources : mapping of str to Stage
        The stages that it reads, with the store's labels.
    """
    inputs = {name: _input_with_stored(item, sources[item.stage]) for name, item in stage.inputs.items()}
    joined = {
        axis: labels for item in reversed(inputs.values()) for axis, labels in item.axes.items() if axis in item.joined
    }
    kept = {axis: axes.get(axis, joined.get(axis, ())) for axis in stage.axes}
    return replace(
        stage,
        axes={axis: as_kept(labels, kept[axis]) for axis, labels in stage.axes.items()},
        params={name: _as_stored(value, params.get(name)) for name, value in stage.params.items()},
        inputs=inputs,
    )


def _input_with_stored(item: Input, source: Stage) -> Input:
    """Return what is read, with the labels of the stage that has them."""
    return Input(source, {axis: as_kept(labels, source.axes[axis]) for axis, labels in item.axes.items()}, item.dropped)


def _as_stored(value: Any, stored: Any) -> Any:
    """Return a parameter; the one that a store has, as JSON, where the two agree to 12 digits."""
    if isinstance(value, tuple) and isinstance(stored, list):
        stored = tuple(stored)
    return stored if type(stored) is type(value) and canonical(stored) == canonical(value) else value


def kind_problems(stage: Stage, stored: Mapping[str, Labels]) -> Iterator[Problem]:
    """Yield the axes of a stage whose labels are of another kind than those that a store has there."""
    for axis, labels in stored.items() if stored.keys() == stage.axes.keys() else ():
        there, here = kind_of(labels), stage.kind(axis)
        if there is not here:
            what = f"the labels are each {kind_name(here)}, and those of the store each {kind_name(there)}"
            way = "wanted the same; write elsewhere with --store, or rename the stage"
            yield Problem(f"stages.{stage.name}.axes.{axis}", f"{what}; {way}")
