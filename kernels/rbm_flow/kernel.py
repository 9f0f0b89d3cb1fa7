"""The kernel ``rbm_flow``: v -> h -> v -> ... through a trained machine (paper, eqs 37-39), measured at every step."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sweep.kernels.contract import Array, Arrays, Inputs, Kernel, Output, State
from sweep.kernels.rbm.machine import Machine
from sweep.kernels.rbm_flow.flow import GROUPINGS, READERS, flow, results_of
from sweep.kernels.rbm_flow.observables import CORRELATORS, MOMENTS
from sweep.kernels.rbm_flow.params import RBMFlowParams
from sweep.kernels.thermometer.network import Network

_UNITS = {"energy": "J", "energy2": "J^2"}


def outputs(params: RBMFlowParams) -> dict[str, Output]:
    """Return the outputs: averages in three groupings, temperature readings, and configurations when asked."""
    results: dict[str, Output] = {}
    for prefix, group in GROUPINGS.items():
        results.update(_group_outputs(params, prefix, group))
    start_dims = ("start_temperature", "flow_step")
    dims = (*start_dims, "temperature_class")
    for reader in READERS:
        results[f"{reader}_histogram"] = _output(
            params, dims, "int64", "", f"configurations by most likely class, {reader} thermometer"
        )
        results[f"{reader}_distribution"] = _output(
            params, dims, "float32", "", f"mean probability of each class, {reader} thermometer"
        )
    if params.keep:
        dtype = "int8" if params.statistics == "sampled" else "float32"
        kept_dims = (*start_dims, "configuration", "y", "x")
        results["spins"] = _output(params, kept_dims, dtype, "", "configurations along the flow, +-1 or means")
    return results


def _group_outputs(params: RBMFlowParams, prefix: str, group: str) -> Iterator[tuple[str, Output]]:
    dims = ("temperature_class" if prefix else "start_temperature", "flow_step")
    yield f"{prefix}count", _output(params, dims, "int64", "", f"number of {group}")
    for name in MOMENTS:
        yield prefix + name, _output(params, dims, "float64", _UNITS.get(name, ""), f"mean {name} per site, {group}")
    for name in CORRELATORS if params.correlators else ():
        words = name.replace("_", " ")
        yield prefix + name, _output(params, (*dims, "dy", "dx"), "float32", "", f"{words}, {group}")


def _output(params: RBMFlowParams, dims: tuple[str, ...], dtype: str, units: str, description: str) -> Output:
    lengths = {
        "start_temperature": len(params.start_temperatures),
        "temperature_class": len(params.temperatures),
        "flow_step": params.length + 1,
        "configuration": params.keep,
        **dict.fromkeys(("y", "x", "dy", "dx"), params.size),
    }
    labels = {
        "start_temperature": np.array(params.start_temperatures),
        "temperature_class": np.array(params.temperatures),
        "flow_step": np.arange(params.length + 1),
    }
    shape = (params.bins, *(lengths[dim] for dim in dims))
    coords = {dim: labels[dim] for dim in dims if dim in labels}
    return Output(("bin", *dims), shape, dtype, units, description, coords, block=1)


def init(params: RBMFlowParams, rng: np.random.Generator, inputs: Inputs) -> State:
    """Return the number of bins done, which is all that one bin passes on to the next."""
    available = _configurations(params, inputs).shape[1]
    if available < params.bins * params.configurations:
        raise ValueError(
            f"data: found {available} configurations per temperature; "
            f"wanted bins x configurations, which is {params.bins} x {params.configurations}"
        )
    _machine(params, inputs)
    _network(params, inputs)
    return (np.array(0),)


def advance(params: RBMFlowParams, state: State, rng: np.random.Generator, inputs: Inputs) -> tuple[State, Arrays]:
    """Return the results of one more bin: `configurations` of every start temperature, flowed to the full length."""
    (done,) = state
    first = int(done) * params.configurations
    data = _configurations(params, inputs)[:, first : first + params.configurations]
    sums, kept = flow(params, _machine(params, inputs), _network(params, inputs), data, rng)
    results = results_of(params, sums)
    if params.keep:
        results["spins"] = kept
    return (done + 1,), {name: values[None] for name, values in results.items()}


def _configurations(params: RBMFlowParams, inputs: Inputs) -> Array:
    """Return the start data, [start_temperature, configuration, visible], as a view."""
    spins = inputs["data"]["spins"]
    starts, count = len(params.start_temperatures), spins.shape[-3]
    if spins.size != starts * count * params.size**2:
        raise ValueError(
            f"data: found spins of shape {spins.shape}; wanted {starts} temperatures of configurations of "
            f"{params.size}x{params.size} spins: select one label of every other axis"
        )
    return spins.reshape(starts, count, -1)


def _machine(params: RBMFlowParams, inputs: Inputs) -> Machine:
    machine = Machine(*(inputs["machine"][name].astype(np.float32, copy=False) for name in Machine._fields))
    _check_shape("machine", machine.weights, params.size**2, machine.hidden_bias.size)
    return machine


def _network(params: RBMFlowParams, inputs: Inputs) -> Network:
    network = Network(*(inputs["thermometer"][name].astype(np.float32, copy=False) for name in Network._fields))
    _check_shape("thermometer", network.input_weights, params.size**2, network.unit_bias.size)
    _check_shape("thermometer", network.output_weights, network.unit_bias.size, len(params.temperatures))
    return network


def _check_shape(source: str, weights: Array, rows: int, wide: int) -> None:
    if weights.shape != (rows, wide):
        raise ValueError(
            f"{source}: found weights of shape {weights.shape}; wanted {rows} x {wide}: select one label of every "
            "axis that the flow does not have"
        )


def cost(params: RBMFlowParams) -> float:
    """Return the seconds of one bin."""
    sites = params.size**2
    return measured(params) * (1e-6 + 2.5e-8 * sites + 5.5e-11 * sites * (5 * sites + len(params.temperatures)))


def measured(params: RBMFlowParams) -> float:
    """Return the configurations that one bin measures, those of every step of the flow."""
    return float(params.configurations * len(params.start_temperatures) * (params.length + 1))


def example_inputs(params: RBMFlowParams, rng: np.random.Generator) -> Inputs:
    """Return random configurations, a random machine of four hidden units and a random network of three units."""
    visible, classes = params.size**2, len(params.temperatures)
    shape = (len(params.start_temperatures), params.bins * params.configurations, params.size, params.size)
    spins = rng.choice([-1, 1], shape).astype(np.int8)
    machine = Machine(rng.normal(0, 0.5, (visible, 4)), rng.normal(0, 0.1, visible), rng.normal(0, 0.1, 4))
    network = Network(
        rng.normal(0, 0.3, (visible, 3)), np.zeros(3), rng.normal(0, 1, (3, classes)), rng.normal(0, 0.1, classes)
    )
    return {
        "data": {"spins": spins, "temperature": np.array(params.start_temperatures)},
        "machine": machine._asdict(),
        "thermometer": network._asdict(),
    }


RBM_FLOW = Kernel(
    name="rbm_flow",
    version=2,
    params=RBMFlowParams,
    outputs=outputs,
    init=init,
    advance=advance,
    cost=cost,
    work=measured,
    work_unit="configurations",
    blocks=lambda params: params.bins,
    inputs={
        "machine": Machine._fields,
        "data": ("spins",),
        "thermometer": Network._fields,
    },
    labels={
        "start_temperatures": ("data", "temperature"),
        "temperatures": ("thermometer", "temperature_class"),
    },
    example=RBMFlowParams(
        size=3, start_temperatures=(1.0, 3.0), temperatures=(0.0, 1.0, 4.0), length=3, bins=2, configurations=20, keep=2
    ),
    example_inputs=example_inputs,
    description="the flow v-h-v-... through a trained machine, with its temperatures, moments and correlators",
)
