"""Kernels with a parameter of every kind, whose results say what they were given, to the bit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sweep.kernels.contract import Arrays, Inputs, Kernel, Output, State, parameter


@dataclass(frozen=True)
class KindsParams:
    x: float = parameter("a number", default=0.0)
    scale: float = parameter("a default of more digits than a label counts", default=2 / 3)
    n: int = parameter("a whole number", default=1, ge=-(2**63))
    word: str = parameter("a word", default="a")
    flag: bool = parameter("on or off", default=False)
    rows: int = parameter("numbers drawn", default=2, ge=1, extent=True)


def _outputs(params: KindsParams) -> dict[str, Output]:
    return {
        "given": Output((), (), "float64", "", "x as the kernel has it"),
        "scale_given": Output((), (), "float64", "", "scale as the kernel has it"),
        "sum": Output((), (), "float64", "", "n and the flag"),
        "noise": Output(("row",), (params.rows,), "float64", "", "random numbers", block=1),
        "width": Output(("column",), (3 if params.flag else 2,), "int64", "", "its shape depends on the flag"),
    }


def _advance(params: KindsParams, state: State, rng: np.random.Generator, inputs: Inputs) -> tuple[State, Arrays]:
    return (), {
        "given": np.array(params.x),
        "scale_given": np.array(params.scale),
        "sum": np.array(float(params.n) + params.flag),
        "noise": rng.random(1),
        "width": np.arange(3 if params.flag else 2),
    }


KINDS = Kernel(
    name="kinds",
    version=1,
    params=KindsParams,
    outputs=_outputs,
    init=lambda params, rng, inputs: (),
    advance=_advance,
    cost=lambda params: 1e-5,
    blocks=lambda params: params.rows,
    example=KindsParams(),
)


@dataclass(frozen=True)
class ReadsParams:
    times: float = parameter("a factor", default=1.0)


def _reads(params: ReadsParams, state: State, rng: np.random.Generator, inputs: Inputs) -> tuple[State, Arrays]:
    data = inputs["data"]
    labels = np.asarray(data.get("x", np.zeros(0)))
    return (), {
        "mean": np.array(params.times * np.mean(data["given"])),
        "last_label": np.array(labels[-1] if labels.size else np.nan),
    }


READS = Kernel(
    name="reads",
    version=1,
    params=ReadsParams,
    outputs=lambda params: {"mean": Output((), (), "float64"), "last_label": Output((), (), "float64")},
    init=lambda params, rng, inputs: (),
    advance=_reads,
    cost=lambda params: 1e-5,
    blocks=lambda params: 1,
    inputs={"data": ("given",)},
    example=ReadsParams(),
    example_inputs=lambda params, rng: {"data": {"given": rng.random(3), "x": np.arange(3.0)}},
)
