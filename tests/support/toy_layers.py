"""Stores of layers and of correlations between them, made by hand, laid out as the framework does."""

from __future__ import annotations

import json

import numpy as np
import xarray as xr
from toy_panels import gaussian_patches, hidden_from, torus_distance

from sweep.analysis.estimators.panel_pairs import pair_correlation
from sweep.analysis.exact.block_spins import block_panels as exact_block_panels
from sweep.analysis.exact.ising import CRITICAL_TEMPERATURE

REALISATIONS = 3
TRAINING = {"preset": "code", "steps": 5000}
BINS = 10


def stage(kernel, variables=None, inputs=None, params=None, axes=None, done=None, size=8):
    """Return the node of a stage, of one lattice at T_c unless axes say otherwise."""
    axes = {"size": [size], "temperature": [CRITICAL_TEMPERATURE]} | (axes or {})
    axes = {name: labels for name, labels in axes.items() if labels is not None}
    shape = tuple(len(labels) for labels in axes.values())
    complete = np.ones(shape, bool) if done is None else done
    attrs = {"kernel": kernel, "kernel_version": 1, "params": json.dumps(params or {})}
    attrs["inputs"] = json.dumps(inputs or {})
    return xr.Dataset({"done": (tuple(axes), complete), **(variables or {})}, axes, attrs)


def with_spins(side, size=8, **node):
    """Return a stage's nodes with two configurations of a layer of a side, one level down under the size."""
    top = stage(size=size, **node)
    dims = [str(dim) for dim in top["done"].dims if dim != "size"]
    shape = (*(top.sizes[dim] for dim in dims), 2, side, side)
    spins = xr.Dataset({"spins": ((*dims, "configuration", "y", "x"), np.ones(shape, np.int8))}, {"size": size})
    return {"": top, f"/size={size}": spins}


def machine(data, hidden, size=8, realisations=REALISATIONS):
    """Return a stage that trains machines."""
    axes = {"temperature": None, **trainings(realisations)}
    return {"": stage("rbm", inputs={"data": data}, params={**TRAINING, "hidden": hidden}, axes=axes, size=size)}


def trainings(realisations=REALISATIONS):
    return {"realisation": list(range(realisations))}


def layer_stages(size=8, realisations=REALISATIONS):
    """Return the stages of a store with chains over a lattice, by name.

    Block spins L -> L/2 -> L/4; machines L^2 -> (L/2)^2 -> (L/4)^2, and L^2 -> (L/4)^2 at once; two controls of the
    first of them.
    """
    half, quarter = size // 2, size // 4
    encoded = {"kernel": "encode", "axes": trainings(realisations), "size": size}
    coarse = {"kernel": "block_spin", "params": {"rule": "average"}, "size": size}
    start = {"temperature": None, "snapshot": [0], **trainings(realisations)}
    return {
        "data": with_spins(size, size, kernel="ising"),
        "rg_half": with_spins(half, inputs={"data": "data"}, **coarse),
        "rg_quarter": with_spins(quarter, inputs={"data": "rg_half"}, **coarse),
        "machine_half": machine("data", half**2, size, realisations),
        "layer_half": with_spins(half, inputs={"machine": "machine_half", "data": "data"}, **encoded),
        "machine_quarter": machine("layer_half", quarter**2, size, realisations),
        "layer_quarter": with_spins(quarter, inputs={"machine": "machine_quarter", "data": "layer_half"}, **encoded),
        "machine_single": machine("data", quarter**2, size, realisations),
        "layer_single": with_spins(quarter, inputs={"machine": "machine_single", "data": "data"}, **encoded),
        "start_half": {"": stage("rbm_snapshot", inputs={"machine": "machine_half"}, axes=start, size=size)},
        "untrained": with_spins(half, inputs={"machine": "start_half", "data": "data"}, **encoded),
        "permuted": with_spins(size, size, kernel="permuted_spins", inputs={"data": "data"}),
        "machine_permuted": machine("permuted", half**2, size, realisations),
        "layer_permuted": with_spins(half, inputs={"machine": "machine_permuted", "data": "permuted"}, **encoded),
    }


def panel_store(size=16, realisations=2, configurations=4000, seed=7):
    """Return `layer_stages` with correlations: exact block spins, and machines with patches, but for an untrained one.

    The machine that was trained on renamed sites has them too, once the names are back: it knows of no neighbours.

    All panels have noise as from so many configurations, half of it common to all sites of a bin.
    """
    rng = np.random.default_rng(seed)
    stages = layer_stages(size, realisations)
    half, quarter = size // 2, size // 4

    def add(name, data, layer, panels, trained=True):
        front = realisations if trained else 1
        parts = [_measured(panels(), configurations, rng) for _ in range(front)]
        whole = xr.concat(parts, "realisation") if trained else parts[0]
        axes = trainings(realisations) if trained else {}
        top = stage("layer_correlation", inputs={"data": data, "layer": layer}, axes=axes, size=size)
        inner = whole.expand_dims(temperature=[CRITICAL_TEMPERATURE]).assign_coords(size=size)
        order = ("temperature", "realisation") if trained else ("temperature",)
        stages[name] = {"": top, f"/size={size}": inner.transpose(*order, ...)}

    exact = {pair: exact_block_panels(size, *pair, CRITICAL_TEMPERATURE) for pair in _pairs(size)}
    for name, data, layer, pair in (
        ("a", "data", "rg_half", (size, half)),
        ("b", "rg_half", "rg_quarter", (half, quarter)),
        ("c", "data", "rg_quarter", (size, quarter)),
    ):
        add(f"rg_correlation_{name}", data, layer, lambda pair=pair: exact[pair], trained=False)
    gauges = [_gauge(half**2, rng) for _ in range(realisations)]
    upper, lower = iter(gauges), iter(gauges)
    add("first", "data", "layer_half", lambda: _trained(size, half, rng, next(upper)))
    add("second", "layer_half", "layer_quarter", lambda: _over(_trained(half, quarter, rng), *next(lower)))
    add("stack", "data", "layer_quarter", lambda: _trained(size, quarter, rng))
    add("single", "data", "layer_single", lambda: _trained(size, quarter, rng))
    add("before", "data", "untrained", lambda: _rough(size, half, rng))
    add("sites", "data", "layer_permuted", lambda: _trained(size, half, rng))
    return as_tree(stages)


def _pairs(size):
    return ((size, size // 2), (size // 2, size // 4), (size, size // 4))


def _gauge(units, rng):
    """Return names and signs as a training leaves them."""
    return rng.permutation(units), rng.choice([-1, 1], units)


def _trained(side, hidden, rng, gauge=None):
    """Return panels of one round patch for each unit on what goes through m, units renamed and reversed."""
    panels = 0.5 + gaussian_patches(side, hidden, width=0.12 * side, height=0.2)
    order, sign = gauge or _gauge(len(panels), rng)
    return panels[order] * sign[:, None, None]


def _over(panels, order, sign):
    """Return panels over units of a layer that are themselves renamed and reversed."""
    flat = panels.reshape(len(panels), -1)
    return (flat[:, order] * sign).reshape(panels.shape)


def _rough(side, hidden, rng):
    """Return panels of smooth noise on what goes through m: a random weight for every site, seen through the data."""
    filtered = np.fft.rfft2(np.exp(-np.sqrt(torus_distance(side))))
    waves = np.fft.rfft2(rng.normal(0, 0.1, (hidden**2, side, side)))
    return np.fft.irfft2(waves * filtered, (side, side)) + rng.normal(0, 0.4, (hidden**2, 1, 1))


def _measured(panels, configurations, rng):
    """Return what the kernel gives for panels that are means over so many configurations."""
    scale = (BINS / configurations) ** 0.5 / 2**0.5
    common = rng.normal(0, scale, (BINS, 1, 1, 1)) * np.sign(panels.mean(axis=(1, 2), keepdims=True))
    means = panels + common + rng.normal(0, scale, (BINS, *panels.shape))
    whole = means.mean(0)
    through_m = whole.mean(axis=(1, 2))
    units = ("hidden_unit", "y", "x")
    without = [pair_correlation(hidden_from((means.sum(0) - one) / (BINS - 1))) for one in means]
    return xr.Dataset(
        {
            "correlation": (units, whole.astype(np.float32)),
            "correlation_error": (units, (means.std(0, ddof=1) / BINS**0.5).astype(np.float32)),
            "correlation_without_m": (units, (whole - through_m[:, None, None]).astype(np.float32)),
            "magnetization_correlation": ("hidden_unit", through_m),
            "m2": 0.5,
            "panel_correlation": pair_correlation(hidden_from(whole)),
            "panel_correlation_without": xr.concat(without, "bin"),
        }
    )


def pattern_store(size=32):
    """Return a store of single panels: white noise, and checkerboards of squares of 4, 8 and 16 sites."""
    noise = np.random.default_rng(9).normal(size=(3, size, size))
    squares = {block: np.arange(size) // block % 2 for block in (4, 8, 16)}
    boards = {block: np.where(one[:, None] == one, 1.0, -1.0) for block, one in squares.items()}
    parts = [_pattern(board, sub_block=block, size=size) for block, board in boards.items()]
    board_stage = stage(
        "panel",
        params={"pattern": "checkerboard"},
        axes={"temperature": None, "sub_block": list(boards)},
        size=size,
    )
    axes = {"temperature": None, **trainings(3)}
    noise_stage = stage("panel", params={"pattern": "white_noise"}, axes=axes, size=size)
    noises = xr.concat([_pattern(one, size=size) for one in noise], "realisation")
    return as_tree(
        {
            "noise": {"": noise_stage, f"/size={size}": noises},
            "checkerboards": {"": board_stage, f"/size={size}": xr.concat(parts, "sub_block")},
        }
    )


def _pattern(panel, **at):
    panels = hidden_from(panel[None])
    data = {"correlation": panels, "panel_correlation": pair_correlation(panels)}
    return xr.Dataset(data).assign_coords(at)


def as_tree(stages):
    """Return a store of stages."""
    root = xr.Dataset(attrs={"name": "toy", "seed": 1, "grid": "name: toy", "packages": "{}"})
    nodes = {f"/{name}{path}": node for name, nodes in stages.items() for path, node in nodes.items()}
    return xr.DataTree.from_dict({"/": root, **nodes})
