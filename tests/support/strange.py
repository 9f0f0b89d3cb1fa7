"""A kernel that declares what a stranger may: words, flags, nothing, mappings, times, names beyond ASCII."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from sweep.kernels.contract import Arrays, Inputs, Kernel, Output, State, parameter


@dataclass(frozen=True)
class StrangeParams:
    kind: str = parameter("shape of the result", choices=("narrow", "very wide, or “breit”"))
    β: float = parameter("inverse temperature", units="1/J")  # noqa: PLC2401 - a name that a stranger may give
    count: int = parameter("rows", default=5, ge=1, extent=True)
    wanted: bool = parameter("a flag", default=True)
    cutoff: float | None = None
    steps: tuple[float, ...] = (0.1, 1e300)
    options: Mapping[str, float | None] = field(default_factory=lambda: {"a": None, "b": float("inf")})

    @property
    def width(self) -> int:
        return 2 if self.kind == "narrow" else 3


def _outputs(params: StrangeParams) -> dict[str, Output]:
    names = np.array(["left", "middle", "right"][: params.width])
    return {
        "profile": Output(("row", "place"), (params.count, params.width), "float32", "K", "profile", {"place": names}),
        "energy": Output(
            ("row",), (params.count,), "float64", "J", "energy of a row", {"row": np.arange(params.count)}
        ),
        "heat": Output(("row",), (params.count,), "float64", "J", "heat, in joules", reduced=False),
        "length": Output((), (), "float64", "sigma", "bond length", reduced=True),
        "seconds": Output((), (), "float64", "seconds", "time that a step takes"),
        "best": Output((), (), "int64", "", "the best row"),
        "sure": Output((), (), "bool", "", "is it sure"),
    }


def _advance(params: StrangeParams, state: State, rng: np.random.Generator, inputs: Inputs) -> tuple[State, Arrays]:
    return (), {
        "profile": rng.random((params.count, params.width), np.float32),
        "energy": rng.random(params.count) / 3,
        "heat": rng.random(params.count),
        "length": np.array(rng.random()),
        "seconds": np.array(0.1),
        "best": np.array(2**53 + 1),
        "sure": np.array(True),
    }


STRANGE = Kernel(
    name="strange",
    version=1,
    params=StrangeParams,
    outputs=_outputs,
    init=lambda params, rng, inputs: (),
    advance=_advance,
    cost=lambda params: 1e-5,
    example=StrangeParams("narrow", 1.0),
)


@dataclass(frozen=True)
class ReaderParams:
    rows: int = parameter("rows", default=1, ge=1)


def _read(params: ReaderParams, state: State, rng: np.random.Generator, inputs: Inputs) -> tuple[State, Arrays]:
    return (), {"mean": np.array(inputs["data"]["energy"].mean())}


READER = Kernel(
    name="reader",
    version=1,
    params=ReaderParams,
    outputs=lambda params: {"mean": Output((), (), "float64", "J", "mean energy")},
    init=lambda params, rng, inputs: (),
    advance=_read,
    cost=lambda params: 1e-5,
    inputs={"data": ("energy",)},
)

DOCUMENT = {
    "name": "strange",
    "seed": 2**80,
    "stages": {
        "strange": {
            "kernel": "strange:STRANGE",
            "axes": {"kind": ["narrow", "very wide, or “breit”"], "β": [0.1, 0.30000000000000004]},
        },
        "reader": {"kernel": "strange:READER", "axes": {"β": [0.1]}, "inputs": {"data": "strange"}},
    },
}
