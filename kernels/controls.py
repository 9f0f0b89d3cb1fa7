"""Control data without lattice structure, made from configurations that have it.

If a flow "goes to T_c" on these as well, the temperature that a thermometer reads says nothing about the lattice (see
Veiga and Vicente, arXiv:2006.10176).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sweep.kernels.contract import Array, Arrays, Inputs, Kernel, Output, State, parameter


@dataclass(frozen=True)
class ControlParams:
    """Parameters of the control data."""

    size: int = parameter("sites per side of the square lattice", ge=2)
    temperature: float = parameter("temperature of the data that the control is made from", units="J/k_B", ge=0)
    configurations: int = parameter("configurations, the first ones of the data", ge=1)


@dataclass(frozen=True)
class PermutedParams(ControlParams):
    """Parameters of site-permuted data."""

    permutation: int = parameter("number of the permutation: the same one at every temperature", default=1, ge=0)


def outputs(params: ControlParams) -> dict[str, Output]:
    """Return the outputs: configurations."""
    shape = (params.configurations, params.size, params.size)
    return {"spins": Output(("configuration", "y", "x"), shape, "int8", "", "control configurations, +-1")}


def init(params: ControlParams, rng: np.random.Generator, inputs: Inputs) -> State:
    """Return nothing: the control has no state."""
    return ()


def advance_independent(
    params: ControlParams, state: State, rng: np.random.Generator, inputs: Inputs
) -> tuple[State, Arrays]:
    """Return every configuration with its spins shuffled over the sites, each by its own permutation.

    That keeps the magnetisation of each configuration, so the distribution of m and all its moments, and makes
    everything else independent: <s_i s_j> = (N <m^2> - 1) / (N - 1) for all pairs of sites.
    """
    spins = _configurations(params, inputs)
    return state, {"spins": _as_lattice(params, rng.permuted(spins, axis=1))}


def advance_permuted(
    params: PermutedParams, state: State, rng: np.random.Generator, inputs: Inputs
) -> tuple[State, Arrays]:
    """Return the configurations with their sites renamed, all by one permutation.

    That keeps every correlation and destroys only the knowledge of who is whose neighbour. The permutation is a
    parameter, not chance: it must be one and the same at all temperatures for the data to be one ensemble.
    """
    order = np.random.default_rng(params.permutation).permutation(params.size**2)
    return state, {"spins": _as_lattice(params, _configurations(params, inputs)[:, order])}


def _configurations(params: ControlParams, inputs: Inputs) -> Array:
    spins = inputs["data"]["spins"]
    if spins.shape[-2:] != (params.size, params.size) or spins.shape[-3] * params.size**2 != spins.size:
        raise ValueError(
            f"data: found spins of shape {spins.shape}; wanted configurations of {params.size}x{params.size} spins: "
            "give this stage the axes of the data"
        )
    if spins.shape[-3] < params.configurations:
        raise ValueError(f"configurations: found {params.configurations}; the data have {spins.shape[-3]}")
    return spins.reshape(-1, params.size**2)[: params.configurations]


def _as_lattice(params: ControlParams, spins: Array) -> Array:
    return np.ascontiguousarray(spins.reshape(-1, params.size, params.size), np.int8)


def cost(params: ControlParams) -> float:
    """Return the seconds of all the work."""
    return 1e-8 * params.configurations * params.size**2


def example_inputs(params: ControlParams, rng: np.random.Generator) -> Inputs:
    """Return independent spins."""
    shape = (params.configurations, params.size, params.size)
    return {"data": {"spins": rng.choice([-1, 1], shape, p=[0.3, 0.7]).astype(np.int8)}}


INDEPENDENT_SPINS = Kernel(
    name="independent_spins",
    version=1,
    params=ControlParams,
    outputs=outputs,
    init=init,
    advance=advance_independent,
    cost=cost,
    inputs={"data": ("spins",)},
    example=ControlParams(size=4, temperature=2.0, configurations=10),
    example_inputs=example_inputs,
    description="control data: the spins of each configuration shuffled over the sites",
)

PERMUTED_SPINS = Kernel(
    name="permuted_spins",
    version=1,
    params=PermutedParams,
    outputs=outputs,
    init=init,
    advance=advance_permuted,
    cost=cost,
    inputs={"data": ("spins",)},
    example=PermutedParams(size=4, temperature=2.0, configurations=10),
    example_inputs=example_inputs,
    description="control data: one permutation of the sites for all configurations",
)
