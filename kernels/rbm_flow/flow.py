"""The flow v -> h -> v -> ... (paper, eqs 37-39), and the sums over configurations that every step adds to."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sweep.kernels.contract import Array
from sweep.kernels.rbm.machine import Machine
from sweep.kernels.rbm.passes import fill_h_from_v, fill_v_from_h, stream
from sweep.kernels.rbm_flow.observables import (
    CORRELATORS,
    add_by_group,
    columns,
    energies_from_transforms,
    group_averages,
    transforms,
)
from sweep.kernels.rbm_flow.params import RBMFlowParams
from sweep.kernels.thermometer.exact import energy_thermometer
from sweep.kernels.thermometer.network import Network, log_probabilities

ROWS = 500  # configurations that flow together: small enough for the caches
GROUPINGS = {
    "": "configurations that started at a temperature",
    "network_class_": "configurations that the network reads as a temperature",
    "energy_class_": "configurations whose energy reads as a temperature",
}
READERS = ("network", "energy")


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


def next_v(machine: Machine, v: Array, source: Array | None) -> Array:
    """Return float[n, visible], one flow step v -> h -> v (eqs 37-39), drawn from `source` or, without, by tanh means.

    Parameters
    ----------
    v : float[n, visible]
    source : uint64[4, 8], optional
        Of random numbers, see `kernels.rbm.passes.stream`; changed.
    """
    h, moved = np.empty((len(v), len(machine.hidden_bias)), v.dtype), np.empty_like(v)
    fill_h_from_v(machine, v, h, source)
    fill_v_from_h(machine, h, moved, source)
    return moved


def flow(
    params: RBMFlowParams, machine: Machine, network: Network, data: Array, rng: np.random.Generator
) -> tuple[Sums, Array]:
    """Return the sums over all of `data` and its flow, and the first `keep` configurations of each temperature."""
    sums = _empty_sums(params)
    sampled = params.statistics == "sampled"
    source = stream(rng) if sampled else None
    kept = np.empty(
        (len(data), params.length + 1, params.keep, params.size, params.size), np.int8 if sampled else np.float32
    )
    for start, first in np.ndindex(len(data), -(-data.shape[1] // ROWS)):
        v = data[start, first * ROWS : (first + 1) * ROWS].astype(np.float32)
        wanted = max(min(params.keep - first * ROWS, len(v)), 0)
        for step in range(params.length + 1):
            v = next_v(machine, v, source) if step else v
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


def results_of(params: RBMFlowParams, sums: Sums) -> dict[str, Array]:
    """Return averages, group before flow step."""
    results: dict[str, Array] = {}
    for prefix, (totals, counts) in sums.groups.items():
        averages = {"count": counts, **group_averages(totals, counts, params.size)}
        if not params.correlators:
            averages = {name: values for name, values in averages.items() if name not in CORRELATORS}
        results.update({prefix + name: np.swapaxes(values, 0, 1) for name, values in averages.items()})
    for reader in READERS:
        results[f"{reader}_histogram"] = sums.histograms[reader]
        results[f"{reader}_distribution"] = (sums.distributions[reader] / params.configurations).astype(np.float32)
    return results
