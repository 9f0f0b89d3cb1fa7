"""Toy kernels with outputs of every kind, and points that can be made to fail: for old stores and the state machine."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sweep.kernels.contract import Arrays, Inputs, Kernel, Output, State, parameter

FAILING: set[float] = set()  # labels x at which `MARKS` raises
BEFORE_BLOCK: list[Callable[[], None]] = []  # called before every block, to interrupt a launch there


@dataclass(frozen=True)
class MarksParams:
    x: float = parameter("shifts the walk", default=0.0)
    size: int = parameter("cells", default=2, ge=1, le=20)
    word: str = parameter("changes the walk", default="left", choices=("left", "right", "up", "down"))
    rows: int = parameter("rows of the trail", default=3, ge=1, extent=True)


def _marks_outputs(params: MarksParams) -> dict[str, Output]:
    cells = np.arange(params.size)
    return {
        "trail": Output(("row",), (params.rows,), "float64", "", "x plus a walk", block=2),
        "steps": Output(("row",), (params.rows,), "int16", "", "steps so far", block=2),
        "even": Output((), (), "bool", "", "the last block's draw is even"),
        "cells": Output(("cell",), (params.size,), "uint8", "", "a random byte a cell", {"cell": cells}),
        "phase": Output((), (), "complex128", "", "the walk as an angle"),
    }


def _marks(params: MarksParams, state: State, rng: np.random.Generator, inputs: Inputs) -> tuple[State, Arrays]:
    for call in BEFORE_BLOCK:
        call()
    if params.x in FAILING:
        raise FloatingPointError(f"no mark can be made at {params.x}")
    walk = state[0] + np.cumsum(rng.standard_normal(2)) * len(params.word)
    draw = int(rng.integers(100))
    return (walk[-1],), {
        "trail": params.x + walk,
        "steps": np.array([draw, draw + 1], np.int16),
        "even": np.array(draw % 2 == 0),
        "cells": rng.integers(256, size=params.size, dtype=np.uint8),
        "phase": np.array(np.exp(1j * walk[-1])),
    }


MARKS = Kernel(
    name="marks",
    version=1,
    params=MarksParams,
    outputs=_marks_outputs,
    init=lambda params, rng, inputs: (rng.standard_normal(()),),
    advance=_marks,
    cost=lambda params: 0.05,
    blocks=lambda params: -(-params.rows // 2),
    example=MarksParams(),
)


@dataclass(frozen=True)
class SumsParams:
    x: float = parameter("where to read", default=0.0)


def _sum(params: SumsParams, state: State, rng: np.random.Generator, inputs: Inputs) -> tuple[State, Arrays]:
    return (), {"total": np.array(math.fsum(inputs["data"]["trail"].ravel()) + rng.random())}


SUMS = Kernel(
    name="sums",
    version=1,
    params=SumsParams,
    outputs=lambda params: {"total": Output((), (), "float64", "", "sum of the trails, and a random number")},
    init=lambda params, rng, inputs: (),
    advance=_sum,
    cost=lambda params: 0.05,
    blocks=lambda params: 1,
    inputs={"data": ("trail",)},
    example=SumsParams(),
    example_inputs=lambda params, rng: {"data": {"trail": rng.standard_normal((2, 3))}},
)
