"""A store with real Ising data, its block spins, and a stack of machines that are block spins in disguise.

Every hidden unit follows the majority of one 2x2 block of the layer below, but which block it is and with which sign
are drawn at random, as training leaves them: what such a stack reads is known when it is put right, and when it is not.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from toy_layers import as_tree, stage

from sweep.analysis.exact.ising import CRITICAL_TEMPERATURE
from sweep.kernels.ising import ISING, IsingParams

TRAININGS = 2
STRENGTH = 2.0  # p(h|v) = sigmoid(2 STRENGTH (sum of the block)): majority, with fair ties


def ising(size, temperature, count, seed=1):
    """Return int8[configuration, y, x], independent configurations of the Ising model."""
    params, rng = IsingParams(size, temperature, configurations=count), np.random.default_rng(seed)
    drawn = [ISING.advance(params, (), rng, {})[1]["spins"] for _ in range(ISING.blocks(params))]
    return np.concatenate(drawn)[:count]


def block_sums(spins):
    """Return [..., y/2, x/2], the sums over disjoint 2x2 blocks."""
    *front, rows, columns = spins.shape
    return spins.reshape(*front, rows // 2, 2, columns // 2, 2).sum((-3, -1), dtype=spins.dtype)


def averages(spins):
    """Return float32[..., y/2, x/2]."""
    return (block_sums(spins.astype(np.float32)) / 4).astype(np.float32)


def majority(spins, rng):
    """Return int8[..., y/2, x/2], ties at random."""
    sums = block_sums(spins)
    return np.where(sums == 0, rng.choice(np.array([-1, 1], np.int8), sums.shape), np.sign(sums)).astype(np.int8)


class Disguised:
    """A machine with one hidden unit per block of a lattice whose sites are the units below, wherever those are."""

    def __init__(self, below, rng):
        """Take the arrangement below, a (unit at site, its sign) pair of arrays."""
        units, signs = below
        side = int(np.sqrt(len(units)))
        blocks = units.reshape(side // 2, 2, side // 2, 2).transpose(0, 2, 1, 3).reshape(-1, 4)  # [block, member]
        self.at_site, self.sign = rng.permutation(len(blocks)), rng.choice([-1, 1], len(blocks))
        self.weights = np.zeros((len(units), len(blocks)), np.float32)
        for block, members in enumerate(blocks):
            unit = self.at_site[block]
            self.weights[members, unit] = STRENGTH * self.sign[unit] * signs[members]

    def hidden(self, spins, rng):
        """Return int8[configuration, y, x], hidden samples laid on a square by their numbers."""
        field = spins.reshape(len(spins), -1).astype(np.float32) @ self.weights
        up = rng.random(field.shape) < 1 / (1 + np.exp(-2 * field))
        side = int(np.sqrt(field.shape[1]))
        return np.where(up, 1, -1).astype(np.int8).reshape(-1, side, side)


def correlation(spins, hidden):
    """Return the variables of a layer_correlation that a gauge is read from, [hidden_unit, y, x]."""
    h, v, m = hidden.reshape(len(hidden), -1).astype(float), spins.astype(float), spins.mean((1, 2), dtype=float)
    raw = np.tensordot(h, v, (0, 0)) / len(v)
    through = np.multiply.outer(m @ h, np.tensordot(m, v, 1)) / len(v) / (m @ m)
    return raw, raw - through


def block_machine_store(size=16, temperatures=(CRITICAL_TEMPERATURE,), count=2000):
    """Return a store with the stages ising, and average_1, majority_1, machine_1, layer_1, correlation_1 and 2."""
    rng = np.random.default_rng(5)
    data = np.stack([ising(size, t, count, seed) for seed, t in enumerate(temperatures)])
    stages = {"ising": _spins(size, temperatures, data, "ising")}
    for rule, made in (("average", averages), ("majority", lambda spins: majority(spins, rng))):
        layer, below = data, "ising"
        for step in (1, 2):
            layer, name = made(layer), f"{rule}_{step}"
            stages[name] = _spins(size, temperatures, layer, "block_spin", {"data": below}, {"rule": rule})
            below = name
    return as_tree(stages | _machines(size, temperatures, data, rng))


def _machines(size, temperatures, data, rng):
    stages, layers, below = {}, [data] * TRAININGS, "ising"
    plain = np.arange(size * size), np.ones(size * size, int)
    arrangements = [plain] * TRAININGS
    critical = int(np.argmin(np.abs(np.array(temperatures) - CRITICAL_TEMPERATURE)))
    axes = {"size": [size], "realisation": list(range(TRAININGS))}
    for step in (1, 2):
        trained = [Disguised(arrangement, rng) for arrangement in arrangements]
        layers = [
            np.stack([one.hidden(spins, rng) for spins in layer]) for one, layer in zip(trained, layers, strict=True)
        ]
        arrangements = [(one.at_site, one.sign) for one in trained]
        weights = xr.Dataset(
            {
                "weights": (("realisation", "visible", "hidden_unit"), np.stack([one.weights for one in trained])),
                "hidden_bias": (("realisation", "hidden_unit"), np.zeros((TRAININGS, trained[0].weights.shape[1]))),
            },
            {"size": size},
        )
        made = stage("rbm", inputs={"data": below}, params={"preset": "code"}, axes={"temperature": None, **axes})
        stages[f"machine_{step}"] = {"": made, f"/size={size}": weights}
        inputs = {"machine": f"machine_{step}", "data": below}
        stages[f"layer_{step}"] = _spins(size, temperatures, np.stack(layers, 1), "encode", inputs)
        pairs = np.array([correlation(data[critical], layer[critical]) for layer in layers])
        dims = ("realisation", "hidden_unit", "y", "x")
        panels = {name: (dims, part) for name, part in zip(NAMES, pairs.swapaxes(0, 1), strict=True)}
        inputs = {"data": "ising", "layer": f"layer_{step}"}
        node = stage("layer_correlation", inputs=inputs, axes={"temperature": [temperatures[critical]], **axes})
        panels = {name: (("temperature", *dims), part[None]) for name, (dims, part) in panels.items()}
        stages[f"correlation_{step}"] = {"": node, f"/size={size}": xr.Dataset(panels, {"size": size})}
        below = f"layer_{step}"
    return stages


NAMES = ("correlation", "correlation_without_m")


def _spins(size, temperatures, spins, kernel, inputs=None, params=None):
    """Return the nodes of a stage with spins[temperature, (realisation,) configuration, y, x]."""
    repeated = ("realisation",) if spins.ndim == 5 else ()
    axes = {"size": [size], "temperature": list(temperatures)} | {name: list(range(TRAININGS)) for name in repeated}
    dims = ("temperature", *repeated, "configuration", "y", "x")
    below = xr.Dataset({"spins": (dims, spins)}, {"size": size})
    return {"": stage(kernel, inputs=inputs, params=params, axes=axes), f"/size={size}": below}
