"""The kernel ``rbm``: a restricted Boltzmann machine trained by contrastive divergence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sweep.kernels.contract import Array, Arrays, Inputs, Kernel, Output, State
from sweep.kernels.rbm.ising import STATIONARITY
from sweep.kernels.rbm.machine import Machine, exact_divergence, mean_h_from_v, pack
from sweep.kernels.rbm.optimiser import Descent
from sweep.kernels.rbm.params import RBMParams
from sweep.kernels.rbm.passes import gather
from sweep.kernels.rbm.tracks import probe, read_tracks, track_cost, track_outputs
from sweep.kernels.rbm.trainer import Trainer

if TYPE_CHECKING:
    from sweep.kernels.rbm.torch_trainer import TorchTrainer

ENUMERATED = 16  # visible units up to which the exact divergence is tracked


class Training(NamedTuple):
    """The state: a descent (see `Descent`), the persistent chains, and q on small machines.

    Parameters
    ----------
    chains : float32[chain, visible], +-1
    offsets : float32[visible + hidden_unit]
        See `Centring`; empty for a plain gradient.
    data : float64[2**visible], or empty beyond `ENUMERATED` visible units
        Probability of every configuration in the training data.
    snapshots : float32[snapshot, parameters]
        Positions of the descent at `RBMParams.ages`; NaN where it is not there yet.
    """

    position: Array
    first: Array
    second: Array
    taken: Array
    chains: Array
    offsets: Array
    data: Array
    snapshots: Array


def outputs(params: RBMParams) -> dict[str, Output]:
    """Return the outputs: the machine after the last step, and tracks with one point per block."""
    machine = machine_outputs(params.visible, params.hidden)
    return {
        **machine,
        **(_snapshot_outputs(params, machine) if params.ages else {}),
        **track_outputs(params),
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
    steps = {"snapshot": np.array(params.ages)}
    return {
        f"snapshot_{name}": Output(
            ("snapshot", *one.dims),
            (len(params.ages), *one.shape),
            one.dtype,
            description=f"{one.description}, after so many steps",
            coords=steps,
        )
        for name, one in machine.items()
    }


def init(params: RBMParams, rng: np.random.Generator, inputs: Inputs) -> Training:
    """Return weights from N(0, initial_scale^2), biases 0, chains at training configurations, and means of the data."""
    training, _ = _split(params, inputs)
    weights = rng.normal(0, params.initial_scale, (params.visible, params.hidden)).astype(np.float32)
    zeros = np.zeros(params.visible, np.float32), np.zeros(params.hidden, np.float32)
    chains = np.empty((params.recipe.chains, params.visible), np.float32)
    gather(training, rng.integers(training.shape[0] * training.shape[1], size=params.recipe.chains), chains)
    machine = Machine(weights, *zeros)
    descent = Descent.start(pack(machine))
    offsets = _means(machine, probe(training)) if params.centred else np.zeros(0, np.float32)
    empty = np.full((len(params.ages), descent.position.size), np.nan, np.float32)
    snapshots = _with_snapshot(params, empty, descent)
    return Training(*descent, chains, offsets, _distribution(params, training), snapshots)


def _means(machine: Machine, v: Array) -> Array:
    """Return float32[visible + hidden_unit], the means of v and of h given v."""
    return np.concatenate([v.mean(axis=0), mean_h_from_v(machine, v).mean(axis=0)])


def advance(params: RBMParams, state: State, rng: np.random.Generator, inputs: Inputs) -> tuple[Training, Arrays]:
    """Return the state after `block` more steps of descent, and what the tracks read there."""
    descent, (chains, offsets, distribution, snapshots) = Descent(*state[:4]).copy(), state[4:]
    data = _split(params, inputs)
    trainer = _trainer(params)(params, descent, chains, offsets, data[0], rng)
    norms = float(sum(trainer.step() for _ in range(params.block)))
    descent = trainer.descent
    machine = params.machine(descent.position)
    snapshots = _with_snapshot(params, snapshots, descent)
    chains = trainer.chains if params.persistent else chains
    results = {
        **{name: part.copy() for name, part in machine._asdict().items()},
        **_snapshot_results(params, snapshots),
        **read_tracks(params, machine, data, chains, rng),
        "gradient_norm": np.array([norms / params.block]),
        "kl": np.array([exact_divergence(machine, distribution) if distribution.size else np.nan]),
    }
    return Training(*descent, chains, trainer.offsets, distribution, snapshots), results


def _trainer(params: RBMParams) -> type[Trainer | TorchTrainer]:
    """Return what takes the steps; PyTorch, where it is asked for, is imported here and not before."""
    if params.backend == "numpy":
        return Trainer
    from sweep.kernels.rbm.torch_trainer import TorchTrainer  # noqa: PLC0415 - an extra, which others do without

    return TorchTrainer


def _with_snapshot(params: RBMParams, snapshots: Array, descent: Descent) -> Array:
    """Return the snapshots, with that of the step where the descent is if it is one of them."""
    here = np.array(params.ages) == descent.taken
    return np.where(here[:, None], descent.position, snapshots) if here.any() else snapshots


def _snapshot_results(params: RBMParams, snapshots: Array) -> dict[str, Array]:
    machines = [params.machine(position)._asdict() for position in snapshots]
    return {f"snapshot_{name}": np.stack([one[name] for one in machines]) for name in Machine._fields if machines}


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


def _distribution(params: RBMParams, training: Array) -> Array:
    if params.visible > ENUMERATED:
        return np.zeros(0)
    bits, counts = 1 << np.arange(params.visible), np.zeros(2**params.visible)
    for ensemble in training:
        counts += np.bincount((ensemble > 0) @ bits, minlength=len(counts))
    return np.asarray(counts / counts.sum())


def cost(params: RBMParams) -> float:
    """Return the seconds of one block of training steps and its tracks, on a core whose neighbours are busy.

    Those of a GPU are what `benchmarks/rbm_torch.py` found on an H200.
    """
    couplings, k = params.visible * params.hidden, params.recipe.k
    model = params.recipe.chains if params.persistent else params.batch
    rows = 2 * params.batch + (2 * k + 1 + params.persistent) * model  # of all products with W or its gradient
    units = params.batch * params.hidden + model * k * (params.visible + params.hidden)
    unit = 1.7e-9 if params.sampled or params.persistent else 1e-9
    step = 4.3e-5 + couplings * (2.3e-11 * rows + 2.2e-9) + units * unit
    if params.device == "cuda":  # 2 us for each of the kernels that a step launches, most of which do little
        step = 7e-5 + 3e-5 * k + couplings * (4.4e-14 * rows + 4.5e-11)
    return params.block * step + track_cost(params)


def gpus(params: RBMParams) -> float:
    """Return 1 where PyTorch takes the steps on a GPU."""
    return float(params.device == "cuda")


def requires(params: RBMParams) -> tuple[str, ...]:
    """Return PyTorch where it takes the steps."""
    return ("torch",) if params.backend == "torch" else ()


def example_inputs(params: RBMParams, rng: np.random.Generator) -> Inputs:
    """Return configurations of two ensembles: all spins equal, and independent spins."""
    shape = (40, params.size, params.size)
    ordered = np.broadcast_to(rng.choice([-1, 1], (40, 1, 1)), shape)
    return {"data": {"spins": np.stack([ordered, rng.choice([-1, 1], shape)]).astype(np.int8)}}


RBM = Kernel(
    name="rbm",
    version=4,
    params=RBMParams,
    outputs=outputs,
    init=init,
    advance=advance,
    cost=cost,
    work=lambda params: params.block * params.batch,
    work_unit="training samples",
    blocks=lambda params: params.steps // params.block,
    inputs={"data": ("spins",)},
    shapes={"data_shape": ("data", "spins")},
    requires=requires,
    gpus=gpus,
    example=RBMParams(size=3, hidden=4, steps=30, block=10, batch=10, learning_rate=0.02, snapshots=(0, 20)),
    example_inputs=example_inputs,
    stationarity=STATIONARITY,
    description="a restricted Boltzmann machine trained by contrastive divergence",
)
