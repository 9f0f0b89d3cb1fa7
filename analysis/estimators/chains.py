"""How well Markov chains have mixed: R-hat, effective sample size and autocorrelation time, as ArviZ defines them.

A. Vehtari, A. Gelman, D. Simpson, B. Carpenter and P.-C. Bürkner, Bayesian Analysis 16, 667 (2021).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.special

Floats = npt.NDArray[np.float64]
FEWEST = 4  # draws of a half chain that say something of it
MIXED = 1.01  # R-hat up to which chains are taken to have mixed, from the same paper


class Mixing(NamedTuple):
    """What chains say of their own mixing; NaN where they are too short, constant, or have missing draws.

    Parameters
    ----------
    r_hat : float
        Rank-normalised split R-hat, the larger of that of the draws and of their distances from the median.
    effective : float
        Bulk effective sample size: how many independent draws are worth as much.
    autocorrelation_time : float
        Of the mean, in draws: 1 + 2 Σ ρ(t), by which its variance is larger than that of independent draws.
    """

    r_hat: float
    effective: float
    autocorrelation_time: float


def mixing(draws: Floats) -> Mixing:
    """Return how well chains have mixed.

    Parameters
    ----------
    draws : float[chain, draw]
        One number after the other of every chain; a single chain is compared with itself, half by half.
    """
    half = draws.shape[1] // 2
    if half < FEWEST or not np.isfinite(draws).all() or np.ptp(draws) == 0:
        return Mixing(np.nan, np.nan, np.nan)
    split = np.concatenate([draws[:, :half], draws[:, -half:]]).astype(np.float64)
    normal, folded = _rank_normal(split), _rank_normal(np.abs(split - np.median(split)))
    return Mixing(max(_r_hat(normal), _r_hat(folded)), split.size / _correlated_draws(normal), _correlated_draws(split))


def _rank_normal(draws: Floats) -> Floats:
    """Return normal scores of the ranks among all draws of all chains."""
    from scipy.stats import rankdata  # noqa: PLC0415 - half a second, that a report without chains does not take

    ranks = rankdata(draws).reshape(draws.shape)
    scores: Floats = scipy.special.ndtri((ranks - 3 / 8) / (draws.size + 1 / 4))
    return scores


def _r_hat(draws: Floats) -> float:
    within = draws.var(axis=1, ddof=1).mean()
    between = draws.mean(axis=1).var(ddof=1)
    count = draws.shape[1]
    return float(np.sqrt((count - 1) / count + between / within)) if within > 0 else np.nan


def _correlated_draws(draws: Floats) -> float:
    """Return 1 + 2 Σ ρ(t) over all chains, summed as far as Geyer's initial monotone sequence goes."""
    chains, count = draws.shape
    spectrum = np.fft.rfft(draws - draws.mean(axis=1, keepdims=True), 2 * count)
    covariance = np.fft.irfft(np.abs(spectrum) ** 2, axis=1)[:, :count].mean(axis=0) / count
    within = covariance[0] * count / (count - 1)
    total = covariance[0] + draws.mean(axis=1).var(ddof=1)
    correlation = 1 - (within - covariance) / total
    correlation[0] = 1
    even = correlation[: 2 * ((count - 1) // 2) : 2]
    pairs = even + correlation[1 : 2 * len(even) : 2]
    end = int(np.argmax(np.append(pairs[:-1] <= 0, True)))  # the first pair that is noise, or the last
    time = -1 + 2 * np.minimum.accumulate(pairs)[:end].sum() + max(even[end], 0)
    return float(max(time, 1 / np.log10(chains * count)))
