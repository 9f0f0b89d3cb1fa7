"""Steps of a training in PyTorch: the algorithm of `trainer`, on a CPU or a GPU."""

from __future__ import annotations

import math
import warnings
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
        torch.set_num_threads(numba.get_num_threads())
        self._params, self._rule = params, params.descent_rule
        self._kind = getattr(torch, params.precision)
        self._position, self._first, self._second = (self._moved(part.copy()) for part in descent[:3])
        self._taken = int(descent.taken)
        self._machine = Parts.of(self._position, params.visible, params.hidden)
        self._gradient = torch.empty_like(self._position)
        self._chains, self._offsets = self._moved(chains.copy()), self._moved(offsets.copy())
        self._data = self._moved(data)
        self._source = torch.Generator(params.device).manual_seed(int(stream(rng)[0, 0] >> np.uint64(1)))
        drawn = rng.integers(data.shape[0] * data.shape[1], size=(params.block, params.batch))
        self._batches = zip(*(self._moved(part) for part in divmod(drawn, data.shape[1])), strict=True)
        model = len(chains) if params.persistent else params.batch
        # What a row of the data and one of the model count for, times `_rows`: as a rule small whole numbers, which
        # bfloat16 has exactly, so that both averages keep the same weight in any precision.
        divisor = math.gcd(params.batch, model)
        counts = np.repeat([-model // divisor, params.batch // divisor], [params.batch, model])
        self._counts = self._moved(counts.astype(np.float32))
        self._rows = params.batch * model // divisor

    @property
    def descent(self) -> Descent:
        """Return where the descent stands."""
        position, first, second = (part.cpu().numpy() for part in (self._position, self._first, self._second))
        return Descent(position, first, second, np.array(self._taken, np.int64))

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

        The norm stays on the device: nothing waits for it.
        """
        v, h = self._persistent_units() if self._params.persistent else self._units_from_data()
        self._fill_gradient(v, h)
        self._taken += 1
        norm = torch.linalg.vector_norm(self._gradient)
        move(self._rule, self._position, self._first, self._second, self._gradient, self._taken)
        return norm

    def _moved(self, array: Array) -> Tensor:
        """Return an array on the device, in its type: on a CPU the array itself, which is only read if it says so."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
            return torch.from_numpy(array).to(self._params.device)

    def _batch(self) -> Tensor:
        """Return float32[batch, visible]; data stay in their type, and become floats batch by batch."""
        return self._data[next(self._batches)].float()

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
        self._chains, chains_h = self._moved_on(self._h_from_v(self._chains, True), True, drawn)
        return torch.cat([v, self._chains]), torch.cat([self._h_from_v(v, drawn), chains_h])

    def _moved_on(self, h: Tensor, drawn: bool, last: bool) -> tuple[Tensor, Tensor]:
        """Return v and h after k steps h -> v -> h, the last h drawn if `last`."""
        for left in reversed(range(self._params.recipe.k)):
            v = self._units(self._product(h, self._machine.weights.T), self._machine.visible_bias, drawn)
            h = self._h_from_v(v, drawn if left else last)
        return v, h

    def _h_from_v(self, v: Tensor, drawn: bool) -> Tensor:
        return self._units(self._product(v, self._machine.weights), self._machine.hidden_bias, drawn)

    def _units(self, fields: Tensor, bias: Tensor, drawn: bool) -> Tensor:
        """Return units in +-1 drawn given their fields (eqs 11-12), or their means (eqs 13-14)."""
        means = fields.add_(bias).tanh_()
        if not drawn:
            return means
        # A dart in [-1, 1) plus the mean: a mean of -1 never gives +1, and a mean of 1 always does.
        dart = torch.rand(means.shape, generator=self._source, device=means.device).mul_(2).sub_(1).add_(means)
        return torch.where(dart >= 0, 1.0, -1.0)

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


def move(rule: Optimiser, position: Tensor, first: Tensor, second: Tensor, gradient: Tensor, taken: int) -> None:
    """Move a position, and the running means, by the step that was counted last; see `Optimiser`."""
    if rule.name == "sgd":
        position.sub_(gradient, alpha=rule.learning_rate)
    elif rule.name == "momentum":
        first.mul_(rule.momentum).add_(gradient)
        position.sub_(first, alpha=rule.learning_rate)
    else:
        rate, scale = rule.adam_scales(taken)
        first.mul_(rule.momentum).add_(gradient, alpha=1 - rule.momentum)
        second.mul_(rule.second_decay).addcmul_(gradient, gradient, value=1 - rule.second_decay)
        position.addcdiv_(first, second.sqrt().mul_(scale).add_(rule.epsilon), value=-rate)
