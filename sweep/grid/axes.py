"""Axis labels: the forms that a grid file allows, expanded to exactly the labels that the user wrote.

An axis has labels of one kind: true and false, whole numbers of 64 bits, numbers, or words. Numbers that agree to 12
digits are one label: `canonical` is that label's name wherever labels are compared, and nowhere else.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from sweep.errors import brief, closest

Label = bool | int | float | str
Labels = tuple[Label, ...]

CRITICAL_TEMPERATURE = 2.0 / math.log1p(math.sqrt(2.0))
CRITICAL = "critical"
FORMS = "a list, {start, stop, step}, {linspace: [first, last, count]} or {count: 3}"
KINDS: dict[type, str] = {bool: "true or false", int: "a whole number", float: "a number", str: "a word"}
MOST = 1_000_000  # labels of one axis


def canonical(value: Any) -> Any:
    """Return what a value is known by: floats, those of a tuple or list too, rounded to 12 significant digits."""
    if isinstance(value, float):
        return float(f"{value:.12g}") + 0.0  # + 0.0 turns -0.0 into 0.0
    if isinstance(value, tuple | list):
        return type(value)(map(canonical, value))
    return value


def places(labels: Iterable[Label], wanted: Iterable[Label]) -> list[int]:
    """Return where the wanted labels stand among the labels of an axis."""
    index = {canonical(label): place for place, label in enumerate(labels)}
    return [index[canonical(label)] for label in wanted]


def as_kept(labels: Labels, kept: Iterable[Label]) -> Labels:
    """Return labels, those that are kept somewhere to the bits that they have there."""
    known = {canonical(label): label for label in kept}
    found = ((label, known.get(canonical(label), label)) for label in labels)
    return tuple(there if type(there) is type(label) else label for label, there in found)


def kind_of(labels: Sequence[Any]) -> type:
    """Return the type of all labels of an axis: whole numbers beside others are numbers.

    Raises
    ------
    ValueError
        When they are of several kinds.
    """
    kinds = {type(label): label for label in labels if label != CRITICAL}
    if kinds.keys() <= {int, float} and (len(kinds) != 1 or CRITICAL in labels):
        return float
    if len(kinds) > 1:
        first, second, *_ = kinds.values()
        raise ValueError(f"found {brief(first)} beside {brief(second)}; wanted labels of one kind")
    return next(iter(kinds))


def as_kind(kind: type, value: Any) -> Any:
    """Return a value of the file in the type that is wanted, where nothing of it is lost.

    Raises
    ------
    ValueError
        When it is of another kind; says what was found and what was wanted.
    """
    if kind is float and value == CRITICAL:
        return CRITICAL_TEMPERATURE
    if kind is float and type(value) is int:
        return _exact(value)
    if kind is int and type(value) is float and value.is_integer():
        return int(value)
    if isinstance(value, float) and math.isnan(value):
        raise ValueError("found nan, which is not even equal to itself; wanted finite numbers")
    if type(value) is not kind:
        found, named = brief(value), kind_name(type(value))
        close = kind is float and isinstance(value, str) and closest(value, [CRITICAL])
        meant = f"; did you mean {close}?" if close else ""
        raise ValueError(f"found {found if found == named else f'{found} ({named})'}; wanted {kind_name(kind)}{meant}")
    return value


def _exact(value: int) -> float:
    if abs(value) >= 2**1000 or int(float(value)) != value:
        raise ValueError(f"found {brief(value)}, which has more digits than a number of 64 bits; wanted fewer")
    return float(value)


def kind_name(kind: Any) -> str:
    """Return a type in words."""
    words = {**KINDS, dict: "a mapping", list: "a list", type(None): "nothing"}
    return words.get(kind, getattr(kind, "__name__", str(kind)))


def is_number(form: Any) -> bool:
    """Return whether an axis form is a number alone: a count, by an old rule."""
    return isinstance(form, int | float) and not isinstance(form, bool)


def expand(form: Any, kind: type | None = None) -> Labels:
    """Return the labels that an axis form of the grid file stands for.

    Parameters
    ----------
    form : list, mapping, word or count
        One of the forms of `FORMS`; among numbers the word ``critical`` stands for T_c = 2/ln(1+sqrt 2).
    kind : type, optional
        What the labels are to be, one of `KINDS`; otherwise they are what they are all of.

    Raises
    ------
    ValueError
        With what was found and what was wanted.
    """
    values = _values(form)
    kind = kind or kind_of(values)
    return _unique(tuple(_label(as_kind(kind, value)) for value in values))


def _values(form: Any) -> Sequence[Any]:
    if is_number(form):
        return range(_count(form))
    if isinstance(form, str):
        return [form]
    if isinstance(form, list | tuple) and form:
        if len(form) > MOST:
            raise ValueError(f"found {len(form)} labels; wanted {MOST} at most")
        return form
    if isinstance(form, Mapping):
        keys = set(form)
        if keys == {"count"}:
            return range(_count(form["count"]))
        if keys == {"linspace"}:
            return _linspace(form["linspace"])
        if keys & {"start", "stop", "step"}:
            return _range(form)
        raise ValueError(f"found the keys {', '.join(map(brief, form)) or 'of none'}; wanted {FORMS}")
    raise ValueError(f"found {'[]' if form == [] else brief(form)}; wanted {FORMS}")


def _label(label: Label) -> Label:
    if isinstance(label, float) and not math.isfinite(label):
        raise ValueError(f"found {label!r}; wanted finite numbers")
    if isinstance(label, int) and not -(2**63) <= label < 2**63:
        raise ValueError(f"found {brief(label)}; wanted a whole number of 64 bits, from -2**63 to 2**63 - 1")
    if label == "":
        raise ValueError("found '', the empty word; wanted a word with letters")
    if type(label) not in KINDS:
        raise ValueError(f"found {brief(label)}; wanted numbers, words, or true and false")
    return label


def _count(count: Any) -> int:
    if not is_number(count) or not 1 <= count <= MOST or count != int(count):
        raise ValueError(f"found the count {brief(count)}; wanted a whole number, 1 or more, {MOST} at most")
    return int(count)


def _number(value: Any, name: str) -> Any:
    """Return a whole number as it is, and anything else as a finite float."""
    if type(value) is int:
        return _label(value)
    try:
        return _label(as_kind(float, value))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def _range(form: Mapping[str, Any]) -> Sequence[Any]:
    if set(form) != {"start", "stop", "step"}:
        raise ValueError(f"found the keys {', '.join(sorted(map(str, form)))}; wanted start, stop and step")
    start, stop, step = (_number(form[key], key) for key in ("start", "stop", "step"))
    if step <= 0 or stop < start:
        raise ValueError(f"found start {start}, stop {stop}, step {step}; wanted start <= stop and step > 0")
    steps = (stop - start) / step
    if not steps < MOST:
        raise ValueError(f"found {steps:.3g} steps from start to stop; wanted fewer than {MOST}")
    if abs(steps - round(steps)) > 1e-9 * max(1.0, steps):
        last = canonical(start + math.floor(steps) * step)
        raise ValueError(
            f"step {step} does not divide the range {start} to {stop}: "
            f"it ends at {last}; change stop to {last} or choose another step"
        )
    return [start + i * step for i in range(round(steps) + 1)]


def _linspace(values: Any) -> Sequence[Any]:
    if not isinstance(values, list | tuple) or len(values) != 3:
        raise ValueError(f"found linspace: {str(values)[:60]}; wanted {FORMS}")
    first, last, count = _number(values[0], "first"), _number(values[1], "last"), _count(values[2])
    with np.errstate(all="ignore"):  # what is not finite is refused with the labels
        return list(np.linspace(first, last, count).tolist())


def _unique(labels: Labels) -> Labels:
    seen: dict[Any, Label] = {}
    for label in labels:
        other = seen.setdefault(canonical(label), label)
        if other is not label and other != label:
            raise ValueError(f"{other!r} and {label!r} agree to 12 digits, and so are one label; wanted each once")
    repeated, times = Counter(labels).most_common(1)[0]
    if times > 1:
        raise ValueError(f"the value {brief(repeated)} is there {times} times; wanted each once")
    return labels
