"""The kernel ``rbm_partition``: ln Z of a machine of any size, with its error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sweep.kernels.contract import Array, Arrays, Inputs, Kernel, Output, State, parameter
from sweep.kernels.rbm.annealing import annealing_log_weights, effective_number, log_mean
from sweep.kernels.rbm.machine import ENUMERABLE, Machine, log_partition, log_partition_cost
from sweep.kernels.rbm.reading import machine_of

CHAINS = 100  # of one block
NUMBERS = 2**25  # fields that are worth computing for an exact sum


@dataclass(frozen=True)
class PartitionParams:
    """How a machine is annealed."""

    machine_shape: tuple[int, ...] = parameter("visible and hidden units of the machine, from the machine")
    walkers: int = parameter("annealed chains", default=200, ge=2, extent=True)
    temperatures: int = parameter("machines on the way from independent spins to the machine", default=1000, ge=2)
    base: str = parameter(
        "independent spins at the start: without biases (uniform), or with those of the machine (visible_bias)",
        default="uniform",
        choices=("uniform", "visible_bias"),
    )

    @property
    def enumerable(self) -> bool:
        """Return whether ln Z is summed over all states of a layer as well."""
        smaller, larger = sorted(self.machine_shape)
        return smaller <= ENUMERABLE and 2**smaller * larger <= NUMBERS


def base_of(machine: Machine, base: str) -> Array:
    """Return float[visible], the biases of the independent spins that a parameter `base` names."""
    return machine.visible_bias if base == "visible_bias" else np.zeros_like(machine.visible_bias)


def outputs(params: PartitionParams) -> dict[str, Output]:
    """Return the outputs: weights of the chains, what they say of ln Z, and its exact value where it is known."""

    def number(description: str) -> Output:
        return Output((), (), "float64", description=description)

    return {
        "log_weight": Output(
            ("walker",), (params.walkers,), "float64", "", "ln of the weight of a chain, whose mean is Z", block=CHAINS
        ),
        "log_partition": number("ln Z, from the mean of all weights"),
        "log_partition_error": number("standard error of ln Z"),
        "effective_chains": number("as many chains of equal weight would tell as much"),
        "exact_log_partition": number("ln Z summed over all states of the smaller layer, small machines only"),
    }


def init(params: PartitionParams, rng: np.random.Generator, inputs: Inputs) -> State:
    """Return the weights of no chain, and the exact ln Z, NaN where it is not known."""
    machine = machine_of(inputs["machine"], params.machine_shape)
    return np.zeros(0), np.array(log_partition(machine) if params.enumerable else np.nan)


def advance(params: PartitionParams, state: State, rng: np.random.Generator, inputs: Inputs) -> tuple[State, Arrays]:
    """Return the weights of some more chains, and what all of them say."""
    machine, (known, exact) = machine_of(inputs["machine"], params.machine_shape), state
    found = annealing_log_weights(machine, CHAINS, params.temperatures, rng, base_of(machine, params.base))
    log_weights = np.concatenate([known, found])
    used = log_weights[: params.walkers]
    value, error = log_mean(used)
    return (log_weights, exact), {
        "log_weight": found[: params.walkers - len(known)],
        "log_partition": np.array(value),
        "log_partition_error": np.array(error),
        "effective_chains": np.array(effective_number(used)),
        "exact_log_partition": exact,
    }


def blocks(params: PartitionParams) -> int:
    """Return how many blocks give all chains."""
    return -(-params.walkers // CHAINS)


def cost(params: PartitionParams) -> float:
    """Return the seconds of one block and of its share of the exact sum."""
    visible, hidden = params.machine_shape
    exact = log_partition_cost(visible, hidden) if params.enumerable else 0.0
    step = 2e-5 + CHAINS * (5.2e-11 * visible * hidden + 1.9e-8 * hidden + 3e-9 * visible)
    return params.temperatures * step + exact / blocks(params)


def example_inputs(params: PartitionParams, rng: np.random.Generator) -> Inputs:
    """Return a random machine."""
    visible, hidden = params.machine_shape
    machine = Machine(rng.normal(0, 0.3, (visible, hidden)), *(rng.normal(0, 0.1, one) for one in (visible, hidden)))
    return {"machine": {name: part.astype(np.float32) for name, part in machine._asdict().items()}}


RBM_PARTITION = Kernel(
    name="rbm_partition",
    version=1,
    params=PartitionParams,
    outputs=outputs,
    init=init,
    advance=advance,
    cost=cost,
    blocks=blocks,
    inputs={"machine": Machine._fields},
    shapes={"machine_shape": ("machine", "weights")},
    example=PartitionParams(machine_shape=(9, 4), walkers=250, temperatures=50),
    example_inputs=example_inputs,
    description="ln Z of a machine by annealed importance sampling, and exactly where it can be enumerated",
)
