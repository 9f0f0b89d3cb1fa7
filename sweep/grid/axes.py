"""Axis labels: the forms that a grid file allows, expanded to canonical values."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

Label = int | float | str
Labels = tuple[Label, ...]

CRITICAL_TEMPERATURE = 2.0 / math.log1p(math.sqrt(2.0))
FORMS = "a list, {start, stop, step}, {linspace: [first, last, count]} or a count"


def canonical(value: Label) -> Label:
    """Return `value`, floats rounded to 12 significant digits so that equal labels are equal bits."""
    if isinstance(value, float):
        return float(f"{value:.12g}") + 0.0  # + 0.0 turns -0.0 into 0.0
    return value


def expand(form: Any) -> Labels:
    """Return the labels that an axis form of the grid file stands for.

    Parameters
    ----------
    form : list, mapping, int or "critical"
        One of the forms of `FORMS`; a list may hold the word ``critical`` for T_c = 2/ln(1+sqrt 2).

    Raises
    ------
    ValueError
        With what was found and what was wanted.
    """
    if isinstance(form, bool) or form is None or form == []:
        raise ValueError(f"found {form!r}; wanted {FORMS}")
    if isinstance(form, int):
        return _count(form)
    if isinstance(form, Mapping):
        return _unique(_range(form) if "step" in form or "start" in form else _linspace(form))
    values = form if isinstance(form, list | tuple) else [form]
    return _unique(tuple(canonical(_label(value)) for value in values))


def _count(count: int) -> Labels:
    if count < 1:
        raise ValueError(f"found the count {count}; wanted 1 or more")
    return tuple(range(count))


def _label(value: Any) -> Label:
    if value == "critical":
        return CRITICAL_TEMPERATURE
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"found {value!r} in the list; wanted numbers or words")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"found {value!r} in the list; wanted finite numbers")
    return value


def _number(form: Mapping[str, Any], key: str) -> float | int:
    value = _label(form[key])
    if isinstance(value, str):
        raise ValueError(f"found {key}: {value!r}; wanted a number")
    return value


def _range(form: Mapping[str, Any]) -> Labels:
    if set(form) != {"start", "stop", "step"}:
        raise ValueError(f"found the keys {sorted(form)}; wanted start, stop and step")
    start, stop, step = (_number(form, key) for key in ("start", "stop", "step"))
    if step <= 0 or stop < start:
        raise ValueError(f"found start {start}, stop {stop}, step {step}; wanted start <= stop and step > 0")
    steps = (stop - start) / step
    if abs(steps - round(steps)) > 1e-9 * max(1.0, steps):
        last = canonical(start + math.floor(steps) * step)
        raise ValueError(
            f"step {step} does not divide the range {start} to {stop}: "
            f"it ends at {last}; change stop to {last} or choose another step"
        )
    return tuple(canonical(start + i * step) for i in range(round(steps) + 1))


def _linspace(form: Mapping[str, Any]) -> Labels:
    values = form.get("linspace")
    if set(form) != {"linspace"} or not isinstance(values, list) or len(values) != 3:
        raise ValueError(f"found {dict(form)!r}; wanted {FORMS}")
    bounds = {"first": values[0], "last": values[1]}
    first, last, count = float(_number(bounds, "first")), float(_number(bounds, "last")), values[2]
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise ValueError(f"found the count {count!r} in linspace; wanted a whole number, 1 or more")
    return tuple(canonical(first + (last - first) * i / max(count - 1, 1)) for i in range(count))


def _unique(labels: Labels) -> Labels:
    repeated = [label for label, times in Counter(labels).items() if times > 1]
    if repeated:
        raise ValueError(f"the value {repeated[0]!r} is there {labels.count(repeated[0])} times; wanted each once")
    return labels
