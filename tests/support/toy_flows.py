"""Stores of flows made by hand, with known answers."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

CRITICAL = 2.269185314213022
STARTS = np.array([0.0, 1.0, 2.0, 2.1, 2.2, 2.3, 2.4, 3.0, 4.0])


@dataclass(frozen=True)
class ToyFlow:
    """A flow whose Delta_m is 1/8 + `excess` exp(-n / `relaxation`) and whose correlators are plane power laws.

    Every realisation has, at every step, an exponent of its own, `between` off; every bin a magnetisation `within` off.
    """

    size: int = 10
    hidden: tuple[int, ...] = (64,)
    realisations: int = 5
    bins: int = 4
    length: int = 29
    excess: float = 0.2
    relaxation: float = 4.0
    between: float = 0.004
    within: float = 0.004
    dimensions: tuple[float, float] = (0.1, 0.9)
    seed: int = 1
    snapshots: tuple[int, ...] = ()

    def exponent(self):
        return 1 / 8 + self.excess * np.exp(-np.arange(self.length + 1) / self.relaxation)


def toy_store(flow=ToyFlow(), name="flow", done=None):
    """Return a DataTree with one rbm_flow stage, laid out as the framework does."""
    rng = np.random.default_rng(flow.seed)
    axes = {"size": [flow.size], "hidden": list(flow.hidden), "realisation": list(range(flow.realisations))}
    axes |= {"snapshot": list(flow.snapshots)} if flow.snapshots else {}
    shape = tuple(len(labels) for labels in axes.values())
    complete = np.ones(shape, bool) if done is None else done
    top, inner = {"done": (tuple(axes), complete)}, {}
    for prefix, dim in (
        ("", "start_temperature"),
        ("network_class_", "temperature_class"),
        ("energy_class_", "temperature_class"),
    ):
        dims = (*axes, "bin", dim, "flow_step")
        moments, correlators = _group(flow, rng, shape)
        top |= {prefix + key: (dims, values) for key, values in moments.items()}
        inner |= {prefix + key: ((*dims[1:], "dy", "dx"), values[0]) for key, values in correlators.items()}
    top |= _readings(flow, rng, shape, tuple(axes))
    steps = {"flow_step": np.arange(flow.length + 1), "start_temperature": STARTS, "temperature_class": STARTS}
    parent = xr.Dataset(top, {**axes, **steps})
    attributes = {"kernel": "rbm_flow", "kernel_version": 1, "params": '{"statistics": "sampled"}'}
    parent.attrs = {**attributes, "inputs": '{"machine": "rbm"}'}
    child = xr.Dataset(inner, {**axes, **steps, "size": flow.size})
    root = xr.Dataset(attrs={"name": "toy", "seed": 1})
    return xr.DataTree.from_dict({"/": root, name: parent, f"{name}/size={flow.size}": child})


def _group(flow, rng, shape):
    """Return the moments and the correlators of one grouping."""
    full = (*shape, flow.bins, len(STARTS), flow.length + 1)
    reduced = np.abs(STARTS / CRITICAL - 1)
    count = rng.integers(50, 150, full)
    off = flow.within * rng.normal(size=full)
    own = flow.between * rng.normal(size=(*shape, 1, 1, flow.length + 1))
    m = reduced[:, None] ** (flow.exponent() + own) * (1 + off)
    moments = {"count": count, "abs_magnetization": m, "energy": -1.4 * (1 + off)}
    steps = np.minimum(np.arange(flow.size), flow.size - np.arange(flow.size))
    distance = np.hypot(steps[:, None], steps)
    distance[0, 0] = 1
    scale = (1 + off)[..., None, None]
    noise = 0.02 * flow.within * rng.normal(size=(*full, flow.size, flow.size))
    correlators = {}
    for key, delta, amplitude in (
        ("spin_correlation", flow.dimensions[0], 0.7),
        ("energy_correlation", flow.dimensions[1], 0.1),
        ("energy_correlation_four", flow.dimensions[1], 1.6),
        ("energy_correlation_one_mean", flow.dimensions[1], 0.1),
    ):
        off_delta = delta + own[..., None, None]
        values = amplitude * distance ** (-2 * off_delta) * scale + amplitude * noise
        correlators[key] = values.astype(np.float32)
    return moments, correlators


def _readings(flow, rng, shape, axes):
    """Return temperature readings that go from the start to T = 3.0 with the relaxation of the flow."""
    weight = np.exp(-np.arange(flow.length + 1) / flow.relaxation)
    start = np.eye(len(STARTS))[:, None, :] * weight[:, None]
    end = (STARTS == 3.0)[None, None, :] * (1 - weight)[:, None]
    values = np.broadcast_to(start + end, (*shape, flow.bins, *start.shape)).copy()
    dims = (*axes, "bin", "start_temperature", "flow_step", "temperature_class")
    return {
        f"{reader}_{kind}": (dims, values if kind == "distribution" else (1000 * values).astype(np.int64))
        for reader in ("network", "energy")
        for kind in ("distribution", "histogram")
    }


def toy_thermometer(realisations=3, epochs=4, below_bound=False):
    """Return a DataTree with one thermometer stage whose network is a little worse than the exact one."""
    rng = np.random.default_rng(3)
    axes = {"size": [10], "realisation": list(range(realisations))}
    shape = tuple(len(labels) for labels in axes.values())
    classes, dims = len(STARTS), tuple(axes)
    falling = 2 + np.exp(-np.arange(epochs)) + 0.01 * rng.normal(size=(*shape, epochs))
    bound = 3.0 if below_bound else 1.9
    variables = {
        "done": (dims, np.ones(shape, bool)),
        "training_loss": ((*dims, "epoch"), falling),
        "validation_loss": ((*dims, "epoch"), falling + 0.02),
        "validation_accuracy": ((*dims, "epoch"), np.full((*shape, epochs), 0.3)),
        "energy_loss": (dims, np.full(shape, bound)),
        "energy_accuracy": (dims, np.full(shape, 0.35)),
    }
    pair, one = (*dims, "true_temperature", "temperature_class"), (*dims, "true_temperature")
    for reader in ("network", "energy"):
        counts = 20 + 300 * np.eye(classes, dtype=np.int64)
        variables |= {
            f"{reader}_confusion": (pair, np.broadcast_to(counts, (*shape, classes, classes)).copy()),
            f"{reader}_reading": (one, np.broadcast_to(STARTS + 0.01, (*shape, classes)).copy()),
            f"{reader}_reading_std": (one, np.full((*shape, classes), 0.3)),
        }
        filled = np.where(np.arange(50) < 40, 10, 0)
        said = np.where(filled > 0, (np.arange(50) + 0.5) / 50, np.nan)
        for part, values in (("count", filled), ("confidence", said), ("accuracy", said)):
            name = f"{reader}_calibration_{part}"
            variables[name] = ((*dims, "confidence"), np.broadcast_to(values, (*shape, 50)).copy())
    labels = {"true_temperature": STARTS, "temperature_class": STARTS, "epoch": np.arange(1, epochs + 1)}
    stage = xr.Dataset(variables, {**axes, **labels, "confidence": (np.arange(50) + 0.5) / 50})
    stage.attrs = {
        "kernel": "thermometer",
        "kernel_version": 1,
        "params": '{"size": 10}',
        "inputs": '{"data": "ising"}',
    }
    return xr.DataTree.from_dict({"/": xr.Dataset(attrs={"name": "toy", "seed": 1}), "thermometer": stage})
