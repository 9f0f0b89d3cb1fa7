"""The kernel ``thermometer``: a network that reads a temperature off a configuration, beside the exact reading."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sweep.kernels.contract import Array, Arrays, Inputs, Kernel, Output, State, parameter
from sweep.kernels.rbm.optimiser import Descent, Optimiser
from sweep.kernels.rbm.passes import gather
from sweep.kernels.thermometer.exact import energy_thermometer, site_energies
from sweep.kernels.thermometer.network import Network, log_probabilities, loss_gradient, pack, random_network, unpack
from sweep.kernels.thermometer.symmetries import random_images
from sweep.kernels.thermometer.tally import (
    Tally,
    accuracy,
    add_readings,
    empty_tally,
    mean_loss,
    tally_outputs,
    tally_results,
)

ROWS = 2000  # configurations read at once: small enough for the caches


@dataclass(frozen=True)
class ThermometerParams:
    """Parameters of the thermometer.

    The paper states 100-80-60 units, tanh then softmax, the divergence to one-hot labels, 60 % training and 40 %
    validation data, and 3000 epochs. It leaves open the optimiser, its rate, the batch and the start. Ours: Adam in
    batches of 1000, a rate that halves every 6 epochs, and Glorot's start; 30 such epochs (21 600 steps on
    20 000 configurations of each of 60 temperatures) reach 3.05 nats, where 3000 would cost over an hour.
    `symmetries` is ours too: 2000 configurations per temperature are learnt by heart (3.20 nats), their random images
    are not (3.09).

    Raises
    ------
    ValueError
        When no temperatures are given.
    """

    size: int = parameter("sites per side of the square lattice", ge=3)
    temperatures: tuple[float, ...] = parameter("temperature classes: the labels of the data", units="J/k_B", ge=0)
    units: int = parameter("tanh units of the hidden layer", default=80, ge=1)
    training_fraction: float = parameter(
        "share of each temperature's configurations, from the first on, that is trained on", default=0.6, gt=0, lt=1
    )
    symmetries: bool = parameter(
        "show every training configuration as a random image under the lattice's symmetries and the spin flip",
        default=False,
    )
    epochs: int = parameter("passes over the training data", default=30, ge=1, extent=True)
    optimiser: str = parameter("descent rule", default="adam", choices=("sgd", "momentum", "adam"))
    learning_rate: float = parameter("rate in the first epoch", default=1e-2, gt=0)
    half_life: float = parameter("epochs in which the rate halves; 0 keeps it", default=6.0, ge=0)
    batch: int = parameter("configurations per step", default=1000, ge=1)
    momentum: float = parameter("decay of the running mean of the gradient", default=0.9, ge=0, lt=1)
    second_decay: float = parameter("decay of Adam's running mean square", default=0.999, ge=0, lt=1)
    epsilon: float = parameter("guard of Adam's denominator", default=1e-8, gt=0)

    def __post_init__(self) -> None:
        if not self.temperatures:
            raise ValueError("temperatures: found none; wanted the classes to tell apart")

    @property
    def visible(self) -> int:
        """Return the number of inputs of the network."""
        return self.size * self.size

    def network(self, position: Array) -> Network:
        """Return the network whose numbers are `position`."""
        return unpack(position, self.visible, self.units, len(self.temperatures))

    def optimiser_at(self, epoch: int) -> Optimiser:
        """Return the descent rule of an epoch, counted from 0."""
        decay = 0.5 ** (epoch / self.half_life) if self.half_life else 1.0
        rate = self.learning_rate * decay
        return Optimiser(self.optimiser, rate, self.momentum, self.second_decay, self.epsilon)


def outputs(params: ThermometerParams) -> dict[str, Output]:
    """Return the outputs: the network, its losses per epoch, and how both thermometers read the validation data."""
    classes = len(params.temperatures)
    epoch = {"epoch": np.arange(1, params.epochs + 1)}
    by_class = {"temperature_class": np.array(params.temperatures)}

    def track(description: str) -> Output:
        return Output(("epoch",), (params.epochs,), "float64", "", description, epoch, block=1)

    return {
        "input_weights": Output(
            ("visible", "unit"), (params.visible, params.units), "float32", description="weights W1 of the network"
        ),
        "unit_bias": Output(("unit",), (params.units,), "float32", description="biases b1 of the network"),
        "output_weights": Output(
            ("unit", "temperature_class"),
            (params.units, classes),
            "float32",
            description="weights W2 of the network",
            coords=by_class,
        ),
        "class_bias": Output(
            ("temperature_class",), (classes,), "float32", description="biases b2 of the network", coords=by_class
        ),
        "training_loss": track("mean cross-entropy, in nats, of the training data after the epoch"),
        "validation_loss": track("mean cross-entropy, in nats, of the validation data after the epoch"),
        "validation_accuracy": track("how often the most likely class is right, validation data"),
        "energy_loss": Output((), (), "float64", "", "mean cross-entropy, in nats, of the exact energy thermometer"),
        "energy_accuracy": Output((), (), "float64", "", "how often the exact energy thermometer is right"),
        **tally_outputs(params.temperatures, "network", "network"),
        **tally_outputs(params.temperatures, "energy", "exact energy thermometer"),
    }


def init(params: ThermometerParams, rng: np.random.Generator, inputs: Inputs) -> State:
    """Return the untrained network, its descent, and the exact thermometer's readings of the validation data."""
    network = random_network(params.visible, params.units, len(params.temperatures), rng)
    return (*Descent.start(pack(network)), *_read_by_energy(params, _split(params, inputs)[1]))


def advance(params: ThermometerParams, state: State, rng: np.random.Generator, inputs: Inputs) -> tuple[State, Arrays]:
    """Return the state after one more epoch: every training configuration once, in an order drawn from `rng`."""
    descent = Descent(*state[:4]).copy()
    energy_tally = Tally(*state[4:])
    training, validation = _split(params, inputs)
    steps_per_epoch = -(-training.shape[0] * training.shape[1] // params.batch)
    optimiser = params.optimiser_at(int(descent.taken) // steps_per_epoch)
    for spins, classes in _batches(params, training, rng):
        _, gradient = loss_gradient(params.network(descent.position), spins, classes)
        optimiser.step(descent, pack(gradient))
    tally = _read_by_network(params, descent.position, validation)
    results = {
        **{name: part.copy() for name, part in params.network(descent.position)._asdict().items()},
        "training_loss": np.array([mean_loss(_read_by_network(params, descent.position, training))]),
        "validation_loss": np.array([mean_loss(tally)]),
        "validation_accuracy": np.array([accuracy(tally)]),
        "energy_loss": np.array(mean_loss(energy_tally)),
        "energy_accuracy": np.array(accuracy(energy_tally)),
        **tally_results(tally, "network"),
        **tally_results(energy_tally, "energy"),
    }
    return (*descent, *energy_tally), results


def _split(params: ThermometerParams, inputs: Inputs) -> tuple[Array, Array]:
    """Return training and validation data, each int8[temperature, configuration, visible], as views.

    The split is by configuration and the same at every temperature: the last ones validate.
    """
    spins = inputs["data"]["spins"]
    classes, count = len(params.temperatures), spins.shape[-3]
    if spins.size != classes * count * params.visible:
        raise ValueError(
            f"data: found spins of shape {spins.shape}; wanted {classes} temperatures of configurations of "
            f"{params.size}x{params.size} spins: select one label of every other axis"
        )
    trained = round(params.training_fraction * count)
    if not 0 < trained < count:
        raise ValueError(f"data: found {count} configurations per temperature; too few to train and to validate")
    configurations = spins.reshape(classes, count, params.visible)
    return configurations[:, :trained], configurations[:, trained:]


def _batches(params: ThermometerParams, data: Array, rng: np.random.Generator) -> Iterator[tuple[Array, Array]]:
    classes, count, _ = data.shape
    order = rng.permutation(classes * count)
    for start in range(0, len(order), params.batch):
        drawn = order[start : start + params.batch]
        spins = np.empty((len(drawn), params.visible), np.float32)
        gather(data, drawn, spins)
        yield random_images(spins, params.size, rng) if params.symmetries else spins, drawn // count


def _read_by_network(params: ThermometerParams, position: Array, data: Array) -> Tally:
    network, tally = params.network(position), empty_tally(len(data))
    for true, spins in _pieces(data):
        add_readings(tally, true, log_probabilities(network, spins), np.array(params.temperatures))
    return tally


def _read_by_energy(params: ThermometerParams, data: Array) -> Tally:
    thermometer, tally = energy_thermometer(params.size, params.temperatures), empty_tally(len(data))
    for true, spins in _pieces(data):
        energies = site_energies(spins.reshape(-1, params.size, params.size))
        add_readings(tally, true, thermometer.log_probabilities(energies), np.array(params.temperatures))
    return tally


def _pieces(data: Array) -> Iterator[tuple[int, Array]]:
    for true, configurations in enumerate(data):
        for start in range(0, len(configurations), ROWS):
            yield true, configurations[start : start + ROWS].astype(np.float32)


def cost(params: ThermometerParams) -> float:
    """Return the seconds of one epoch, for 10 000 configurations per class (which parameters do not tell)."""
    products = params.units * (params.visible + len(params.temperatures))
    return 1e4 * len(params.temperatures) * (products * 1.5e-10 + 5e-7)


def example_inputs(params: ThermometerParams, rng: np.random.Generator) -> Inputs:
    """Return independent spins whose mean falls with temperature: enough to train on."""
    temperatures = np.array(params.temperatures)
    up = 0.5 + 0.5 * np.exp(-temperatures)[:, None, None, None]
    spins = np.where(rng.random((len(temperatures), 50, params.size, params.size)) < up, 1, -1)
    return {"data": {"spins": spins.astype(np.int8), "temperature": temperatures}}


THERMOMETER = Kernel(
    name="thermometer",
    version=2,
    params=ThermometerParams,
    outputs=outputs,
    init=init,
    advance=advance,
    cost=cost,
    work=lambda params: 1e4 * len(params.temperatures),
    work_unit="training samples",
    blocks=lambda params: params.epochs,
    inputs={"data": ("spins",)},
    labels={"temperatures": ("data", "temperature")},
    example=ThermometerParams(size=4, temperatures=(0.0, 1.0, 4.0), units=6, epochs=3, batch=16),
    example_inputs=example_inputs,
    description="a network that reads the temperature of a configuration, beside the exact reading of its energy",
)
