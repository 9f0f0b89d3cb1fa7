"""Contrastive divergence: stochastic estimates of the gradient of KL(data||machine) (paper, eqs 8-10 and 13-21)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sweep.kernels.contract import Array
from sweep.kernels.rbm.machine import Machine
from sweep.kernels.rbm.passes import fill_h_from_v, fill_v_from_h, share_rows, units_from_fields


class Units(NamedTuple):
    """The units that a gradient averages over, in arrays that every step fills again.

    Rows of the data come first, those of the model behind them; n rows in all.

    Parameters
    ----------
    v : float[n, visible]
    h, shared : float[n, hidden_unit]
        The second is the first times `share`.
    share : float[n]
        What a row counts for: 1 over the number of rows of the model, or -1 over that of the data (eqs 8-10).
    data : int
        Rows of the data.
    """

    v: Array
    h: Array
    shared: Array
    share: Array
    data: int

    @classmethod
    def of(cls, machine: Machine, data: int, model: int) -> Units:
        """Return units of a machine, not yet filled, with so many rows of the data and of the model."""
        kind = machine.weights.dtype
        visible, hidden = machine.weights.shape
        share = np.concatenate([np.full(data, -1 / data), np.full(model, 1 / model)]).astype(kind)
        rows = data + model
        h, shared = np.zeros((2, rows, hidden), kind)
        return cls(np.zeros((rows, visible), kind), h, shared, share, data)


def contrastive_divergence(machine: Machine, units: Units, k: int, source: Array | None) -> None:
    """Fill units for a CD-k gradient (Hinton 2002) of the configurations in the rows of the data.

    Parameters
    ----------
    units : Units
        As many rows of the model as of the data.
    k : int
        Gibbs steps.
    source : uint64[4, 8], optional
        Of random numbers, see `passes.stream`. Without, tanh means stand for units: eqs 13-15 repeated k times.
    """
    v, h, data = units.v, units.h, units.data
    fill_h_from_v(machine, v[:data], h[:data], source)
    h[data:] = h[:data]
    _move_model(machine, units, k, source, source)


def persistent_divergence(machine: Machine, units: Units, k: int, sampled: bool, source: Array) -> None:
    """Fill units for a gradient whose model averages come from persistent chains, and move the chains k steps on.

    The chains themselves are always drawn (Tieleman 2008): a chain of tanh means would run into a fixed point. With
    `sampled` the hidden units of both averages are drawn as well; otherwise they are the means given v.

    Parameters
    ----------
    units : Units
        The v in the rows of the model are the chains.
    """
    v, h, data = units.v, units.h, units.data
    counted = source if sampled else None
    np.matmul(v, machine.weights, out=h)
    units_from_fields(h[:data], machine.hidden_bias, counted)
    units_from_fields(h[data:], machine.hidden_bias, source)
    _move_model(machine, units, k, source, counted)


def _move_model(machine: Machine, units: Units, k: int, source: Array | None, last: Array | None) -> None:
    """Move the rows of the model k steps h -> v -> h, the last h with the numbers of `last`; then fill `shared`."""
    v, h = units.v[units.data :], units.h[units.data :]
    for left in reversed(range(k)):
        fill_v_from_h(machine, h, v, source)
        fill_h_from_v(machine, v, h, source if left else last)
    share_rows(units.h, units.share, units.shared)


def fill_weight_gradient(units: Units, rows: slice, gradient: Array) -> None:
    """Fill float[rows, hidden_unit] with the model's minus the data's average of v h (eq 8), for some visible units.

    Both averages are one product.
    """
    np.matmul(units.v[:, rows].T, units.shared, out=gradient)


def fill_bias_gradient(units: Units, gradient: Array) -> None:
    """Fill float[visible + hidden_unit] with the model's minus the data's averages of v and of h (eqs 9-10)."""
    visible = units.v.shape[1]
    np.matmul(units.share, units.v, out=gradient[:visible])
    np.matmul(units.share, units.h, out=gradient[visible:])
