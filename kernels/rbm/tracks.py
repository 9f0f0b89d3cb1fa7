"""What is read of a machine on the way: one number each after every block of its training."""

from __future__ import annotations

import numpy as np

from sweep.kernels.contract import Array, Output
from sweep.kernels.rbm.annealing import log_partition_by_annealing
from sweep.kernels.rbm.machine import ENUMERABLE, Machine, free_energy, log_partition, log_partition_cost
from sweep.kernels.rbm.mixing import mixing
from sweep.kernels.rbm.params import RBMParams
from sweep.kernels.rbm.passes import fill_h_from_v, fill_v_from_h, stream

PROBE = 2000  # configurations, of training and of held-out data each, that the tracks look at
MIXING_CHAINS, MIXING_STEPS = 100, 500
ANNEALED_CHAINS, ANNEALING_TEMPERATURES = 100, 1000

DESCRIPTIONS = {
    "reconstruction_error": "share of spins that one Gibbs step v-h-v changes, held-out data",
    "free_energy_gap": "mean free energy of held-out minus training data",
    "weight_norm": "Frobenius norm of W",
    "gradient_norm": "norm of the batch gradient, mean over the block",
    "kl": "KL(training data||RBM) in nats, exact, small machines only",
    "log_partition": "ln Z, exact where a layer has few units, else by annealing",
    "log_partition_error": "standard error of ln Z, 0 where it is exact",
    "log_likelihood": "mean ln p(v) of training data in nats, where ln Z is known",
    "held_out_log_likelihood": "mean ln p(v) of held-out data in nats, where ln Z is known",
    "magnetization_time": "autocorrelation time of |m| in Gibbs steps of the machine, 1/2 for independent ones",
    "free_energy_time": "autocorrelation time of F(v) in Gibbs steps of the machine, 1/2 for independent ones",
}


def track_outputs(params: RBMParams) -> dict[str, Output]:
    """Return the outputs: every track has one point per block."""
    blocks = params.steps // params.block
    step = {"step": params.block * np.arange(1, blocks + 1)}
    return {
        name: Output(("step",), (blocks,), "float64", "", description, step, block=1)
        for name, description in DESCRIPTIONS.items()
    }


def read_tracks(
    params: RBMParams, machine: Machine, data: tuple[Array, Array], chains: Array, rng: np.random.Generator
) -> dict[str, Array]:
    """Return what the tracks read of the machine, `gradient_norm` and `kl` left out.

    Parameters
    ----------
    data : pair of number[ensemble, configuration, visible]
        Training and held-out data.
    chains : float32[chain, visible], +-1
        Where the persistent chains are; without them, chains of `mixing` start at training data.
    """
    seen, unseen = (probe(part) for part in data)
    tracks = {
        **_likelihoods(machine, seen, unseen, _log_partition(params, machine, rng)),
        "reconstruction_error": _reconstruction_error(machine, unseen if len(unseen) else seen, rng),
        "weight_norm": float(np.linalg.norm(machine.weights)),
        "magnetization_time": np.nan,
        "free_energy_time": np.nan,
    }
    if params.recipe.tracks == "full":
        start = spread(chains if params.persistent else seen, MIXING_CHAINS)
        times = mixing(machine, start, MIXING_STEPS, rng)
        tracks |= {f"{name}_time": time for name, time in times._asdict().items()}
    return {name: np.array([value], np.float64) for name, value in tracks.items()}


def track_cost(params: RBMParams) -> float:
    """Return the seconds of all tracks after one block."""
    couplings, hidden = params.visible * params.hidden, params.hidden
    enumerable = min(params.visible, hidden) <= ENUMERABLE
    rows = 3 * PROBE
    if params.recipe.tracks == "full":
        rows += 3 * MIXING_CHAINS * MIXING_STEPS + (0 if enumerable else 2 * ANNEALED_CHAINS * ANNEALING_TEMPERATURES)
    summed = log_partition_cost(params.visible, hidden) if enumerable else 0.0
    return rows * (2.3e-11 * couplings + 5e-9 * hidden) + summed + 1e-3


def _log_partition(params: RBMParams, machine: Machine, rng: np.random.Generator) -> tuple[float, float]:
    """Return ln Z and its standard error; NaN where neither is known."""
    if min(machine.weights.shape) <= ENUMERABLE:
        return log_partition(machine), 0.0
    if params.recipe.tracks == "full":
        base = machine.visible_bias
        return log_partition_by_annealing(machine, ANNEALED_CHAINS, ANNEALING_TEMPERATURES, rng, base)
    return np.nan, np.nan


def _likelihoods(machine: Machine, seen: Array, unseen: Array, known: tuple[float, float]) -> dict[str, float]:
    free, held_out = (_mean(free_energy(machine, part)) for part in (seen, unseen))
    log_z, error = known
    return {
        "free_energy_gap": held_out - free,
        "log_partition": log_z,
        "log_partition_error": error,
        "log_likelihood": -free - log_z,
        "held_out_log_likelihood": -held_out - log_z,
    }


def _mean(values: Array) -> float:
    return float(values.mean(dtype=np.float64)) if values.size else np.nan


def _reconstruction_error(machine: Machine, v: Array, rng: np.random.Generator) -> float:
    h, means = np.empty((len(v), len(machine.hidden_bias)), np.float32), np.empty_like(v)
    fill_h_from_v(machine, v, h, stream(rng))
    fill_v_from_h(machine, h, means, None)
    return float((1 - (v * means).mean(dtype=np.float64)) / 2)


def probe(data: Array) -> Array:
    """Return float32[n, visible], about `PROBE` configurations spread evenly, the same at every call.

    Training and held-out probes hold the ensembles in equal shares, so that their free energies compare.
    """
    each = min(max(PROBE // data.shape[0], 1), data.shape[1])
    places = np.arange(each) * data.shape[1] // max(each, 1)
    return data[:, places].reshape(-1, data.shape[2]).astype(np.float32)


def spread(rows: Array, count: int) -> Array:
    """Return so many of the rows, or all if there are fewer, spread evenly."""
    kept = min(count, len(rows))
    return rows[np.arange(kept) * len(rows) // kept]
