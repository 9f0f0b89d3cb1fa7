"""What a block returns, held to what its kernel declared: nothing is cut, spread, rounded or dropped in silence.

A state is held to what a checkpoint keeps of it, so that a block finds after a pause what it would have found without.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sweep.errors import brief
from sweep.kernels.contract import Array, Output, State
from sweep.planning.values import as_stored, fill_value, stored_dtype

RANKS = {"b": 0, "u": 1, "i": 1, "f": 2, "c": 3}  # a number of one kind is also one of the higher kinds


class WrongResult(ValueError):  # noqa: N818 - what it says is the error
    """A block did not return what its kernel declares."""


def checked(results: Any, outputs: Mapping[str, Output], block: int) -> dict[str, Array]:
    """Return the results of a block as the store keeps them.

    Parameters
    ----------
    results : mapping of str to array
        What ``advance`` returned; numbers and lists do where they are what was declared.
    outputs : mapping of str to Output
    block : int
        Its number, from 0.

    Raises
    ------
    WrongResult
        With the output, what was found and what was declared.
    """
    problem = names_problem(results, outputs)
    if problem is not None:
        raise WrongResult(f"block {block}: {problem}")
    kept: dict[str, Array] = {}
    for name, output in outputs.items():
        problem = value_problem(results[name], output, block)
        if problem is not None:
            raise WrongResult(f"output {name!r} of block {block}: {problem}")
        kept[name] = as_stored(results[name], output)
    return kept


def checked_step(step: Any, block: int) -> tuple[State, Any]:
    """Return the state and the results in what ``advance`` returned.

    Raises
    ------
    WrongResult
        When it is no such pair, or no such state.
    """
    if not isinstance(step, tuple | list) or len(step) != 2:
        found = f"{len(step)} values" if isinstance(step, tuple | list) else _kind_of(step)
        raise WrongResult(f"advance, block {block}: found {found}; wanted the state and the results")
    return checked_state(step[0], f"advance, block {block}"), step[1]


def checked_state(state: Any, where: str) -> State:
    """Return a state as a checkpoint gives it back: a tuple of arrays.

    Raises
    ------
    WrongResult
        When it is something else, or holds what no checkpoint keeps.
    """
    if not isinstance(state, tuple | list):
        raise WrongResult(f"{where}: found {_kind_of(state)} as the state; wanted a tuple of arrays, () for no state")
    for number, part in enumerate(state):
        problem = _part_problem(part)
        if problem is not None:
            raise WrongResult(f"{where}: part {number} of the state is {problem}; wanted an array of numbers or words")
    return tuple(np.asarray(part) for part in state)


def _part_problem(part: Any) -> str | None:
    if np.ma.is_masked(part):
        return "masked"
    try:
        objects = np.asarray(part).dtype.hasobject
    except ValueError:
        objects = True
    return _kind_of(part) if objects else None


def names_problem(results: Any, outputs: Mapping[str, Output]) -> str | None:
    """Return what is wrong with the names of results, None when nothing is."""
    if not isinstance(results, Mapping):
        return f"found {_kind_of(results)}; wanted a mapping of names to arrays"
    missing, strange = outputs.keys() - results.keys(), results.keys() - outputs.keys()
    if not missing and not strange:
        return None
    lacks = [f"lacks {', '.join(map(repr, sorted(missing)))}"] if missing else []
    gives = [f"gives {', '.join(sorted(map(brief, strange)))}, which is not declared"] if strange else []
    return " and ".join([*lacks, *gives])


def value_problem(value: Any, output: Output, block: int) -> str | None:
    """Return what is wrong with one result, None when nothing is."""
    if np.ma.is_masked(value):
        return f"found values that are masked; declared {_declared(output)}: fill them with what they are"
    try:
        found = np.asarray(value)
    except ValueError:
        return f"found {_kind_of(value)} that is no array; declared {_declared(output)}"
    if found.dtype.kind not in (*RANKS, "U", "T"):
        return f"found {_kind_of(value)}; declared {_declared(output)}"
    return _type_problem(found, output) or _shape_problem(found.shape, output, block) or _range_problem(found, output)


def _type_problem(found: Array, output: Output) -> str | None:
    """Return why values would change in the declared type.

    A type that holds every value of the one found will do, and a smaller one of the same kind if it holds the values
    that are there: integers in range, floats with no digit lost. Never does a float become an integer, a complex number
    real, a number a word.
    """
    words = found.dtype.kind in "UT"
    if words or output.dtype == "str":
        return None if words and output.dtype == "str" else _types(found, output)
    wanted = np.dtype(output.dtype)
    if np.can_cast(found.dtype, wanted, "safe"):
        return None
    if RANKS[found.dtype.kind] > RANKS[wanted.kind] or wanted.kind == "b":
        return _types(found, output)
    with np.errstate(all="ignore"):
        there = found.astype(wanted)
    if np.array_equal(there, found, equal_nan=found.dtype.kind in "fc"):
        return None
    lost = brief(found[there != found].ravel()[0].item())
    return f"found {lost} ({found.dtype}), which is no {output.dtype}; declared {output.dtype}"


def _types(found: Array, output: Output) -> str:
    return f"found {'words' if found.dtype.kind in 'UT' else found.dtype}; declared {_declared(output)}"


def _shape_problem(shape: tuple[int, ...], output: Output, block: int) -> str | None:
    if output.block is None:
        return None if shape == output.shape else f"found shape {shape}; declared {output.shape}"
    step, rest = output.block, output.shape[0] - block * output.block
    owed, rows = min(max(rest, 0), step), shape[0] if shape else -1
    if shape[1:] == output.shape[1:] and owed <= rows <= step:
        return None
    last = "" if rest >= step else f", or the {owed} that are left"
    return f"found shape {shape}; declared {(step, *output.shape[1:])} for a block{last}"


def _range_problem(found: Array, output: Output) -> str | None:
    """Return which value could not be told from one that was not computed."""
    if output.dtype == "str":
        strange = sorted(set(map(str, found.ravel().tolist())) - set(output.words))
        return f"found {brief(strange[0])}; declared one of {', '.join(output.words)}" if strange else None
    dtype = stored_dtype(output)
    if not found.size or found.dtype.kind not in "iu" or np.dtype(dtype).kind not in "iu":
        return None
    fill = fill_value(dtype)
    if not (found == fill).any():
        return None
    return f"found {fill}, which stands for what is not computed; declared {output.dtype}: declare a wider type"


def _declared(output: Output) -> str:
    return f"words ({', '.join(output.words)})" if output.dtype == "str" else output.dtype


def _kind_of(value: object) -> str:
    if type(value) is int:
        return f"{brief(value)}, a number of more than 64 bits"
    return "nothing" if value is None else f"a {type(value).__name__}"
