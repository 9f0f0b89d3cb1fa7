"""A kernel some of whose points end badly, each in the way that it is told."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from asyncio import CancelledError
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sweep.kernels.contract import Array, Arrays, Inputs, Kernel, Output, State, parameter

WELL = "WILFUL_WELL"  # in the environment: all points end well


@dataclass(frozen=True)
class Params:
    x: float = parameter("the point")
    ends: str = parameter("how the points from `first` on end", default="raise")
    first: int = parameter("the first that ends badly", default=3)
    last: int = parameter("the last that does", default=3)
    seconds: float = parameter("what a block is said to take", default=1e-5, units="s")


class Mute(Exception):  # noqa: N818 - what it says is the point
    """One whose message cannot be had."""

    def __str__(self) -> str:
        raise ValueError


def _advance(params: Params, state: State, rng: np.random.Generator, inputs: Inputs) -> tuple[State, Arrays]:
    if params.first <= params.x <= params.last and WELL not in os.environ:
        match params.ends:
            case "raise":
                raise ArithmeticError(f"{params.x:g} does not converge")
            case "say":
                print(f"x = {params.x:g} is about to raise")
                raise ArithmeticError
            case "exit" | "leave" | "ask":
                {"exit": sys.exit, "leave": os._exit, "ask": breakpoint}[params.ends](0)
            case "interrupt" | "cancel" | "mute":
                raise {"interrupt": KeyboardInterrupt, "cancel": CancelledError, "mute": Mute}[params.ends]
            case "kill":
                print(f"x = {params.x:g} is about to die")
                signal.raise_signal(signal.SIGKILL if params.x == params.first else signal.SIGSEGV)
            case "eat":
                eaten = []
                for _ in range(56):
                    eaten.append(np.ones(2**24))  # 128 MiB
                    time.sleep(0.05)
            case "hang":
                ctypes.PyDLL(None).pause()  # which keeps Python's lock, as compiled loops do
    return _returned(params, np.asarray(params.x + rng.random()))


def _returned(params: Params, y: Array) -> tuple[State, Arrays]:
    """Return a step that is none where a point is to end so."""
    odd: dict[str, Any] = {"stateless": (None, {"y": y}), "nothing": None}
    chosen = params.first <= params.x <= params.last and params.ends in odd
    return odd[params.ends] if chosen else ((), {"y": y})  # type: ignore[no-any-return]


def _outputs(params: Params) -> dict[str, Output]:
    return {"y": Output((), (), "float64", "", "the point and a random number")}


WILFUL = Kernel(
    name="wilful",
    version=1,
    params=Params,
    outputs=_outputs,
    init=lambda params, rng, inputs: (),
    advance=_advance,
    cost=lambda params: params.seconds,
    blocks=lambda params: 1,
    example=Params(1.0),
)
READER = replace(
    WILFUL,
    name="reader",
    inputs={"data": ("y",)},
    example_inputs=lambda params, rng: {"data": {"y": rng.random(())}},
)
