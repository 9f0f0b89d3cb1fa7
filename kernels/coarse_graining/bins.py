"""Averages of products of two layers over bins of configurations (eq 60), and what the bins say of errors."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np

from sweep.kernels.contract import Array

BINS = 10
ROWS = 1000  # configurations of one matrix product


class Averages(NamedTuple):
    """Averages over configurations, in bins of nearly equal size, each a run of them in order.

    Parameters
    ----------
    products : float32[bin, hidden_unit, visible]
        <v_i h_a> of each bin.
    shares : float32[bin]
        Share of the configurations that are in each bin.
    magnetization : float64[visible]
        <v_i m>, m the mean of v over the sites, all bins together.
    hidden : float64[hidden_unit]
        <h_a>, all bins together.
    """

    products: Array
    shares: Array
    magnetization: Array
    hidden: Array

    def mean(self) -> Array:
        """Return float32[hidden_unit, visible], <v_i h_a> of all configurations."""
        return np.asarray(np.tensordot(self.shares, self.products, 1))

    def error(self) -> Array:
        """Return float32[hidden_unit, visible], the standard error of `mean`, from the scatter of the bins."""
        mean = self.mean()
        squares = np.zeros_like(mean)
        for products, share in zip(self.products, self.shares, strict=True):
            squares += (share * (products - mean)) ** 2
        squares *= np.float32(BINS / (BINS - 1))
        return np.asarray(np.sqrt(squares, out=squares))

    def leaving_one_out(self) -> Array:
        """Return float32[bin, bin], in each row the weights of the bins when one of them is left out (jackknife)."""
        weights = self.shares * (1 - np.eye(BINS, dtype=np.float32))
        return np.asarray(weights / weights.sum(axis=1, keepdims=True))

    def halves(self) -> tuple[Array, Array]:
        """Return float32[1, bin] twice, the weights of the bins in the first and in the second half."""
        first = self.shares * (np.arange(BINS) < BINS // 2)
        second = self.shares - first
        return (first / first.sum())[None], (second / second.sum())[None]


def averages(data: Array, layer: Array) -> Averages:
    """Return the averages of two layers of the same configurations.

    Parameters
    ----------
    data : int8 or float32[configuration, visible]
    layer : int8 or float32[configuration, hidden_unit]
    """
    count, visible = data.shape
    edges = np.arange(BINS + 1) * count // BINS
    products = np.zeros((BINS, layer.shape[1], visible), np.float32)
    magnetization, hidden = np.zeros(visible), np.zeros(layer.shape[1])
    for number, (first, last) in enumerate(itertools.pairwise(edges)):
        for start in range(first, last, ROWS):
            v, h = (one[start : min(start + ROWS, last)].astype(np.float32) for one in (data, layer))
            products[number] += h.T @ v
            magnetization += v.mean(axis=1, dtype=np.float64) @ v
            hidden += h.sum(axis=0, dtype=np.float64)
        products[number] /= np.float32(last - first)
    shares = (np.diff(edges) / count).astype(np.float32)
    return Averages(products, shares, magnetization / count, hidden / count)
