"""What grouping configurations by their energy class gives on perfect data: the null of all that is read by class.

A thermometer's class of a configuration is the temperature at which it is most likely, so a class is a window of
energies and nearly microcanonical: its connected energy correlator is lower than any temperature's, at every distance.
Means at fixed energy come from Z <...> at complex couplings, as the distribution of the energy does.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sweep.analysis.exact.configurations import SIZES, configurations
from sweep.analysis.exact.correlators import bond_products, four_neighbours, spin_products
from sweep.analysis.exact.free_fermions import free_fermions, log_partition
from sweep.analysis.exact.thermometer import energy_levels, inverted, log_likelihood, phases

Floats = npt.NDArray[np.float64]
Measure = Callable[[complex], Any]
NOTHING = 1e-17  # phases at which Z is less than this part of what it is at none are left out
ROUNDING = 1e-13  # of all: a class with less has only levels that no configuration is at


class ClassSelected(NamedTuple):
    """Means over the configurations of a mixture of ensembles that a perfect thermometer puts in one class.

    Parameters
    ----------
    share : float
        Of the mixture that is in the class. Where it is 0 there is no mean, but NaN.
    energy : float
        Per site, in J.
    spin : float64[dy, dx]
        <s_0 s_r>.
    bond : float64[2, 2, dy, dx]
        Connected, with the class's own mean, by directions of the bonds as in `bond_correlation`.
    four : float64[dy, dx]
        The same for s times the sum of its four neighbours.
    """

    share: float
    energy: float
    spin: Floats
    bond: Floats
    four: Floats


@lru_cache(maxsize=32)
def class_selected(size: int, temperatures: tuple[float, ...], class_temperature: float) -> ClassSelected:
    """Return what one class of a mixture of ensembles in equal shares looks like.

    Parameters
    ----------
    size : int
    temperatures : tuple of float
        In J/k_B, 0 or more: of the ensembles, and of the classes.
    class_temperature : float
        One of them, above 0.
    """
    coupling = 1 / class_temperature

    def correlators(at: complex) -> Any:
        torus = free_fermions(size, at)
        found = np.concatenate([spin_products(torus)[None], bond_products(torus).reshape(4, size, size)])
        return found * np.exp(torus.log_scale - reference)

    reference = log_partition(size, coupling)
    weights = _class_weights(size, temperatures, class_temperature, coupling)
    probability = _by_level(size, coupling, lambda at: np.exp(log_partition(size, at) - reference))
    share = float(weights @ probability)
    if share < ROUNDING:
        empty = np.full((5, size, size), np.nan)
        return ClassSelected(0.0, np.nan, empty[0], empty[1:].reshape(2, 2, size, size), empty[0])
    energy = float(weights * energy_levels(size) @ probability) / share / size**2
    means = np.tensordot(weights, _by_level(size, coupling, correlators), 1) / share
    bond = means[1:].reshape(2, 2, size, size) - (energy / 2) ** 2
    return ClassSelected(share, energy, means[0], bond, four_neighbours(bond))


def class_magnetizations(size: int, temperatures: tuple[float, ...], classes: tuple[float, ...]) -> Floats:
    """Return <|m|> of several classes of a mixture, float64[class]; NaN where `moments` has none.

    Parameters
    ----------
    size : int
    temperatures : tuple of float
        As for `class_selected`.
    classes : tuple of float
        Some of them, above 0.
    """
    if size not in SIZES:
        return np.full(len(classes), np.nan)
    counts = configurations(size)
    abs_m = np.abs(np.linspace(-1, 1, len(counts)))

    def mean(label: float) -> float:
        ensemble = np.exp(-4 / label * np.arange(len(counts)))  # up to its Z
        weights = _class_weights(size, temperatures, label, 1 / label) * ensemble @ counts
        return float(weights @ abs_m / weights.sum())

    return np.array([mean(label) for label in classes])


def _by_level(size: int, coupling: float, measure: Measure) -> Floats:
    """Return p(E) <...>(E) at K, [level, ...], from a measure of Z(K + i phi) <...> / Z(K)."""
    at = coupling + 1j * phases(size)
    logs = np.array([log_partition(size, here) for here in at]).real
    kept = np.flatnonzero(logs > logs[0] + np.log(NOTHING))
    found = [measure(here) for here in at[kept]]
    transform = np.zeros((len(at), *np.shape(found[0])), np.complex128)
    transform[kept] = found
    return inverted(transform, size)


def _class_weights(size: int, temperatures: tuple[float, ...], label: float, coupling: float) -> Floats:
    """Return how much more often a mixture has each level of the class than one ensemble at K, float64[level]."""
    likelihood = log_likelihood(size, temperatures)
    mixed = np.logaddexp.reduce(likelihood, axis=1) - np.log(len(temperatures))
    chosen = np.argmax(likelihood, axis=1) == temperatures.index(label)
    weights = np.zeros(len(chosen))
    weights[chosen] = np.exp(mixed[chosen] - log_likelihood(size, (1 / coupling,))[chosen, 0])
    return weights
