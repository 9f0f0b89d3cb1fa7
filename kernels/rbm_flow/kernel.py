"""The kernel ``rbm_flow``: v -> h -> v -> ... through a trained machine (paper, eqs 37-39), measured at every step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sweep.kernels.contract import Array, Arrays, Inputs, Kernel, Output, State, parameter
from sweep.kernels.rbm.machine import Machine, mean_h_from_v, mean_v_from_h, sample_h_from_v, sample_v_from_h
from sweep.kernels.rbm_flow.observables import (
    CORRELATORS,
    MOMENTS,
    add_by_group,
    columns,
    energies_from_transforms,
    group_averages,
    transforms,
)
from sweep.kernels.thermometer.exact import energy_thermometer
from sweep.kernels.thermometer.network import Network, log_probabilities

ROWS = 500  # configurations that flow together: small enough for the caches
GROUPINGS = {
    "": "configurations that started at a temperature",
    "network_class_": "configurations that the network reads as a temperature",
    "energy_class_": "configurations whose energy reads as a temperature",
}
READERS = ("network", "energy")
_UNITS = {"energy": "J", "energy2": "J^2"}


@dataclass(frozen=True)
class RBMFlowParams:
    """Parameters of the flow.

    The authors' public code draws every layer in +-1, lengths 1 to 29, and groups configurations by the temperature
    class that the thermometer gives them at that step of the flow; the printed equations read as tanh means. How many
    configurations flow is not known.

    Raises
    ------
    ValueError
        When there are no temperatures, or more configurations are to be kept than flow.
    """

    size: int = parameter("sites per side of the periodic square lattice", ge=3)
    start_temperatures: tuple[float, ...] = parameter("temperatures of the data, from their labels", units="J/k_B")
    temperatures: tuple[float, ...] = parameter("classes of the thermometer, from its labels", units="J/k_B", ge=0)
    length: int = parameter("steps v -> h -> v of the flow", default=29, ge=1)
    statistics: str = parameter(
        "units drawn in +-1 (sampled) or replaced by their tanh means (mean_field)",
        default="sampled",
        choices=("sampled", "mean_field"),
    )
    bins: int = parameter("groups of configurations, each complete on its own", default=4, ge=1, extent=True)
    configurations: int = parameter("configurations per start temperature and bin", default=500, ge=1)
    keep: int = parameter("configurations per start temperature and bin that are kept at every step", default=0, ge=0)

    def __post_init__(self) -> None:
        if not self.start_temperatures or not self.temperatures:
            raise ValueError("temperatures: found none; wanted those of the data and the thermometer's classes")
        if self.keep > self.configurations:
            raise ValueError(f"keep: found {self.keep}; wanted at most configurations, which is {self.configurations}")


class Sums(NamedTuple):
    """Sums over configurations; s counts start temperatures, c classes, t flow steps.

    Parameters
    ----------
    groups : dict of str to (float64[t, group, columns], int64[t, group])
        For each of `GROUPINGS`, sums from `add_by_group` and counts of configurations.
    histograms : dict of str to int64[s, t, c]
        For each of `READERS`, how often each class was the most likely one.
    distributions : dict of str to float64[s, t, c]
        Sums of the probabilities.
    """

    groups: dict[str, tuple[Array, Array]]
    histograms: dict[str, Array]
    distributions: dict[str, Array]


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
    for name in CORRELATORS:
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
    sums, kept = _flow(params, _machine(params, inputs), _network(params, inputs), data, rng)
    results = _results(params, sums)
    if params.keep:
        results["spins"] = kept
    return (done + 1,), {name: values[None] for name, values in results.items()}


def next_v(machine: Machine, v: Array, sampled: bool, rng: np.random.Generator) -> Array:
    """Return float32[n, visible], one flow step v -> h -> v (eqs 37-39), drawn or by tanh means."""
    if sampled:
        return sample_v_from_h(machine, sample_h_from_v(machine, v, rng), rng)
    return mean_v_from_h(machine, mean_h_from_v(machine, v))


def _flow(
    params: RBMFlowParams, machine: Machine, network: Network, data: Array, rng: np.random.Generator
) -> tuple[Sums, Array]:
    """Return the sums over all of `data` and its flow, and the first `keep` configurations of each temperature."""
    sums = _empty_sums(params)
    sampled = params.statistics == "sampled"
    kept = np.empty(
        (len(data), params.length + 1, params.keep, params.size, params.size), np.int8 if sampled else np.float32
    )
    for start, first in np.ndindex(len(data), -(-data.shape[1] // ROWS)):
        v = data[start, first * ROWS : (first + 1) * ROWS].astype(np.float32)
        wanted = max(min(params.keep - first * ROWS, len(v)), 0)
        for step in range(params.length + 1):
            v = next_v(machine, v, sampled, rng) if step else v
            fields = v.reshape(-1, params.size, params.size)
            kept[start, step, first * ROWS : first * ROWS + wanted] = fields[:wanted]
            _measure(params, network, fields, (start, step), sums)
    return sums, kept


def _empty_sums(params: RBMFlowParams) -> Sums:
    steps, starts, classes = params.length + 1, len(params.start_temperatures), len(params.temperatures)

    def group(length: int) -> tuple[Array, Array]:
        return np.zeros((steps, length, columns(params.size))), np.zeros((steps, length), np.int64)

    return Sums(
        {prefix: group(classes if prefix else starts) for prefix in GROUPINGS},
        {reader: np.zeros((starts, steps, classes), np.int64) for reader in READERS},
        {reader: np.zeros((starts, steps, classes)) for reader in READERS},
    )


def _measure(params: RBMFlowParams, network: Network, fields: Array, place: tuple[int, int], sums: Sums) -> None:
    """Add what configurations at (start temperature, flow step) show to the sums, in place."""
    start, step = place
    seen = transforms(fields)
    energies = energies_from_transforms(seen)
    readings = {
        "network": log_probabilities(network, fields.reshape(len(fields), -1)),
        "energy": energy_thermometer(params.size, params.temperatures).log_probabilities(energies),
    }
    groups = {"": np.full(len(fields), start)}
    for reader, log_p in readings.items():
        likeliest = log_p.argmax(axis=1)
        groups[f"{reader}_class_"] = likeliest
        sums.histograms[reader][place] += np.bincount(likeliest, minlength=len(params.temperatures))
        sums.distributions[reader][place] += np.exp(log_p).sum(axis=0)
    for prefix, group in groups.items():
        totals, counts = sums.groups[prefix]
        add_by_group(totals[step], counts[step], seen, group)


def _results(params: RBMFlowParams, sums: Sums) -> dict[str, Array]:
    """Return averages, group before flow step."""
    results: dict[str, Array] = {}
    for prefix, (totals, counts) in sums.groups.items():
        averages = {"count": counts, **group_averages(totals, counts, params.size)}
        results.update({prefix + name: np.swapaxes(values, 0, 1) for name, values in averages.items()})
    for reader in READERS:
        results[f"{reader}_histogram"] = sums.histograms[reader]
        results[f"{reader}_distribution"] = (sums.distributions[reader] / params.configurations).astype(np.float32)
    return results


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
    measured = params.configurations * len(params.start_temperatures) * (params.length + 1)
    return measured * (1e-6 + 2.5e-8 * sites + 5.5e-11 * sites * (5 * sites + len(params.temperatures)))


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
    version=1,
    params=RBMFlowParams,
    outputs=outputs,
    init=init,
    advance=advance,
    cost=cost,
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
