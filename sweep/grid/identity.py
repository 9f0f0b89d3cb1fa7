"""Randomness from *what* is computed: the key of a point, and the generator of each of its blocks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

INIT = 0


def point_key(stage: str, kernel: str, params: Mapping[str, Any], labels: Mapping[str, Any]) -> str:
    """Return 32 hexadecimal digits that name one point of a stage.

    Parameters
    ----------
    stage, kernel : str
        Names; two stages of the same kernel have independent randomness.
    params : mapping
        The parameters that say what is computed, not how long.
    labels : mapping
        The point's label on every axis of the stage.
    """
    what = {"stage": stage, "kernel": kernel, "params": dict(params), "labels": dict(labels)}
    text = json.dumps(what, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def stream(seed: int, key: str, block: int | None) -> np.random.Generator:
    """Return the generator of one block of a point; `None` stands for the point's initial state.

    PCG64DXSM, seeded through a SeedSequence with the grid's seed as entropy and (key, block) as spawn key.
    """
    words = [int(key[i : i + 8], 16) for i in range(0, len(key), 8)]
    number = INIT if block is None else block + 1
    return np.random.Generator(np.random.PCG64DXSM(np.random.SeedSequence(seed, spawn_key=(*words, number))))
