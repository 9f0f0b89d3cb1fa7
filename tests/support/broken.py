"""Kernels that are broken on purpose: the laws of the contract must catch every one of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sweep.kernels.contract import Arrays, Inputs, Kernel, Output, State, parameter
from sweep.kernels.ising import ISING, IsingParams


def _too_cold(params: IsingParams) -> IsingParams:
    """Return parameters with a coupling K = J/T that is 5 % too strong."""
    return replace(params, temperature=params.temperature / 1.05)


def _wrong_update(params: IsingParams, state: State, rng: np.random.Generator) -> State:
    assert ISING.stationarity is not None
    return ISING.stationarity.update(_too_cold(params), state, rng)


def _wrong_advance(params: IsingParams, state: State, rng: np.random.Generator, inputs: Inputs) -> tuple[State, Arrays]:
    return ISING.advance(_too_cold(params), state, rng, inputs)


assert ISING.stationarity is not None
WRONG_COUPLING = replace(
    ISING,
    name="wrong_coupling",
    advance=_wrong_advance,
    stationarity=replace(ISING.stationarity, update=_wrong_update),
)

_HIDDEN = np.random.default_rng(1)


def _hidden_advance(
    params: IsingParams, state: State, rng: np.random.Generator, inputs: Inputs
) -> tuple[State, Arrays]:
    return ISING.advance(params, state, _HIDDEN, inputs)


HIDDEN_GENERATOR = replace(ISING, name="hidden_generator", advance=_hidden_advance)


@dataclass(frozen=True)
class ChainParams:
    """A two-state chain per site that flips with a fixed probability."""

    size: int = parameter("sites", default=6, ge=1)
    blocks: int = parameter("blocks", default=3, ge=1, extent=True)


def _chain_outputs(params: ChainParams) -> dict[str, Output]:
    return {"mean": Output(("block",), (params.blocks,), "float64", "", "mean of the sites", block=1)}


def _chain_init(params: ChainParams, rng: np.random.Generator, inputs: Inputs) -> State:
    return (rng.choice([-1, 1], params.size),)


def _mean(sites: np.ndarray) -> Arrays:
    return {"mean": np.array([sites.mean()])}


def _flip(params: ChainParams, state: State, rng: np.random.Generator, inputs: Inputs) -> tuple[State, Arrays]:
    sites = np.where(rng.random(params.size) < 0.3, -state[0], state[0])
    return (sites,), _mean(sites)


def _flip_in_place(params: ChainParams, state: State, rng: np.random.Generator, inputs: Inputs) -> tuple[State, Arrays]:
    state[0][rng.random(params.size) < 0.3] *= -1
    return (state[0].copy(),), _mean(state[0])


_MEMORY: list[np.ndarray] = []


def _flip_from_memory(
    params: ChainParams, state: State, rng: np.random.Generator, inputs: Inputs
) -> tuple[State, Arrays]:
    """Go on from the last call's sites instead of from the state: wrong as soon as a run is resumed."""
    (sites,), results = _flip(params, (_MEMORY.pop(),) if _MEMORY else state, rng, inputs)
    _MEMORY.append(sites)
    return (sites,), results


def _flip_with_wrong_shape(
    params: ChainParams, state: State, rng: np.random.Generator, inputs: Inputs
) -> tuple[State, Arrays]:
    new, results = _flip(params, state, rng, inputs)
    return new, {"mean": np.repeat(results["mean"], 2)}


GOOD_CHAIN = Kernel(
    name="chain",
    version=1,
    params=ChainParams,
    outputs=_chain_outputs,
    init=_chain_init,
    advance=_flip,
    cost=lambda params: 1e-5,
    blocks=lambda params: params.blocks,
    example=ChainParams(),
)
MUTATED_STATE = replace(GOOD_CHAIN, name="mutated_state", advance=_flip_in_place)
HIDDEN_STATE = replace(GOOD_CHAIN, name="hidden_state", advance=_flip_from_memory)
WRONG_SHAPE = replace(GOOD_CHAIN, name="wrong_shape", advance=_flip_with_wrong_shape)

BROKEN = (WRONG_COUPLING, HIDDEN_GENERATOR, MUTATED_STATE, HIDDEN_STATE, WRONG_SHAPE)
