"""What a machine says of its visible units: fields and couplings between two of them, exactly, as an Ising model has.

Every function of spins is one sum over products of them. For H[v] = -c v - sum_a ln 2cosh(b_a + sum_i W_ia v_i), with
p(v) = e^{-H}/Z, the terms -h_i v_i - J_ij v_i v_j of that sum are averages over all other spins, up and down alike::

    h_i = c_i + sum_a 1/2 <ln cosh(x + W_ia) - ln cosh(x - W_ia)>,           x = b_a + sum_{k != i} W_ka s_k,
    J_ij = sum_a 1/4 <ln cosh(y + W_ia + W_ja) + ln cosh(y - W_ia - W_ja)
                      - ln cosh(y + W_ia - W_ja) - ln cosh(y - W_ia + W_ja)>,  y = b_a + sum_{k != i,j} W_ka s_k

(Cossu et al., Phys. Rev. B 100, 064304 (2019); Bulso and Roudi, Neural Comput. 33, 2646 (2021)). Decelle et al.
(SciPost Phys. 16, 095 (2024)) take y for Gaussian. No such step is needed: sech^2 x is the Fourier transform of
pi t / sinh(pi t / 2), and the average of e^{ity} is a product of cosines, so that::

    J_ij = sum_a int_0^inf dt cos(b_a t) sin(W_ia t) sin(W_ja t) prod_{k != i,j} cos(W_ka t) / (t sinh(pi t / 2)),
    h_i = c_i + sum_a int_0^inf dt sin(b_a t) sin(W_ia t) prod_{k != i} cos(W_ka t) / (t sinh(pi t / 2)).

The rule of midpoints with step 2 pi / P replaces ln cosh x by a sum of its images at x + n P: where no x comes nearer
than s to P, that is wrong by e^{-2s} only, because images that are straight lines have no part with two spins.

A machine whose p(v) is the Ising model's has J = 1/T on bonds, and all else is 0, whatever its weights are.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from sweep.analysis.exact.enumeration import Floats
from sweep.analysis.exact.small_machines import Machine

ACCURACY = 1e-10  # of what one hidden unit gives
NEGLIGIBLE = 1e-15  # what one point of an integral adds to a coupling at most, where it is left out
_DECAY = -math.log(ACCURACY)
_HELD = 2**21  # numbers of one chunk
FURTHEST = 1e5  # what a hidden unit may receive: an integral beyond would not fit into memory
PROBES, SEED = 2000, 0  # configurations that the share beyond pairs is measured on, the same for all machines


def within_reach(machine: Machine) -> bool:
    """Return whether the couplings of a machine can be had: its weights are finite, and no training ran away."""
    return bool(_furthest(machine.weights.astype(np.float64), machine.hidden_bias.astype(np.float64)) < FURTHEST)


def effective_couplings(machine: Machine) -> tuple[Floats, Floats]:
    """Return J and h, float64[visible, visible] and float64[visible]; J is symmetric, with zeros on its diagonal."""
    weights, bias = machine.weights.astype(np.float64), machine.hidden_bias.astype(np.float64)
    fields = machine.visible_bias.astype(np.float64)
    pairs = np.zeros((len(fields), len(fields)))
    for units in _chunks(weights, bias):
        sites = np.flatnonzero(weights[:, units].any(axis=1))
        t, step = _midpoints(weights[:, units], bias[units])
        angles = weights[sites, units][:, :, None] * t
        cosines = np.cos(angles)  # never 0, as no float is pi / 2
        shared = cosines.prod(axis=0) * step / (t * np.sinh(np.pi / 2 * t))
        least = np.abs(cosines).min(axis=0, initial=1.0)
        counts = np.abs(shared) > NEGLIGIBLE * least**2  # most are down to nothing well before the last t
        phase, shared, tangents = (bias[units][:, None] * t)[counts], shared[counts], np.tan(angles[:, counts])
        even, odd = shared * np.cos(phase), shared * np.sin(phase)
        fields[sites] += tangents @ odd
        pairs[np.ix_(sites, sites)] += (tangents * even) @ tangents.T
    np.fill_diagonal(pairs, 0.0)
    return pairs, fields


def _chunks(weights: Floats, bias: Floats) -> Iterator[slice]:
    """Yield hidden units that are averaged over together: as many as memory holds."""
    t, _ = _midpoints(weights, bias)
    each = max(1, _HELD // (len(weights) * len(t)))
    for first in range(0, len(bias), each):
        yield slice(first, first + each)


def _midpoints(weights: Floats, bias: Floats) -> tuple[Floats, float]:
    """Return where the integrand is taken, float64[point], and the step, for what hidden units receive from spins."""
    period = _furthest(weights, bias) + _DECAY / 2
    step = 2 * np.pi / period
    count = math.ceil(2 * _DECAY / np.pi / step)  # 1 / sinh(pi t / 2) is down to the accuracy there
    return np.asarray(step * (np.arange(count) + 0.5), np.float64), step


def _furthest(weights: Floats, bias: Floats) -> float:
    """Return the most that a hidden unit receives.

    Beyond |b| + sqrt(2 ln(1/accuracy) sum W^2) it receives nothing that counts (Hoeffding, for spins at random).
    """
    furthest = np.minimum(np.abs(weights).sum(axis=0), np.sqrt(2 * _DECAY * np.square(weights).sum(axis=0)))
    return float((np.abs(bias) + furthest).max())


def displaced(pairs: Floats) -> Floats:
    """Return float64[site, dy, dx], the couplings of every site of a torus by displacement, from J of its sites."""
    count = len(pairs)
    side = math.isqrt(count)
    y, x = np.divmod(np.arange(count), side)
    others = (y[:, None] + y) % side * side + (x[:, None] + x) % side
    return np.take_along_axis(pairs, others, axis=1).reshape(count, side, side)


def torus_distances(side: int) -> Floats:
    """Return float64[dy, dx], the shortest way around a torus, in sites."""
    apart = np.minimum(np.arange(side), side - np.arange(side))
    return np.hypot(apart[:, None], apart)


def by_distance(pairs: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the distances of a torus without 0, ascending, and mean and root mean square of J over pairs at each."""
    couplings = displaced(pairs)
    distances, place = np.unique(torus_distances(couplings.shape[1]).round(9), return_inverse=True)
    place = place.ravel()
    count = np.bincount(place)
    first, second = (
        np.bincount(place, moment.ravel()) / count for moment in (couplings.mean(0), np.square(couplings).mean(0))
    )
    return distances[1:], first[1:], np.sqrt(second[1:])


def learned(machine: Machine, pairs: Floats, fields: Floats) -> dict[str, float]:
    """Return what a machine on a square torus, 3 sites per side or more, has learned, in numbers.

    Parameters
    ----------
    machine : Machine
    pairs, fields : float64[visible, visible], float64[visible]
        Its `effective_couplings`.

    Returns
    -------
    dict
        `nearest`, mean of J over bonds, and `nearest_spread`, its standard deviation over them; `share_beyond`, the
        part of sum J^2 that is not on bonds; `range`, the root mean square distance, in sites, weighted by J^2;
        `field`, the root mean square of h; `share_beyond_pairs`, the part of the variance of H over spins at random
        that fields and pairs do not make, from `PROBES` configurations; `largest_singular_value` of W. The shares and
        the range are NaN for a machine without couplings.
    """
    couplings = displaced(pairs)
    distances = torus_distances(couplings.shape[1])
    squares = np.square(couplings).mean(axis=0)
    bonds = distances == 1.0
    on_bonds, total = couplings[:, bonds], float(squares.sum()) or np.nan
    rest = beyond_pairs(machine, pairs, fields, np.random.default_rng(SEED))
    explained = float(fields @ fields + np.square(pairs).sum() / 2)
    return {
        "nearest": float(on_bonds.mean()),
        "nearest_spread": float(on_bonds.std()),
        "share_beyond": float(squares[~bonds].sum()) / total,
        "range": math.sqrt(float((squares * distances**2).sum()) / total),
        "field": math.sqrt(float(fields @ fields) / len(fields)),
        "share_beyond_pairs": rest / (rest + explained) if explained else np.nan,
        "largest_singular_value": float(np.linalg.norm(machine.weights.astype(np.float64), 2)),
    }


def beyond_pairs(machine: Machine, pairs: Floats, fields: Floats, rng: np.random.Generator) -> float:
    """Return the variance over spins at random, all configurations alike, of H less its fields and pairs.

    What is left holds the couplings of three spins and more; their squares add up to this.
    """
    v = rng.choice([-1.0, 1.0], (PROBES, len(fields)))
    received = v @ machine.weights + machine.hidden_bias
    energy = -(v @ machine.visible_bias) - np.logaddexp(received, -received).sum(axis=1)
    return float(np.var(energy + v @ fields + ((v @ pairs) * v).sum(axis=1) / 2, ddof=1))
