"""What one task of a stage takes of a machine, and of time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

UNITS = {"": 1, "B": 1} | {
    f"{prefix}{ending}": base**power
    for ending, base in (("B", 1000), ("iB", 1024))
    for power, prefix in enumerate("kMGT" if base == 1000 else "KMGT", 1)
}
COUNTED = {"CPU": "cpus", "GPU": "gpus", "memory": "memory", "object_store_memory": "memory"}  # by Ray; by a grid
WANTED_GPUS = "wanted a whole number, 0 or more, or a part of one"
_AMOUNT = {"type": "number", "exclusiveMinimum": 0}


@dataclass(frozen=True)
class Resources:
    """What one task of a stage takes of a machine, and of time.

    Parameters
    ----------
    cpus : int
        Threads that it may use.
    gpus : float
        GPUs that it has to itself, or the part of one that it shares.
    memory : int
        Bytes; 0 for what its results take.
    custom : tuple of (str, float)
        What else is counted, by Ray's names for it.
    seconds : float, optional
        How long a block may take at most.
    """

    cpus: int = 1
    gpus: float = 0
    memory: int = 0
    custom: tuple[tuple[str, float], ...] = ()
    seconds: float | None = None


ONE_CORE = Resources()


def _bytes(value: Any) -> int:
    """Return what was written as bytes, or as a number and a unit."""
    number, unit = value, ""
    if isinstance(value, str) and (found := re.fullmatch(r"\s*(\d+(?:\.\d*)?)\s*([A-Za-z]*)\s*", value)):
        number, unit = float(found[1]), found[2]
    if isinstance(number, bool) or not isinstance(number, int | float) or unit not in UNITS or not 1 <= number < 1e15:
        raise PydanticCustomError("memory", "wanted bytes, such as 2GiB or 500MB")
    return int(number * UNITS[unit])


def _time(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9:
        raise PydanticCustomError("seconds", "wanted seconds, more than 0")
    return float(value)


def _gpus(value: Any) -> float:
    if not are_gpus(value):
        raise PydanticCustomError("gpus", WANTED_GPUS)
    return float(value)


def are_gpus(value: Any) -> bool:
    """Return whether something is a number of GPUs."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and 0 <= value < 1e6 and _whole_or_part(value)


def _whole_or_part(amount: float) -> bool:
    """Return whether Ray can count it."""
    return amount <= 1 or amount == int(amount)


def _countable(amounts: Mapping[str, float]) -> Mapping[str, float]:
    """Return amounts that Ray can count: of names of its own, parts of one or whole numbers."""
    for name, amount in amounts.items():
        if name in COUNTED:
            raise PydanticCustomError("resources", f"{name} has a key of its own: wanted {COUNTED[name]}, in the stage")
        if not name or not 0 < amount < 1e12 or not _whole_or_part(amount):
            raise PydanticCustomError("resources", "wanted names with amounts: whole numbers, or a part of one")
    return amounts


Memory = Annotated[
    int,
    BeforeValidator(_bytes),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string"}], "description": "2GiB, 500MB."}),
]
Gpus = Annotated[
    float,
    BeforeValidator(_gpus),
    WithJsonSchema({"type": "number", "minimum": 0, "description": "GPUs of its own, or a part of one."}),
]
Seconds = Annotated[
    float, BeforeValidator(_time), WithJsonSchema({**_AMOUNT, "description": "What a block may take at most."})
]
Amounts = Annotated[
    dict[str, float],
    AfterValidator(_countable),
    WithJsonSchema({"type": "object", "additionalProperties": _AMOUNT, "description": "What Ray counts on nodes."}),
]
