"""Kernel parameters: typed, bounded, documented fields of a frozen dataclass."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterator, Mapping
from typing import Any

from sweep.grid.axes import canonical, expand
from sweep.kernels.contract import Bounds

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

    Numbers are canonical, a whole number is accepted where a float is wanted, and any axis form where a tuple is.

    Raises
    ------
    ValueError
        When the type is wrong or the value out of bounds; says what was found and what was wanted.
    """
    field = fields_of(params)[name]
    wanted = typing.get_type_hints(params)[name]
    coerced = _typed(wanted, value)
    for element in coerced if isinstance(coerced, tuple) else (coerced,):
        _check_bounds(bounds_of(field), element)
    return coerced


def _typed(wanted: Any, value: Any) -> Any:
    if typing.get_origin(wanted) is tuple:
        element = typing.get_args(wanted)[0]
        labels = (value,) if isinstance(value, str) else expand(list(value) if isinstance(value, tuple) else value)
        return tuple(_typed(element, label) for label in labels)
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if wanted is float and value == "critical":
        (value,) = expand("critical")
    if type(value) is not wanted:
        raise ValueError(f"found {value!r} ({_kind(type(value))}); wanted {_kind(wanted)}")
    return canonical(value)


def _kind(wanted: Any) -> str:
    words = {int: "a whole number", float: "a number", str: "a word", bool: "true or false", dict: "a mapping"}
    return words.get(wanted, getattr(wanted, "__name__", str(wanted)))


def _check_bounds(bounds: Bounds, value: Any) -> None:
    if bounds.choices is not None and value not in bounds.choices:
        raise ValueError(f"found {value!r}; wanted one of {', '.join(map(str, bounds.choices))}")
    for sign, limit, holds in _limits(bounds, value):
        if not holds:
            units = f" {bounds.units}" if bounds.units else ""
            raise ValueError(f"found {value!r}; wanted {sign} {limit:g}{units}")


def _limits(bounds: Bounds, value: Any) -> Iterator[tuple[str, float, bool]]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return
    if bounds.ge is not None:
        yield ">=", bounds.ge, value >= bounds.ge
    if bounds.gt is not None:
        yield ">", bounds.gt, value > bounds.gt
    if bounds.le is not None:
        yield "<=", bounds.le, value <= bounds.le
    if bounds.lt is not None:
        yield "<", bounds.lt, value < bounds.lt


def describe(params: type) -> list[tuple[str, str, str, str]]:
    """Return name, type and default, units and meaning of every parameter, for people."""
    rows = []
    for name, field in fields_of(params).items():
        bounds = bounds_of(field)
        kind = _kind(typing.get_type_hints(params)[name])
        default = "required" if name in required_of(params) else f"= {field.default!r}"
        limits = [f"{sign} {limit:g}" for sign, limit, _ in _limits(bounds, 0)]
        choices = [" | ".join(map(str, bounds.choices))] if bounds.choices else []
        meaning = "; ".join([bounds.help, *limits, *choices, *(["may grow later"] if bounds.extent else [])])
        rows.append((name, f"{kind}, {default}", bounds.units, meaning))
    return rows


def as_mapping(params: Any) -> Mapping[str, Any]:
    """Return the fields and values of a parameter value."""
    return {field.name: getattr(params, field.name) for field in dataclasses.fields(params)}
