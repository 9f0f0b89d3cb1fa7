"""The complete labelled dataset, empty: every array of every node, with its coordinates and attributes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sweep.grid.axes import Labels
from sweep.grid.parameters import as_mapping
from sweep.planning.attributes import as_attributes, unit_attributes
from sweep.planning.layout import Variable
from sweep.planning.plan import StagePlan
from sweep.planning.values import fill_value, label_fill, stored_dtype, value_attributes

COMPUTED_BY = "computed_by"
UNKNOWN, SEVERAL = -1, -2  # instead of the number of an environment

BOOKS = (
    ("blocks", "int32", 0, "blocks of work that are complete"),
    ("done", "bool", False, "point is complete"),
    (COMPUTED_BY, "int16", UNKNOWN, f"number of what computed it, {UNKNOWN}: not known, {SEVERAL}: more than one"),
)
"""What the store keeps of every point beside its results: name, dtype, fill value and long name."""


@dataclass(frozen=True)
class Field:
    """One array as the store creates it; coordinates come with their values."""

    name: str
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    dtype: str
    fill: Any
    attributes: Mapping[str, Any] = field(default_factory=dict)
    values: Sequence[Any] | Any | None = None


def stage_fields(plan: StagePlan) -> dict[str, tuple[dict[str, Any], list[Field]]]:
    """Return, for every node of a stage, its attributes and its arrays."""
    name = plan.stage.name
    fields: dict[str, dict[str, Field]] = {name: {item.name: item for item in _stage_node(plan)}}
    for variable in plan.variables:
        node = fields.setdefault(variable.node, {})
        for item in _variable_fields(plan, variable):
            node.setdefault(item.name, item)
    own = stage_attributes(plan)
    return {node: (own if node == name else {}, list(items.values())) for node, items in fields.items()}


def _stage_node(plan: StagePlan) -> Iterator[Field]:
    axes, shape = tuple(plan.stage.axes), plan.stage.shape
    chunks = tuple(plan.chunk.values())
    for axis in axes:
        yield _axis(plan, axis)
    for name, dtype, fill, words in BOOKS:
        yield Field(name, axes, shape, chunks, dtype, fill, {"long_name": words})


def _variable_fields(plan: StagePlan, variable: Variable) -> Iterator[Field]:
    output = variable.output
    for axis in variable.axes:
        yield _axis(plan, axis)
    for axis, label in variable.at.items():
        dtype = _dtype((label,))
        yield Field(axis, (), (), (), dtype, label_fill(dtype, label), _axis_attributes(plan, axis), label)
    for dim, labels in output.coords.items():
        values = np.asarray(labels)
        dtype = "str" if values.dtype.kind in "OTU" else values.dtype.name
        yield Field(dim, (dim,), values.shape, values.shape, dtype, label_fill(dtype, values), {}, values)
    dtype = stored_dtype(output)
    units = unit_attributes(output.dtype, output.units, output.reduced)
    attributes = {**units, "long_name": output.description or variable.name, **value_attributes(output)}
    if variable.at:
        attributes["coordinates"] = " ".join(variable.at)
    yield Field(
        variable.name,
        variable.dims,
        variable.shape,
        variable.chunks,
        dtype,
        fill_value(dtype),
        attributes,
    )


def _axis(plan: StagePlan, axis: str) -> Field:
    labels = plan.stage.axes[axis]
    dtype, length = _dtype(labels), (len(labels),)
    fill = label_fill(dtype, labels)
    return Field(axis, (axis,), length, length, dtype, fill, _axis_attributes(plan, axis), labels)


def _axis_attributes(plan: StagePlan, axis: str) -> dict[str, Any]:
    bounds, dtype = plan.stage.bounds(axis), _dtype(plan.stage.axes[axis])
    units = unit_attributes(dtype, bounds.units, bounds.reduced)
    return {**units, "long_name": axis, "description": bounds.help}


def _dtype(labels: Labels) -> str:
    if any(isinstance(label, str) for label in labels):
        return "str"
    if all(isinstance(label, bool) for label in labels):
        return "bool"
    return "float64" if any(isinstance(label, float) for label in labels) else "int64"


def stage_attributes(stage: StagePlan) -> dict[str, Any]:
    """Return the attributes of a stage's node."""
    wanted = stage.wanted
    params = as_mapping(stage.stage.params_at(next(stage.stage.points())))
    attributes = {
        "kernel": wanted.kernel.name,
        "kernel_reference": wanted.reference,
        "kernel_version": wanted.kernel.version,
        "description": wanted.kernel.description,
        "params": {key: value for key, value in params.items() if key not in wanted.axes},
        "inputs": {key: item.stage for key, item in wanted.inputs.items()},
        "labels_read": {
            key: {axis: labels for axis, labels in item.axes.items() if axis not in wanted.axes}
            for key, item in wanted.inputs.items()
        },
    }
    return as_attributes(attributes)


def json_value(value: Any) -> Any:
    """Return a value as JSON gives it back, so that tuples compare with lists."""
    if isinstance(value, Mapping):
        return {key: json_value(item) for key, item in value.items()}
    return [json_value(item) for item in value] if isinstance(value, tuple) else value
