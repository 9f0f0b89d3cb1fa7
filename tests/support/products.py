"""A kernel whose bits depend on the kind of processor: products of matrices, as BLAS adds them up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sweep.kernels.contract import Arrays, Inputs, Kernel, Output, State, parameter


@dataclass(frozen=True)
class ProductParams:
    x: float = parameter("means nothing", default=0.0)
    steps: int = parameter("products", default=2, ge=1, extent=True)


def _multiply(params: ProductParams, state: State, rng: np.random.Generator, inputs: Inputs) -> tuple[State, Arrays]:
    matrix = rng.standard_normal((200, 200), np.float32)
    product = matrix @ state[0]
    return (product / np.abs(product).max(),), {"corner": product[:2, :2], "trace": np.array([product.trace()])}


PRODUCTS = Kernel(
    name="products",
    version=1,
    params=ProductParams,
    outputs=lambda params: {
        "corner": Output(("row", "column"), (2, 2), "float32"),
        "trace": Output(("step",), (params.steps,), "float32", block=1),
    },
    init=lambda params, rng, inputs: (rng.standard_normal((200, 200), np.float32),),
    advance=_multiply,
    cost=lambda params: 1e-3,
    blocks=lambda params: params.steps,
)
