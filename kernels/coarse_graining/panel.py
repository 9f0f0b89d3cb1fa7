"""The kernel ``panel``: patterns that are no data, correlated as panels are (paper, figures 12 and 13)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sweep.kernels.coarse_graining.panels import outputs_of_panels, results_of_panels
from sweep.kernels.contract import Arrays, Inputs, Kernel, Output, State, parameter


@dataclass(frozen=True)
class PanelParams:
    """One panel: independent normal numbers of mean 0 and variance 1, or squares of +1 and -1.

    The paper does not say how its noise is distributed.
    """

    size: int = parameter("sites per side of the panel", ge=3)
    pattern: str = parameter("what is on the panel", choices=("white_noise", "checkerboard"))
    sub_block: int = parameter("sites per side of a square of the checkerboard", default=4, ge=1)

    @property
    def lattice(self) -> tuple[int, int]:
        """Return rows and columns."""
        return self.size, self.size


def outputs(params: PanelParams) -> dict[str, Output]:
    """Return the outputs of a single panel, as of a layer of one hidden unit."""
    return outputs_of_panels(params.lattice, 1)


def init(params: PanelParams, rng: np.random.Generator, inputs: Inputs) -> State:
    """Return nothing: there is no state."""
    return ()


def advance(params: PanelParams, state: State, rng: np.random.Generator, inputs: Inputs) -> tuple[State, Arrays]:
    """Return the panel and its correlation."""
    if params.pattern == "white_noise":
        panel = rng.standard_normal(params.lattice, np.float32)
    else:
        square = np.arange(params.size) // params.sub_block % 2
        panel = np.where(square[:, None] == square, np.float32(1), np.float32(-1))
    return (), results_of_panels(panel[None])


PANEL = Kernel(
    name="panel",
    version=1,
    params=PanelParams,
    outputs=outputs,
    init=init,
    advance=advance,
    cost=lambda params: 1e-3 + 1e-6 * params.size**2,
    example=PanelParams(size=8, pattern="white_noise"),
    description="a panel of white noise or of a checkerboard, and its correlation by distance",
)
