"""Small kernels whose results are known, for the tests of the framework."""

from __future__ import annotations

import os
import signal
import time
import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from sweep.kernels.contract import Arrays, Inputs, Kernel, Output, State, parameter


@dataclass(frozen=True)
class ThrowParams:
    size: int = parameter("sides of a die", ge=2, le=100)
    temperature: float = parameter("shifts the mean", default=1.0, units="J/k_B", ge=0.0)
    throws: int = parameter("throws in all", default=10, ge=1, extent=True)


def _throw_outputs(params: ThrowParams) -> dict[str, Output]:
    return {
        "energy": Output(("replica",), (params.throws,), "float64", "J", "a throw plus the temperature", block=4),
        "faces": Output(
            ("side",), (params.size,), "int64", "", "numbers of the sides", {"side": np.arange(params.size)}
        ),
    }


def _throw(params: ThrowParams, state: State, rng: np.random.Generator, inputs: Inputs) -> tuple[State, Arrays]:
    return (), {
        "energy": rng.integers(params.size, size=4) + params.temperature,
        "faces": np.arange(params.size),
    }


def _stateless(params: object, rng: np.random.Generator, inputs: Inputs) -> State:
    return ()


THROW = Kernel(
    name="throw",
    version=1,
    params=ThrowParams,
    outputs=_throw_outputs,
    init=_stateless,
    advance=_throw,
    cost=lambda params: 1e-5,
    blocks=lambda params: -(-params.throws // 4),
    example=ThrowParams(6, 1.0, 10),
)


@dataclass(frozen=True)
class WalkParams:
    size: int = parameter("dimensions of the walk", ge=1)
    steps: int = parameter("steps", default=6, ge=1, extent=True)
    seconds: float = parameter("what a step is said to take", default=1e-5, units="s")


def _walk_outputs(params: WalkParams) -> dict[str, Output]:
    steps = np.arange(1, params.steps + 1)
    return {
        "position": Output(("dimension",), (params.size,), "float64", "", "where the walk ends"),
        "distance": Output(
            ("step",), (params.steps,), "float64", "", "distance from the start", {"step": steps}, block=1
        ),
        "mean": Output((), (), "float64", "", "mean of what was read"),
    }


def _walk(params: WalkParams, state: State, rng: np.random.Generator, inputs: Inputs) -> tuple[State, Arrays]:
    position = state[0] + rng.standard_normal(params.size)
    mean = np.mean([np.mean(arrays["energy"]) for arrays in inputs.values()]) if inputs else np.nan
    return (position,), {"position": position, "distance": np.array([np.linalg.norm(position)]), "mean": np.array(mean)}


WALK = Kernel(
    name="walk",
    version=1,
    params=WalkParams,
    outputs=_walk_outputs,
    init=lambda params, rng, inputs: (rng.standard_normal(params.size),),
    advance=_walk,
    cost=lambda params: params.seconds,
    blocks=lambda params: params.steps,
    inputs={"data": ("energy",)},
    example=WalkParams(3),
    example_inputs=lambda params, rng: {"data": {"energy": rng.standard_normal((2, 10))}},
)


def _break(params: WalkParams, state: State, rng: np.random.Generator, inputs: Inputs) -> tuple[State, Arrays]:
    raise FloatingPointError("the walk left the lattice")


BROKEN = replace(WALK, name="broken", advance=_break)


def _doze(params: WalkParams, state: State, rng: np.random.Generator, inputs: Inputs) -> tuple[State, Arrays]:
    time.sleep(0.02)
    return _walk(params, state, rng, inputs)


SLOW = replace(WALK, name="slow", advance=_doze)


@dataclass(frozen=True)
class DozeParams:
    size: int = parameter("a number", ge=1)
    steps: int = parameter("blocks", default=4, ge=1, extent=True)
    doze: float = parameter("what a block sleeps", default=0.0, units="s", ge=0.0)


def _sleep(params: DozeParams, state: State, rng: np.random.Generator, inputs: Inputs) -> tuple[State, Arrays]:
    time.sleep(params.doze)
    if marker := os.environ.get("TOY_MARKER"):
        (Path(marker) / f"{params.size}.{int(state[0])}").touch()
    return (state[0] + 1,), {"throws": rng.random(1)}


DOZE = Kernel(
    name="doze",
    version=1,
    params=DozeParams,
    outputs=lambda params: {"throws": Output(("throw",), (params.steps,), "float64", "", "random numbers", block=1)},
    init=lambda params, rng, inputs: (np.array(0),),
    advance=_sleep,
    cost=lambda params: max(params.doze, 1e-5),
    blocks=lambda params: params.steps,
    example=DozeParams(1),
)

SLEEPER = replace(DOZE, cost=lambda params: 1e-5)
BOASTFUL = replace(DOZE, cost=lambda params: 1.0)


def _sleep_once(params: DozeParams, state: State, rng: np.random.Generator, inputs: Inputs) -> tuple[State, Arrays]:
    return _sleep(params if params.size == 1 else replace(params, doze=0.0), state, rng, inputs)


SLOW_AT_FIRST = replace(SLEEPER, advance=_sleep_once)


@dataclass(frozen=True)
class LateParams(DozeParams):
    folder: str = parameter("where the first process that comes to a size of 1 leaves its number", default=".")


def _be_late(params: LateParams, state: State, rng: np.random.Generator, inputs: Inputs) -> tuple[State, Arrays]:
    """Take a minute for each block of size 1 in the process that comes to it first, and no time in any other."""
    marker = Path(params.folder, "late")
    if params.size == 1 and not marker.exists():
        marker.write_text(str(os.getpid()))
    if params.size == 1 and marker.read_text() == str(os.getpid()):
        time.sleep(60.0)
    return (state[0] + 1,), {"throws": rng.random(1)}


LATE = replace(DOZE, params=LateParams, advance=_be_late, cost=lambda params: 10.0, example=LateParams(2))


def _shout(params: DozeParams, state: State, rng: np.random.Generator, inputs: Inputs) -> tuple[State, Arrays]:
    print("a block of", params.size, "costs 1 \N{EURO SIGN}", flush=True)
    warnings.warn("loud", stacklevel=1)
    return _sleep(params, state, rng, inputs)


LOUD = replace(DOZE, advance=_shout)


def _die_once(params: WalkParams, state: State, rng: np.random.Generator, inputs: Inputs) -> tuple[State, Arrays]:
    marker = Path(os.environ["TOY_MARKER"])
    if not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return _walk(params, state, rng, inputs)


DIES_ONCE = replace(WALK, name="walk", advance=_die_once)


def _see_gpu(params: WalkParams, state: State, rng: np.random.Generator, inputs: Inputs) -> tuple[State, Arrays]:
    state, results = _walk(params, state, rng, inputs)
    return state, results | {"mean": np.array(float(os.environ["CUDA_VISIBLE_DEVICES"]))}


NEEDS_MORE = replace(WALK, requires=lambda params: ("no_such_package",))
NEEDS_PYTEST = replace(WALK, requires=lambda params: ("pytest",))
SEES_GPU = replace(  # its mean is the number of the only GPU that it sees
    WALK, name="walk", advance=_see_gpu, gpus=lambda params: 1.0
)
NEEDS_GPUS_IN_PARTS = replace(WALK, gpus=lambda params: 1.5)


def _look_at_shared(params: WalkParams, state: State, rng: np.random.Generator, inputs: Inputs) -> tuple[State, Arrays]:
    memory: object = inputs["data"]["energy"]
    while isinstance(memory, np.ndarray):
        memory = memory.base
    if memory is None:
        raise ValueError("these data lie in memory that numpy took for them, the actor's own")
    return _walk(params, state, rng, inputs)


LOOKS_AT_SHARED = replace(WALK, name="walk", advance=_look_at_shared)


def _write_input(params: WalkParams, state: State, rng: np.random.Generator, inputs: Inputs) -> tuple[State, Arrays]:
    inputs["data"]["energy"][...] = 0.0
    return _walk(params, state, rng, inputs)


WRITES_ITS_INPUT = replace(WALK, name="walk", advance=_write_input)


@dataclass(frozen=True)
class ReversedParams:
    temperature: float = parameter("means nothing here", default=1.0, units="J/k_B")
    sides: tuple[int, ...] = parameter("how many faces there are, from the data", default=())


REVERSED = Kernel(
    name="reversed",
    version=1,
    params=ReversedParams,
    outputs=lambda params: {"faces": Output(("side",), params.sides, "int64", "", "the faces, last first")},
    init=_stateless,
    advance=lambda params, state, rng, inputs: ((), {"faces": inputs["data"]["faces"].ravel()[::-1].copy()}),
    cost=lambda params: 1e-5,
    inputs={"data": ("faces",)},
    shapes={"sides": ("data", "faces")},
)
