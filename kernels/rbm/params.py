"""Parameters of the kernel ``rbm``: everything that the literature varies."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from sweep.kernels.contract import Array, parameter
from sweep.kernels.rbm.machine import Machine, unpack
from sweep.kernels.rbm.optimiser import Optimiser

DOUBLINGS = 9  # of the step from one snapshot of `equilibrium` to the next: 1 to 512 blocks


class Recipe(NamedTuple):
    """What a preset sets."""

    method: str
    statistics: str
    gradient: str
    k: int
    chains: int
    optimiser: str
    learning_rate: float
    tracks: str


PRESETS = {
    "code": Recipe("pcd", "sampled", "plain", 1, 1, "adam", 1e-3, "short"),
    "text": Recipe("cd", "mean_field", "plain", 1, 1, "adam", 1e-3, "short"),
    "equilibrium": Recipe("pcd", "mean_field", "centred", 10, 1000, "sgd", 1e-2, "full"),
}


@dataclass(frozen=True)
class RBMParams:
    """Parameters of the machine and its training.

    ``preset: code`` follows the authors' public code: persistent contrastive divergence with k = 1 and one chain, drawn
    +-1 statistics, weights from N(0, 0.05^2), biases 0, Adam with rate 1e-3 and epsilon 1e-2, batches of 100; 10 000 or
    50 000 steps, both occur. Not known, ours: where the chain starts (a training configuration), the decays of Adam
    (0.9 and 0.999, Kingma and Ba's), the order of the batches.

    ``preset: text`` follows the paper's equations 13-21: contrastive divergence from the data with k = 1, tanh means
    for all units. The text states 100 -> 81 units and leaves open the optimiser, its rate, the batch, the start and the
    length: there we use the values of ``code``.

    ``preset: equilibrium`` is what training asks for that is to learn a distribution and not a dynamics (Decelle,
    Furtlehner & Seoane, NeurIPS 2021): persistent contrastive divergence of 10 steps with 1000 chains, whose drawn v
    give tanh means of h; the centred gradient; plain descent with rate 0.01; all tracks; and, where no `snapshots` are
    named, the machine before any training and after 1, 2, 4, ... 512 blocks, NaN after the last step. Adam divides by
    the noise of the gradient, of which so many chains leave little: its steps run away from the chains. At its usual
    rate, and k = 1, a machine of 9 and 18 units came within 0.004 nats of 3x3 Ising data, and was 11 nats away 3000
    steps later.

    Libraries read `epsilon` in two ways. After t steps Kingma and Ba's algorithm 1, and PyTorch, divide by
    sqrt(s / b) + epsilon, where b = 1 - second_decay^t corrects the running mean square s for its start at zero;
    TensorFlow (`epsilon_hat`) divides by sqrt(s) + epsilon and corrects the rate instead, which is as if epsilon were
    epsilon / sqrt(b): 32 times larger in the first step, 1.3 times after 1000. At 1e-2, which is as large as the
    gradients of a trained machine, it matters; at 1e-8 it does not. Which one the authors used is not known.

    A preset sets `method`, `statistics`, `gradient`, `k`, `chains`, `optimiser`, `learning_rate` and `tracks`; naming
    one of those overrides it alone. All else is a parameter of its own with the same default in all presets. A grid
    with presets on an axis names `snapshots`, for all of them alike. Neither source says whether data are held out; we
    hold out the last tenth of each temperature's configurations, for the tracks. Batches are independent draws from the
    training data with replacement, not epochs of a shuffle, so that any block can be repeated without the history of
    the ones before; the expected gradient is the same.

    ``backend: torch`` is the same algorithm in PyTorch, an optional extra, with other random numbers: on a GPU
    (``device: cuda``), and with products in bfloat16 where that is fast.

    Raises
    ------
    ValueError
        When `steps`, or one of `snapshots`, is not a multiple of `block`, or there are snapshots after the last step;
        for a centred gradient without biases; for a device or a precision that only PyTorch has.
    """

    size: int = parameter("sites per side of the lattice that the chain of layers begins with", ge=1)
    hidden: int = parameter("hidden units", ge=1)
    preset: str = parameter("recipe: what is not named is as it says", default="code", choices=tuple(PRESETS))
    method: str = parameter(
        "contrastive divergence from the data (cd) or from persistent chains (pcd)",
        default="preset",
        choices=("preset", "cd", "pcd"),
    )
    statistics: str = parameter(
        "units drawn in +-1 (sampled) or replaced by their tanh means (mean_field)",
        default="preset",
        choices=("preset", "sampled", "mean_field"),
    )
    k: int = parameter("Gibbs steps per gradient; 0 for those of the preset", default=0, ge=0)
    gradient: str = parameter(
        "gradient for units as they are (plain), or counted from their means (centred)",
        default="preset",
        choices=("preset", "plain", "centred"),
    )
    chains: int = parameter("persistent chains; 0 for those of the preset", default=0, ge=0)
    optimiser: str = parameter("descent rule", default="preset", choices=("preset", "sgd", "momentum", "adam"))
    learning_rate: float = parameter("length of a step; 0 for that of the preset", default=0.0, ge=0)
    momentum: float = parameter("decay of the running mean of the gradient", default=0.9, ge=0, lt=1)
    second_decay: float = parameter("decay of Adam's running mean square", default=0.999, ge=0, lt=1)
    epsilon: float = parameter("guard of Adam's denominator", default=1e-2, gt=0)
    epsilon_hat: bool = parameter(
        "Adam's guard as TensorFlow has it, beside a root mean square that is not corrected for its start",
        default=False,
    )
    batch: int = parameter("configurations per step", default=100, ge=1)
    steps: int = parameter("steps of training; a multiple of block", default=10_000, ge=1, extent=True)
    block: int = parameter("steps between two points of the tracks, and between checkpoints", default=1000, ge=1)
    initial_scale: float = parameter("standard deviation of the initial weights", default=0.05, ge=0)
    snapshots: tuple[int, ...] = parameter(
        "steps at which the machine is kept beside the last one; multiples of block, 0 before any training",
        default=(),
        ge=0,
    )
    tracks: str = parameter(
        "what is tracked: what takes little time (short), or ln Z of large machines and how they mix as well (full)",
        default="preset",
        choices=("preset", "short", "full"),
    )
    l1: float = parameter("weight of sum |W| in the loss", default=0.0, ge=0)
    l2: float = parameter("weight of sum W^2 / 2 in the loss", default=0.0, ge=0)
    biases: bool = parameter("whether biases are trained; otherwise they stay 0", default=True)
    held_out: float = parameter(
        "share of every temperature's configurations that training never sees", default=0.1, ge=0, lt=1
    )

    backend: str = parameter(
        "what computes the steps: this package (numpy), or PyTorch where it is installed (torch)",
        default="numpy",
        choices=("numpy", "torch"),
        added=True,
    )
    device: str = parameter("where PyTorch computes", default="cpu", choices=("cpu", "cuda"), added=True)
    precision: str = parameter(
        "numbers that PyTorch multiplies matrices in; everything else is in single precision",
        default="float32",
        choices=("float32", "bfloat16"),
        added=True,
    )

    data_shape: tuple[int, ...] = parameter(
        "configurations, rows and columns of the data, from the data; size x size units when left out", default=()
    )

    def __post_init__(self) -> None:
        if self.steps % self.block:
            raise ValueError(f"steps: found {self.steps}; wanted a multiple of block, which is {self.block}")
        ordered = all(first < then for first, then in itertools.pairwise(self.snapshots))
        if not ordered or any(step % self.block for step in self.snapshots):
            wanted = f"multiples of block, which is {self.block}, in ascending order"
            raise ValueError(f"snapshots: found {list(self.snapshots)}; wanted {wanted}")
        if self.snapshots and self.snapshots[-1] > self.steps:
            raise ValueError(f"snapshots: found {self.snapshots[-1]}; wanted {self.steps} at most, which is steps")
        if self.centred and not self.biases:
            raise ValueError("gradient: found centred, which moves biases, without biases; wanted plain")
        for name, usual in (("device", "cpu"), ("precision", "float32")):
            if self.backend == "numpy" and getattr(self, name) != usual:
                raise ValueError(f"{name}: found {getattr(self, name)}; wanted {usual}, or backend: torch")

    @property
    def visible(self) -> int:
        """Return the number of visible units: one for each site of the data."""
        rows, columns = self.data_shape[-2:] or (self.size, self.size)
        return rows * columns

    @cached_property
    def recipe(self) -> Recipe:
        """Return the preset, with what is named in its place."""
        preset = PRESETS[self.preset]
        named = {name: getattr(self, name) for name in Recipe._fields}
        return preset._replace(**{name: value for name, value in named.items() if value not in ("preset", 0)})

    @property
    def persistent(self) -> bool:
        """Return whether model averages come from persistent chains."""
        return self.recipe.method == "pcd"

    @property
    def sampled(self) -> bool:
        """Return whether the statistics are drawn, rather than tanh means."""
        return self.recipe.statistics == "sampled"

    @property
    def centred(self) -> bool:
        """Return whether the gradient is the centred one."""
        return self.recipe.gradient == "centred"

    @property
    def ages(self) -> tuple[int, ...]:
        """Return the steps at which the machine is kept; those of a preset do not depend on `steps`, which may grow."""
        if self.snapshots or self.preset != "equilibrium":
            return self.snapshots
        return (0, *(self.block * 2**n for n in range(DOUBLINGS + 1)))

    @property
    def descent_rule(self) -> Optimiser:
        """Return the optimiser."""
        rule, decays = self.recipe, (self.momentum, self.second_decay)
        return Optimiser(rule.optimiser, rule.learning_rate, *decays, self.epsilon, self.epsilon_hat)

    def machine(self, position: Array) -> Machine:
        """Return the machine whose numbers are `position`."""
        return unpack(position, self.visible, self.hidden)
