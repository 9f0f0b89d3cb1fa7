"""The kernel ``layer_correlation``: what a layer knows of another one, site by site (paper, eqs 60 and 61)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sweep.kernels.coarse_graining.bins import BINS, Averages, averages
from sweep.kernels.coarse_graining.ensemble import ensemble
from sweep.kernels.coarse_graining.pairs import open_pairs
from sweep.kernels.coarse_graining.panels import (
    correlation_by_distance,
    distance_output,
    outputs_of_panels,
    panels_output,
    results_of_panels,
)
from sweep.kernels.contract import Array, Arrays, Inputs, Kernel, Output, State, parameter


@dataclass(frozen=True)
class LayerCorrelationParams:
    """Two layers with the same configurations: neighbours, or any two of a stack.

    Raises
    ------
    ValueError
        When the layers have different numbers of configurations, or fewer than bins.
    """

    data_shape: tuple[int, ...] = parameter("configurations, rows and columns of the data, from the data")
    layer_shape: tuple[int, ...] = parameter("configurations, rows and columns of the layer, from the layer")

    def __post_init__(self) -> None:
        count, known = self.data_shape[0], self.layer_shape[0]
        if known != count:
            raise ValueError(f"layer: found {known} configurations; wanted {count}, those of the data")
        if count < BINS:
            raise ValueError(f"data: found {count} configurations; wanted {BINS} or more, one for each bin")

    @property
    def lattice(self) -> tuple[int, int]:
        """Return rows and columns of the visible lattice."""
        return self.data_shape[1], self.data_shape[2]

    @property
    def hidden(self) -> int:
        """Return the number of hidden units."""
        return self.layer_shape[1] * self.layer_shape[2]


def outputs(params: LayerCorrelationParams) -> dict[str, Output]:
    """Return the outputs: a panel for every hidden unit, and what the panels say by distance."""
    lattice, hidden = params.lattice, params.hidden

    def by_unit(description: str) -> Output:
        return Output(("hidden_unit",), (hidden,), "float64", "", description)

    halves = distance_output(lattice, "panel correlation from products of two halves of the configurations")
    one = distance_output(lattice, "panel correlation, one bin of configurations left out (jackknife)")
    return {
        **outputs_of_panels(lattice, hidden),
        "correlation_error": panels_output(lattice, hidden, "standard error of <v h>"),
        "correlation_without_m": panels_output(lattice, hidden, "<v h> - <v m><m h>/<m^2>, m the magnetization of v"),
        "magnetization_correlation": by_unit("<m h>"),
        "hidden_mean": by_unit("<h>"),
        "m2": Output((), (), "float64", "", "<m^2> of the visible layer"),
        "panel_correlation_unbiased": halves,
        "panel_correlation_without": Output(
            ("bin", *one.dims), (BINS, *one.shape), one.dtype, "", one.description, one.coords
        ),
    }


def init(params: LayerCorrelationParams, rng: np.random.Generator, inputs: Inputs) -> State:
    """Return nothing: there is no state."""
    return ()


def advance(
    params: LayerCorrelationParams, state: State, rng: np.random.Generator, inputs: Inputs
) -> tuple[State, Arrays]:
    """Return everything at once: bins are tenths of all configurations."""
    return (), _results(params, averages(*_layers(params, inputs)))


def _layers(params: LayerCorrelationParams, inputs: Inputs) -> list[Array]:
    shapes = {"data": params.data_shape, "layer": params.layer_shape}
    return [ensemble(inputs, name, shape).reshape(shape[0], -1) for name, shape in shapes.items()]


def _results(params: LayerCorrelationParams, found: Averages) -> dict[str, Array]:
    shape, mean = (params.hidden, *params.lattice), found.mean()
    m2, of_hidden = found.magnetization.mean(), mean.mean(axis=1, dtype=np.float64)
    per_m = found.magnetization / m2 if m2 else found.magnetization  # without any m nothing goes through it
    panels, pairs = found.products.reshape(BINS, *shape), open_pairs(*params.lattice)
    return {
        **results_of_panels(mean.reshape(shape)),
        "correlation_error": found.error().reshape(shape),
        "correlation_without_m": (mean - np.outer(of_hidden, per_m).astype(np.float32)).reshape(shape),
        "magnetization_correlation": of_hidden,
        "hidden_mean": found.hidden,
        "m2": np.array(m2),
        "panel_correlation_unbiased": correlation_by_distance(panels, pairs, *found.halves())[0],
        "panel_correlation_without": correlation_by_distance(panels, pairs, found.leaving_one_out()),
    }


def cost(params: LayerCorrelationParams) -> float:
    """Return the seconds of all the work."""
    count, rows, columns = params.data_shape
    pairs, sites = params.hidden * rows * columns, params.hidden + rows * columns
    return 3e-3 + count * (4e-11 * pairs + 2e-9 * sites) + 1e-6 * pairs


def example_inputs(params: LayerCorrelationParams, rng: np.random.Generator) -> Inputs:
    """Return independent spins, and a layer that copies some of them."""
    data = rng.choice([-1, 1], params.data_shape, p=[0.3, 0.7]).astype(np.int8)
    _, rows, columns = params.layer_shape
    return {"data": {"spins": data}, "layer": {"spins": data[:, :rows, :columns].copy()}}


LAYER_CORRELATION = Kernel(
    name="layer_correlation",
    version=1,
    params=LayerCorrelationParams,
    outputs=outputs,
    init=init,
    advance=advance,
    cost=cost,
    inputs={"data": ("spins",), "layer": ("spins",)},
    shapes={"data_shape": ("data", "spins"), "layer_shape": ("layer", "spins")},
    example=LayerCorrelationParams(data_shape=(300, 6, 6), layer_shape=(300, 3, 3)),
    example_inputs=example_inputs,
    description="correlation of every hidden unit with every site of another layer, and of such panels by distance",
)
