"""More kernels that are broken on purpose, each by one fault of a kind that is easily made."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from broken import GOOD_CHAIN, ChainParams

from sweep.kernels.contract import Arrays, Inputs, Kernel, Output, State
from sweep.kernels.rbm import RBM
from sweep.kernels.rbm.ising import TEMPERATURE, ising_machine
from sweep.kernels.rbm.machine import Machine, sample_h_from_v, sample_v_from_h
from sweep.kernels.rbm.params import RBMParams

Advance = Callable[[ChainParams, State, np.random.Generator, Inputs], tuple[State, Arrays]]


def chain(name: str, advance: Advance, **changes: object) -> Kernel[ChainParams]:
    return replace(GOOD_CHAIN, name=name, advance=advance, **changes)


def _moved(state: State, steps: np.ndarray) -> tuple[State, Arrays]:
    sites = state[0] + steps
    return (sites,), {"mean": np.array([sites.mean()])}


def _from_numpy(params: ChainParams, state: State, rng: np.random.Generator, inputs: Inputs) -> tuple[State, Arrays]:
    """Seeds the generator that all share, so that two runs agree; whoever else uses it is harmed all the same."""
    np.random.seed(3)  # noqa: NPY002 - the fault
    return _moved(state, np.random.normal(size=params.size))  # noqa: NPY002 - the fault


def _from_random(params: ChainParams, state: State, rng: np.random.Generator, inputs: Inputs) -> tuple[State, Arrays]:
    return _moved(state, np.array([random.gauss(0, 1) for _ in range(params.size)]))


def _own_seed(params: ChainParams, state: State, rng: np.random.Generator, inputs: Inputs) -> tuple[State, Arrays]:
    """Draws one number from what it is given and the others from a generator that always begins the same."""
    return _moved(state, np.random.default_rng(5).normal(size=params.size) + 0 * rng.random())


def _of_process(params: ChainParams, state: State, rng: np.random.Generator, inputs: Inputs) -> tuple[State, Arrays]:
    return _moved(state, rng.normal(size=params.size) + os.getpid())


def _total_matters(params: ChainParams, state: State, rng: np.random.Generator, inputs: Inputs) -> tuple[State, Arrays]:
    return _moved(state, rng.normal(size=params.size) / params.blocks)


def _as_float32(params: ChainParams, state: State, rng: np.random.Generator, inputs: Inputs) -> tuple[State, Arrays]:
    new, results = _moved(state, rng.normal(size=params.size))
    return new, {"mean": results["mean"].astype(np.float32)}


def _renamed(params: ChainParams, state: State, rng: np.random.Generator, inputs: Inputs) -> tuple[State, Arrays]:
    new, results = _moved(state, rng.normal(size=params.size))
    return new, {"average": results["mean"]}


def _shifts_input(params: ChainParams, state: State, rng: np.random.Generator, inputs: Inputs) -> tuple[State, Arrays]:
    inputs["data"]["steps"][...] += 1
    return _moved(state, rng.normal(size=params.size))


_BUFFER = np.zeros(1)


def _reuses_buffer(params: ChainParams, state: State, rng: np.random.Generator, inputs: Inputs) -> tuple[State, Arrays]:
    new, results = _moved(state, rng.normal(size=params.size))
    _BUFFER[...] = results["mean"]
    return new, {"mean": _BUFFER}


_SITES: list[np.ndarray] = []


def _forgetful_init(params: ChainParams, rng: np.random.Generator, inputs: Inputs) -> State:
    _SITES[:] = [np.zeros(params.size)]
    return (np.zeros(1),)


def _from_cache(params: ChainParams, state: State, rng: np.random.Generator, inputs: Inputs) -> tuple[State, Arrays]:
    """Keeps the sites in the module; a run from beginning to end never notices."""
    (_SITES[0],), results = _moved((_SITES[0],), rng.normal(size=params.size))
    return (state[0] + 1,), results


def _short(params: ChainParams) -> dict[str, Output]:
    return {"mean": Output(("block",), (2 * params.blocks,), "float64", "", "never filled", block=1)}


def _colliding(params: ChainParams) -> dict[str, Output]:
    return {"mean": Output(("size",), (params.blocks,), "float64", "", "along a parameter", block=1)}


GLOBAL_NUMPY = chain("global_numpy", _from_numpy)
GLOBAL_RANDOM = chain("global_random", _from_random)
OWN_SEED = chain("own_seed", _own_seed)
OF_PROCESS = chain("of_process", _of_process)
TOTAL_MATTERS = chain("total_matters", _total_matters)
WRONG_DTYPE = chain("wrong_dtype", _as_float32)
WRONG_NAME = chain("wrong_name", _renamed)
MUTATED_INPUT = chain(
    "mutated_input",
    _shifts_input,
    inputs={"data": ("steps",)},
    example_inputs=lambda params, rng: {"data": {"steps": rng.normal(size=3)}},
)
REUSED_BUFFER = chain("reused_buffer", _reuses_buffer)
MODULE_CACHE = chain("module_cache", _from_cache, init=_forgetful_init)
NEVER_FILLED = chain("never_filled", GOOD_CHAIN.advance, outputs=_short)
COLLIDING_NAMES = chain("colliding_names", GOOD_CHAIN.advance, outputs=_colliding)
NO_EXAMPLE = chain("no_example", GOOD_CHAIN.advance, example=None)
RAISES = chain("raises", lambda params, state, rng, inputs: ((), {"mean": 1 / np.zeros(0)[0]}))


def _too_strong(params: RBMParams, state: State, rng: np.random.Generator) -> State:
    exact = ising_machine(params.size, TEMPERATURE)
    machine = Machine(1.05 * exact.weights, exact.visible_bias, exact.hidden_bias)
    return (sample_v_from_h(machine, sample_h_from_v(machine, state[0], rng), rng),)


assert RBM.stationarity is not None
WRONG_WEIGHTS = replace(RBM, name="wrong_weights", stationarity=replace(RBM.stationarity, update=_too_strong))
IDLE_UPDATE = replace(
    RBM, name="idle_update", stationarity=replace(RBM.stationarity, update=lambda params, state, rng: state)
)
