"""A kernel with a parameter of every type that a grid can give, and one that reads it; they raise at some points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sweep.kernels.contract import Arrays, Inputs, Kernel, Output, State, parameter


@dataclass(frozen=True)
class AnyParams:
    size: int = parameter("sites", default=2, ge=1, le=50)
    x: float = parameter("a number", default=0.0)
    word: str = parameter("a word", default="a")
    flag: bool = parameter("a flag", default=False)
    choice: str = parameter("one of two", default="left", choices=("left", "right"))
    numbers: tuple[float, ...] = parameter("several numbers", default=(1.0, 2.0))
    counts: tuple[int, ...] = parameter("several counts", default=(1,))
    words: tuple[str, ...] = parameter("several words", default=())
    rows: int = parameter("how long", default=4, ge=1, le=10_000, extent=True)

    def __post_init__(self) -> None:
        if self.x > 100 * self.size:
            raise ValueError("x is beyond the lattice")
        _ = 1.0 / (self.x - 2.5)


def _outputs(params: AnyParams) -> dict[str, Output]:
    _ = 1.0 / (params.x - params.size)
    return {
        "y": Output((), (), "float64", "", "a number"),
        "wave": Output(("site",), (params.size,), "float64", "", "a wave", {"site": np.arange(params.size)}),
        "series": Output(("row",), (params.rows,), "float64", "", "a series", block=2),
    }


def _advance(params: AnyParams, state: State, rng: np.random.Generator, inputs: Inputs) -> tuple[State, Arrays]:
    return (), {"y": np.array(params.x), "wave": np.full(params.size, params.x), "series": rng.random(2)}


def _stateless(params: object, rng: np.random.Generator, inputs: Inputs) -> State:
    return ()


ANY: Kernel[AnyParams] = Kernel(
    name="any",
    version=1,
    params=AnyParams,
    outputs=_outputs,
    init=_stateless,
    advance=_advance,
    cost=lambda params: 1e-5 / (1 + len(params.words[0]) if params.words else 1),
    blocks=lambda params: -(-params.rows // 2),
    example=AnyParams(),
)


@dataclass(frozen=True)
class SumParams:
    x: tuple[float, ...] = parameter("where it was read", default=(0.0,))


SUM: Kernel[SumParams] = Kernel(
    name="sum",
    version=1,
    params=SumParams,
    outputs=lambda params: {"sum": Output(("x_read",), (len(params.x),), "float64")},
    init=_stateless,
    advance=lambda params, state, rng, inputs: ((), {"sum": np.array(params.x)}),
    cost=lambda params: 1e-5,
    inputs={"data": ("y",)},
    labels={"x": ("data", "x")},
    example=SumParams(),
)
