"""Kernel parameters: typed, bounded, documented fields of a frozen dataclass."""

from __future__ import annotations

import dataclasses
import operator
import typing
from collections.abc import Iterator, Mapping
from typing import Any

from sweep.errors import brief
from sweep.grid.axes import KINDS, Labels, as_kind, canonical, expand, is_number, kind_name
from sweep.kernels.contract import Bounds, Kernel

REPLICATES = "realisation"


def fields_of(params: type) -> dict[str, dataclasses.Field[Any]]:
    """Return the fields of a parameter dataclass by name."""
    return {field.name: field for field in dataclasses.fields(params)}


def bounds_of(field: dataclasses.Field[Any]) -> Bounds:
    """Return the meaning, units and bounds that a field carries; an undocumented field has none."""
    bounds = field.metadata.get("bounds")
    return bounds if isinstance(bounds, Bounds) else Bounds(help="")


def extents_of(params: type) -> set[str]:
    """Return the names of the parameters that say how long, and so may grow later."""
    return {name for name, field in fields_of(params).items() if bounds_of(field).extent}


def computed_of(params: Any) -> dict[str, Any]:
    """Return the parameters that say what is computed, not how long: those added later only where they were set."""
    fields = fields_of(type(params)).items()
    values = ((name, getattr(params, name), field) for name, field in fields if not bounds_of(field).extent)
    return {name: value for name, value, field in values if not (bounds_of(field).added and value == field.default)}


def filled_of(kernel: Kernel[Any]) -> dict[str, str]:
    """Return the parameters that the framework fills, each with what it is filled with, in words."""
    labels = {name: f"the labels of input {of!r}" for name, (of, _) in kernel.labels.items()}
    return labels | {name: f"the shape of input {of!r}" for name, (of, _) in kernel.shapes.items()}


def required_of(params: type) -> set[str]:
    """Return the names of the parameters that have no default."""
    missing = dataclasses.MISSING
    return {
        name
        for name, field in fields_of(params).items()
        if field.default is missing and field.default_factory is missing
    }


def coerce(params: type, name: str, value: Any) -> Any:
    """Return `value` as the field `name` of `params` wants it.

    A whole number is accepted where a float is wanted, 1e4 where a whole number is, and any axis form where a tuple is.

    Raises
    ------
    ValueError
        When the type is wrong or the value out of bounds; says what was found and what was wanted.
    """
    wanted = typing.get_type_hints(params)[name]
    if typing.get_origin(wanted) is tuple:
        return _bounded(params, name, _tuple(typing.get_args(wanted)[0], value))
    (coerced,) = _bounded(params, name, (as_kind(wanted, value),))
    return coerced


def axis_labels(params: type, name: str, form: Any) -> Labels:
    """Return the labels of an axis that sets the field `name` of `params`; raises ValueError like `coerce`."""
    kind = axis_kind(params, name)
    if kind is None:
        wanted = kind_name(typing.get_type_hints(params)[name])
        raise ValueError(f"is a parameter of type {wanted}; wanted one of a single number, word, or true and false")
    return _bounded(params, name, expand(form, kind))


def axis_kind(params: type, name: str) -> type | None:
    """Return the type of the field `name`, None when it cannot be that of a label."""
    wanted = typing.get_type_hints(params)[name]
    return wanted if wanted in KINDS else None


def _tuple(element: type, value: Any) -> tuple[Any, ...]:
    if is_number(value) and element is not int:
        raise ValueError(f"found {brief(value)} alone; wanted a list, such as [{brief(value)}]")
    return expand(value, element)


def _bounded(params: type, name: str, values: tuple[Any, ...]) -> tuple[Any, ...]:
    bounds = bounds_of(fields_of(params)[name])
    for value in values:
        _check_bounds(bounds, value)
    return values


def _check_bounds(bounds: Bounds, value: Any) -> None:
    if bounds.choices is not None and canonical(value) not in map(canonical, bounds.choices):
        raise ValueError(f"found {value!r}; wanted one of {', '.join(map(str, bounds.choices))}")
    for sign, limit, holds in _limits(bounds, value):
        if not holds:
            units = f" {bounds.units}" if bounds.units else ""
            raise ValueError(f"found {value!r}; wanted {sign} {limit:g}{units}")


def _limits(bounds: Bounds, value: Any) -> Iterator[tuple[str, float, bool]]:
    """Yield the bounds of a number and whether it keeps them, to 12 digits."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return
    for sign, limit, compare in (
        (">=", bounds.ge, operator.ge),
        (">", bounds.gt, operator.gt),
        ("<=", bounds.le, operator.le),
        ("<", bounds.lt, operator.lt),
    ):
        if limit is not None:
            yield sign, limit, compare(canonical(value), canonical(limit))


def describe(kernel: Kernel[Any]) -> list[tuple[str, str, str, str]]:
    """Return name, type and default, units and meaning of every parameter, for people."""
    rows, params, filled = [], kernel.params, filled_of(kernel)
    for name, field in fields_of(params).items():
        bounds = bounds_of(field)
        kind = kind_name(typing.get_type_hints(params)[name])
        default = "required" if name in required_of(params) else f"= {field.default!r}"
        default = "not set: " + filled[name] if name in filled else default
        limits = [f"{sign} {limit:g}" for sign, limit, _ in _limits(bounds, 0)]
        choices = [" | ".join(map(str, bounds.choices))] if bounds.choices else []
        meaning = "; ".join([bounds.help, *limits, *choices, *(["may grow later"] if bounds.extent else [])])
        rows.append((name, f"{kind}, {default}", bounds.units, meaning))
    return rows


def as_mapping(params: Any) -> Mapping[str, Any]:
    """Return the fields and values of a parameter value."""
    return {field.name: getattr(params, field.name) for field in dataclasses.fields(params)}
