"""Steps of a training in PyTorch: the algorithm of `trainer`, on a CPU or a GPU."""

from __future__ import annotations

import math
import platform
import warnings
from collections.abc import Callable
from typing import NamedTuple

import numba
import numpy as np
import torch
from torch import Tensor

from sweep.kernels.contract import Array
from sweep.kernels.rbm.centring import FORGOTTEN
from sweep.kernels.rbm.optimiser import Descent, Optimiser
from sweep.kernels.rbm.params import RBMParams
from sweep.kernels.rbm.passes import stream


class Parts(NamedTuple):
    """The numbers of a machine, or a gradient in them, as views of one flat vector; see `Machine`."""

    weights: Tensor
    visible_bias: Tensor
    hidden_bias: Tensor

    @classmethod
    def of(cls, flat: Tensor, visible: int, hidden: int) -> Parts:
        """Return the views."""
        weights, visible_bias, hidden_bias = flat.split([visible * hidden, visible, hidden])
        return cls(weights.view(visible, hidden), visible_bias, hidden_bias)


class TorchTrainer:
    """One block of a descent; takes and gives numpy arrays as `Trainer` does, and changes none of them.

    Batches are those that `Trainer` draws; units come from a generator of the device, seeded from that of the block.
    One environment, of package versions and kind of processor, gives the same bits.

    Raises
    ------
    ValueError
        When the device is a GPU and there is none.
    """

    def __init__(
        self,
        params: RBMParams,
        descent: Descent,
        chains: Array,
        offsets: Array,
        data: Array,
        rng: np.random.Generator,
    ) -> None:
        if params.device == "cuda" and not torch.cuda.is_available():
            found = f"found cuda, but PyTorch {torch.__version__} sees no GPU on {platform.node()}"
            raise ValueError(f"device: {found}; wanted one that is built for GPUs, and a stage that has gpus")
        torch.set_num_threads(numba.get_num_threads())
        self._params, self._rule = params, params.descent_rule
        self._kind = getattr(torch, params.precision)
        self._position, self._first, self._second = (self._moved(part.copy()) for part in descent[:3])
        self._taken = int(descent.taken)
        self._done = torch.zeros(1, dtype=torch.int64, device=params.device)  # steps of the block
        scales = [self._rule.adam_scales(self._taken + 1 + n) for n in range(params.block)]
        self._scales = self._moved(np.array(scales, np.float32))
        self._machine = Parts.of(self._position, params.visible, params.hidden)
        self._gradient = torch.empty_like(self._position)
        self._chains, self._offsets = self._moved(chains.copy()), self._moved(offsets.copy())
        self._data = self._moved(data)
        self._source = torch.Generator(params.device).manual_seed(int(stream(rng)[0, 0] >> np.uint64(1)))
        drawn = rng.integers(data.shape[0] * data.shape[1], size=(params.block, params.batch))
        self._batches = self._moved(np.stack(divmod(drawn, data.shape[1]), axis=1))
        model = len(chains) if params.persistent else params.batch
        # What a row of the data and one of the model count for, times `_rows`: as a rule small whole numbers, which
        # bfloat16 has exactly, so that both averages keep the same weight in any precision.
        divisor = math.gcd(params.batch, model)
        counts = np.repeat([-model // divisor, params.batch // divisor], [params.batch, model])
        self._counts = self._moved(counts.astype(np.float32))
        self._rows = params.batch * model // divisor
        self._one = torch.ones((), device=params.device)
        self._norm = torch.zeros((), device=params.device)
        self._graph: torch.cuda.CUDAGraph | None = None

    @property
    def descent(self) -> Descent:
        """Return where the descent stands."""
        position, first, second = (part.cpu().numpy() for part in (self._position, self._first, self._second))
        return Descent(position, first, second, np.array(self._taken + int(self._done), np.int64))

    @property
    def offsets(self) -> Array:
        """Return float32[visible + hidden_unit], the means of a centred gradient; empty for a plain one."""
        return np.asarray(self._offsets.cpu().numpy())

    @property
    def chains(self) -> Array:
        """Return float32[chain, visible], where the persistent chains are."""
        return np.asarray(self._chains.cpu().numpy())

    def step(self) -> Tensor:
        """Take one step down the gradient of a batch drawn anew; return the norm of that gradient, penalties included.

        The norm stays on the device, where the next step replaces it: nothing waits for it. On a GPU all steps but the
        first of a block are one launch each, of all that the first one launched.
        """
        if self._graph is not None:
            self._graph.replay()
        else:
            self._step()
            if self._source.device.type == "cuda":
                self._graph = captured(self._step, self._source)
        return self._norm

    def _step(self) -> None:
        """Take a step, of which the host knows nothing: what differs from step to step is on the device."""
        self._couplings = self._machine.weights.to(self._kind)
        v, h = self._persistent_units() if self._params.persistent else self._units_from_data()
        self._fill_gradient(v, h)
        torch.linalg.vector_norm(self._gradient, out=self._norm)
        scales = self._scales.index_select(0, self._done)[0]
        move(self._rule, self._position, self._first, self._second, self._gradient, scales)
        self._done.add_(1)

    def _moved(self, array: Array) -> Tensor:
        """Return an array on the device, in its type: on a CPU the array itself, which is only read if it says so."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
            return torch.from_numpy(array).to(self._params.device)

    def _batch(self) -> Tensor:
        """Return float32[batch, visible]; data stay in their type, and become floats batch by batch."""
        ensembles, configurations = self._batches.index_select(0, self._done)[0]
        return self._data[ensembles, configurations].float()

    def _units_from_data(self) -> tuple[Tensor, Tensor]:
        """Return v and h, rows of the data first and those of the model behind; see `contrastive_divergence`."""
        drawn = self._params.sampled
        v = self._batch()
        h = self._h_from_v(v, drawn)
        model = self._moved_on(h, drawn, drawn)
        return torch.cat([v, model[0]]), torch.cat([h, model[1]])

    def _persistent_units(self) -> tuple[Tensor, Tensor]:
        """Return v and h, and move the chains on; see `persistent_divergence`."""
        v, drawn = self._batch(), self._params.sampled
        chains_v, chains_h = self._moved_on(self._h_from_v(self._chains, True), True, drawn)
        self._chains.copy_(chains_v)
        return torch.cat([v, chains_v]), torch.cat([self._h_from_v(v, drawn), chains_h])

    def _moved_on(self, h: Tensor, drawn: bool, last: bool) -> tuple[Tensor, Tensor]:
        """Return v and h after k steps h -> v -> h, the last h drawn if `last`."""
        for left in reversed(range(self._params.recipe.k)):
            v = self._units(self._product(h, self._couplings.T), self._machine.visible_bias, drawn)
            h = self._h_from_v(v, drawn if left else last)
        return v, h

    def _h_from_v(self, v: Tensor, drawn: bool) -> Tensor:
        return self._units(self._product(v, self._couplings), self._machine.hidden_bias, drawn)

    def _units(self, fields: Tensor, bias: Tensor, drawn: bool) -> Tensor:
        """Return units in +-1 drawn given their fields (eqs 11-12), or their means (eqs 13-14)."""
        means = fields.add_(bias).tanh_()
        if not drawn:
            return means
        # A dart in [-1, 1) plus the mean: a mean of -1 never gives +1, and a mean of 1 always does.
        dart = torch.empty_like(means).uniform_(-1, 1, generator=self._source).add_(means)
        return torch.copysign(self._one, dart)

    def _product(self, a: Tensor, b: Tensor) -> Tensor:
        return (a.to(self._kind) @ b.to(self._kind)).float()

    def _fill_gradient(self, v: Tensor, h: Tensor) -> None:
        """Fill the gradient, centred and with penalties as the parameters say (eqs 8-10; `Centring`)."""
        params, weights = self._params, self._machine.weights
        slopes, slope_v, slope_h = Parts.of(self._gradient, *weights.shape)
        slopes.copy_(self._product(v.T, self._counts[:, None] * h)).div_(self._rows)
        torch.div(self._counts @ v, self._rows, out=slope_v)
        torch.div(self._counts @ h, self._rows, out=slope_h)
        if params.l1:
            slopes.add_(weights.sign(), alpha=params.l1)
        if params.l2:
            slopes.add_(weights, alpha=params.l2)
        if params.centred:
            mean_v, mean_h = self._offsets.split(list(weights.shape))
            slopes.addr_(mean_v, slope_h, alpha=-1).addr_(slope_v, mean_h, alpha=-1)
            slope_v.sub_(slopes @ mean_h)
            slope_h.sub_(mean_v @ slopes)
            halves = self._counts.abs() / (2 * self._rows)
            self._offsets.lerp_(torch.cat([halves @ v, halves @ h]), FORGOTTEN)
        elif not params.biases:
            slope_v.zero_()
            slope_h.zero_()


def move(
    rule: Optimiser, position: Tensor, first: Tensor, second: Tensor, gradient: Tensor, adam_scales: Tensor
) -> None:
    """Move a position, and the running means, by one step; see `Optimiser`."""
    if rule.name == "sgd":
        position.sub_(gradient, alpha=rule.learning_rate)
    elif rule.name == "momentum":
        first.mul_(rule.momentum).add_(gradient)
        position.sub_(first, alpha=rule.learning_rate)
    else:
        rate, scale = adam_scales
        first.mul_(rule.momentum).add_(gradient, alpha=1 - rule.momentum)
        second.mul_(rule.second_decay).addcmul_(gradient, gradient, value=1 - rule.second_decay)
        position.addcdiv_(first * rate, second.sqrt().mul_(scale).add_(rule.epsilon), value=-1)


def captured(work: Callable[[], None], source: torch.Generator) -> torch.cuda.CUDAGraph:
    """Return what launches all of some work at once, with random numbers of a source; nothing is done here."""
    graph = torch.cuda.CUDAGraph()
    graph.register_generator_state(source)
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        work()
    torch.cuda.synchronize()  # a capture resets the source from a stream of its own, which no launch would wait for
    return graph
