"""The checkpoints of a cell: one file, with what is complete of each of its points and the state after that.

A file is named by the first and the last point of its cell. Labels are only ever added to a store, so that what has the
same name later is the same cell or one that has grown. It begins with a digest of the rest, which is NumPy's npz format
with members KEY/blocks, KEY/0, KEY/1 ... for each point. Stores of earlier versions have a file for each point, without
digest or keys.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from sweep.kernels.contract import State
from sweep.planning.plan import Region, StagePlan
from sweep.store.storage import Location

FOLDER = ".sweep/states"
DIGEST = 16  # bytes
OLDER = b"PK"  # so begin files of earlier versions
Checkpoints = Mapping[str, tuple[int, State]]  # by the key of a point: blocks that are complete, the state after them


def checkpoint_key(plan: StagePlan, region: Region) -> str:
    """Return where the checkpoints of a cell are kept."""
    return f"{FOLDER}/{plan.stage.name}/{_name(plan, region)}"


def pack(states: Checkpoints) -> bytes:
    """Return checkpoints as bytes."""
    arrays: dict[str, Any] = {}
    for key, (blocks, state) in states.items():
        arrays |= {f"{key}/blocks": np.asarray(blocks)} | {f"{key}/{i}": array for i, array in enumerate(state)}
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return _digest(buffer.getvalue()) + buffer.getvalue()


def unpack(raw: bytes, name: str) -> dict[str, tuple[int, State]]:
    """Return the checkpoints in the bytes of a file of this name; raises ValueError when they are damaged."""
    parts: dict[str, dict[str, Any]] = {}
    body = raw if raw.startswith(OLDER) else raw[DIGEST:]
    if raw != body and raw[:DIGEST] != _digest(body):
        raise ValueError("not a whole checkpoint: its bytes are not those that were written")
    try:
        with np.load(io.BytesIO(body), allow_pickle=False) as stored:
            for member in stored.files:
                key, _, part = member.rpartition("/")
                parts.setdefault(key or name, {})[part] = stored[member]
        return {
            key: (int(of["blocks"]), tuple(of[str(number)] for number in range(len(of) - 1)))
            for key, of in parts.items()
        }
    except Exception as error:
        raise ValueError(f"not a whole checkpoint: {error}") from error


def _digest(raw: bytes) -> bytes:
    return hashlib.blake2b(raw, digest_size=DIGEST).digest()


def regroup(location: Location, plan: StagePlan) -> None:
    """Have every checkpoint of a stage in the file of its cell, where the cells were others; damaged ones are dropped.

    Parameters
    ----------
    location : Location
    plan : StagePlan
        With the cells as they are from now on.
    """
    folder = f"{FOLDER}/{plan.stage.name}"
    names = [key.rpartition("/")[2] for key in location.list(f"{folder}/")]
    if not names:
        return

    @lru_cache(16)
    def read(name: str) -> dict[str, tuple[int, State]]:
        try:
            return unpack(location.get(f"{folder}/{name}") or b"", name)
        except ValueError:
            return {}

    file_of = {key: name for name in names for key in (read(name) if "." in name else (name,))}
    kept = set()
    for number in range(math.prod(plan.cell_grid)):
        region = plan.cell(number)
        keys = [plan.stage.key_at(point) for _, point in plan.points(region)]
        files = {file_of[key] for key in keys if key in file_of}
        if files:
            name = _name(plan, region)
            kept.add(name)
            if files != {name}:
                states = {key: read(file_of[key]).get(key) for key in keys if key in file_of}
                whole = {key: state for key, state in states.items() if state is not None}
                location.put(f"{folder}/{name}", pack(whole), at_once=False)
    location.flush()
    for name in set(names) - kept:
        location.delete(f"{folder}/{name}")


def _name(plan: StagePlan, region: Region) -> str:
    corners = (labels[:: max(len(labels) - 1, 1)] for labels in plan.labels(region).values())
    ends = list(itertools.product(*corners))
    first, last = (plan.stage.key_at(dict(zip(plan.stage.axes, end, strict=True))) for end in (ends[0], ends[-1]))
    return first if first == last else f"{first}.{last}"
