"""The kernel ``rbm``: a restricted Boltzmann machine trained by contrastive divergence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from sweep.kernels.contract import Array, Arrays, Inputs, Kernel, Output, State
from sweep.kernels.rbm.ising import STATIONARITY
from sweep.kernels.rbm.machine import Machine, exact_divergence, free_energy, pack
from sweep.kernels.rbm.optimiser import Descent
from sweep.kernels.rbm.params import RBMParams
from sweep.kernels.rbm.passes import fill_h_from_v, fill_v_from_h, gather, stream
from sweep.kernels.rbm.trainer import Trainer

ENUMERATED = 16  # visible units up to which the exact divergence is tracked
PROBE = 2000  # configurations, of training and of held-out data each, that the tracks look at


class Training(NamedTuple):
    """The state: a descent (see `Descent`), the persistent chains, and q on small machines.

    Parameters
    ----------
    chains : float32[chain, visible], +-1
    data : float64[2**visible], or empty beyond `ENUMERATED` visible units
        Probability of every configuration in the training data.
    snapshots : float32[snapshot, parameters]
        Positions of the descent at `RBMParams.snapshots`; NaN where it is not there yet.
    """

    position: Array
    first: Array
    second: Array
    taken: Array
    chains: Array
    data: Array
    snapshots: Array


def outputs(params: RBMParams) -> dict[str, Output]:
    """Return the outputs: the machine after the last step, and tracks with one point per block."""
    blocks = params.steps // params.block
    step = {"step": params.block * np.arange(1, blocks + 1)}

    def track(description: str) -> Output:
        return Output(("step",), (blocks,), "float64", "", description, step, block=1)

    machine = machine_outputs(params.visible, params.hidden)
    return {
        **machine,
        **(_snapshot_outputs(params, machine) if params.snapshots else {}),
        "reconstruction_error": track("share of spins that one Gibbs step v-h-v changes, held-out data"),
        "free_energy_gap": track("mean free energy of held-out minus training data"),
        "weight_norm": track("Frobenius norm of W"),
        "gradient_norm": track("norm of the batch gradient, mean over the block"),
        "kl": track("KL(training data||RBM) in nats, exact, small machines only"),
    }


def machine_outputs(visible: int, hidden: int) -> dict[str, Output]:
    """Return the outputs that make a machine, wherever one comes from."""
    return {
        "weights": Output(
            ("visible", "hidden_unit"), (visible, hidden), "float32", description="couplings W of the RBM"
        ),
        "visible_bias": Output(
            ("visible",), (visible,), "float32", description="biases c of the visible units of the RBM"
        ),
        "hidden_bias": Output(
            ("hidden_unit",), (hidden,), "float32", description="biases b of the hidden units of the RBM"
        ),
    }


def _snapshot_outputs(params: RBMParams, machine: Mapping[str, Output]) -> dict[str, Output]:
    """Return the outputs of the machine, once more for each snapshot."""
    steps = {"snapshot": np.array(params.snapshots)}
    return {
        f"snapshot_{name}": Output(
            ("snapshot", *one.dims),
            (len(params.snapshots), *one.shape),
            one.dtype,
            description=f"{one.description}, after so many steps",
            coords=steps,
        )
        for name, one in machine.items()
    }


def init(params: RBMParams, rng: np.random.Generator, inputs: Inputs) -> Training:
    """Return weights from N(0, initial_scale^2), biases 0, and chains at training configurations."""
    training, _ = _split(params, inputs)
    weights = rng.normal(0, params.initial_scale, (params.visible, params.hidden)).astype(np.float32)
    zeros = np.zeros(params.visible, np.float32), np.zeros(params.hidden, np.float32)
    chains = np.empty((params.chains, params.visible), np.float32)
    gather(training, rng.integers(training.shape[0] * training.shape[1], size=params.chains), chains)
    descent = Descent.start(pack(Machine(weights, *zeros)))
    empty = np.full((len(params.snapshots), descent.position.size), np.nan, np.float32)
    return Training(*descent, chains, _distribution(params, training), _with_snapshot(params, empty, descent))


def advance(params: RBMParams, state: State, rng: np.random.Generator, inputs: Inputs) -> tuple[Training, Arrays]:
    """Return the state after `block` more steps of descent, and what the tracks read there."""
    descent, (chains, distribution, snapshots) = Descent(*state[:4]).copy(), state[4:]
    training, held_out = _split(params, inputs)
    trainer = Trainer(params, descent, chains, training, rng)
    norms = sum(trainer.step() for _ in range(params.block))
    machine = params.machine(descent.position)
    snapshots = _with_snapshot(params, snapshots, descent)
    results = {
        **{name: part.copy() for name, part in machine._asdict().items()},
        **_snapshot_results(params, snapshots),
        **_tracks(machine, training, held_out, rng),
        "gradient_norm": np.array([norms / params.block]),
        "kl": np.array([exact_divergence(machine, distribution) if distribution.size else np.nan]),
    }
    return Training(*descent, trainer.chains if params.persistent else chains, distribution, snapshots), results


def _with_snapshot(params: RBMParams, snapshots: Array, descent: Descent) -> Array:
    """Return the snapshots, with that of the step where the descent is if it is one of them."""
    here = np.array(params.snapshots) == descent.taken
    return np.where(here[:, None], descent.position, snapshots) if here.any() else snapshots


def _snapshot_results(params: RBMParams, snapshots: Array) -> dict[str, Array]:
    machines = [params.machine(position)._asdict() for position in snapshots]
    return {f"snapshot_{name}": np.stack([one[name] for one in machines]) for name in Machine._fields if machines}


def _tracks(machine: Machine, training: Array, held_out: Array, rng: np.random.Generator) -> dict[str, Array]:
    seen, unseen = _probe(training), _probe(held_out)
    looked_at = unseen if len(unseen) else seen
    h, means = np.empty((len(looked_at), len(machine.hidden_bias)), np.float32), np.empty_like(looked_at)
    fill_h_from_v(machine, looked_at, h, stream(rng))
    fill_v_from_h(machine, h, means, None)
    gap = free_energy(machine, unseen).mean() - free_energy(machine, seen).mean() if len(unseen) else np.nan
    return {
        "reconstruction_error": np.array([(1 - (looked_at * means).mean(dtype=np.float64)) / 2]),
        "free_energy_gap": np.array([gap], np.float64),
        "weight_norm": np.array([np.linalg.norm(machine.weights)], np.float64),
    }


def _split(params: RBMParams, inputs: Inputs) -> tuple[Array, Array]:
    """Return training and held-out data, each number[ensemble, configuration, visible], as views.

    An ensemble is what one label of every axis in front gives: a temperature, say.
    """
    spins = inputs["data"]["spins"]
    if spins.shape[-2] * spins.shape[-1] != params.visible:
        found = "x".join(map(str, spins.shape[-2:]))
        raise ValueError(f"data: found configurations of {found} spins; wanted {params.visible} spins")
    configurations = spins.reshape(-1, spins.shape[-3], params.visible)
    kept = configurations.shape[1] - int(params.held_out * configurations.shape[1])
    return configurations[:, :kept], configurations[:, kept:]


def _probe(data: Array) -> Array:
    """Return float32[n, visible], about `PROBE` configurations spread evenly, the same at every call.

    Training and held-out probes hold the ensembles in equal shares, so that their free energies compare.
    """
    each = min(max(PROBE // data.shape[0], 1), data.shape[1])
    places = np.arange(each) * data.shape[1] // max(each, 1)
    return data[:, places].reshape(-1, data.shape[2]).astype(np.float32)


def _distribution(params: RBMParams, training: Array) -> Array:
    if params.visible > ENUMERATED:
        return np.zeros(0)
    bits, counts = 1 << np.arange(params.visible), np.zeros(2**params.visible)
    for ensemble in training:
        counts += np.bincount((ensemble > 0) @ bits, minlength=len(counts))
    return np.asarray(counts / counts.sum())


def cost(params: RBMParams) -> float:
    """Return the seconds of one block of training steps and its tracks, on a core whose neighbours are busy."""
    couplings = params.visible * params.hidden
    model = params.chains if params.persistent else params.batch
    rows = 2 * params.batch + (2 * params.k + 1 + params.persistent) * model  # of all products with W or its gradient
    units = params.batch * params.hidden + model * params.k * (params.visible + params.hidden)
    step = 7e-5 + couplings * (2.6e-11 * rows + 2e-9) + units * (1e-9 if params.sampled else 7e-10)
    return params.block * step + 4 * PROBE * (2.6e-11 * couplings + 4e-9 * params.hidden)


def example_inputs(params: RBMParams, rng: np.random.Generator) -> Inputs:
    """Return configurations of two ensembles: all spins equal, and independent spins."""
    shape = (40, params.size, params.size)
    ordered = np.broadcast_to(rng.choice([-1, 1], (40, 1, 1)), shape)
    return {"data": {"spins": np.stack([ordered, rng.choice([-1, 1], shape)]).astype(np.int8)}}


RBM = Kernel(
    name="rbm",
    version=3,
    params=RBMParams,
    outputs=outputs,
    init=init,
    advance=advance,
    cost=cost,
    blocks=lambda params: params.steps // params.block,
    inputs={"data": ("spins",)},
    shapes={"data_shape": ("data", "spins")},
    example=RBMParams(size=3, hidden=4, steps=30, block=10, batch=10, learning_rate=0.02, snapshots=(0, 20)),
    example_inputs=example_inputs,
    stationarity=STATIONARITY,
    description="a restricted Boltzmann machine trained by contrastive divergence",
)
