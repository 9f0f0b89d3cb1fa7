"""What the estimators give on perfect data: on the exact correlators and moments of the torus at one temperature."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import xarray as xr

from sweep.analysis.estimators.fixed_point import QUANTITIES
from sweep.analysis.estimators.flow_cases import FlowCase
from sweep.analysis.estimators.flow_exponents import READINGS, fit_magnetization
from sweep.analysis.estimators.two_point import fit_dimension
from sweep.analysis.exact import configurations, correlators, moments
from sweep.analysis.exact.class_selected import class_selected
from sweep.analysis.exact.thermometer import mixture, temperature_of_energy


def exact_correlation(quantity: str, size: int, temperature: float) -> xr.DataArray:
    """Return an exact correlator of the torus, DataArray[dy, dx].

    Parameters
    ----------
    quantity : str
        As `READINGS` names them. That with one mean over all sites is the connected one: on a torus no site differs.
    size : int
    temperature : float
        In J/k_B, above 0.
    """
    if quantity == "spin_correlation":
        values = correlators.spin_correlation(size, temperature)
    elif quantity == "energy_correlation_four":
        values = correlators.four_neighbour_correlation(size, temperature)
    else:
        values = correlators.one_bond_correlation(size, temperature)
    return xr.DataArray(values, dims=("dy", "dx"))


@lru_cache(maxsize=256)
def exact_dimension(size: int, temperature: float, field: str, estimator: str) -> xr.Dataset:
    """Return the fit of Delta_sigma or Delta_epsilon to exact data (see `fit_dimension`).

    NaN at T = 0, where nothing fluctuates, and for sizes whose correlators are not computed.

    Parameters
    ----------
    size : int
    temperature : float
    field, estimator : str
        A key of `READINGS`.
    """
    quantity, reduce = READINGS[field, estimator]
    if size not in correlators.SIZES or not temperature > 0:
        return fit_dimension(reduce(xr.DataArray(np.full((size, size), np.nan), dims=("dy", "dx"))))
    return fit_dimension(reduce(exact_correlation(quantity, size, temperature)))


def exact_magnetization(size: int, temperatures: Sequence[float]) -> xr.DataArray:
    """Return the exact <|m|> per site, DataArray[temperature]; NaN for sizes where it is not computed."""
    values = [moments.moments(size, float(temperature)).abs_m for temperature in temperatures]
    return xr.DataArray(values, dims="temperature", coords={"temperature": list(temperatures)})


def exact_magnetization_exponent(size: int, temperatures: Sequence[float]) -> float:
    """Return Delta_m fitted to the exact <|m|> of the torus; NaN where that is not computed."""
    return float(fit_magnetization(exact_magnetization(size, temperatures))["dimension"])


def selected_dimension(case: FlowCase, temperature: float, field: str, estimator: str) -> float:
    """Return what grouping perfect data by the class of their energy makes of Delta_sigma or Delta_epsilon.

    NaN where it is not computed: for large sizes, at T = 0, or where the flow starts from other temperatures than the
    classes have.

    Parameters
    ----------
    case : FlowCase
    temperature : float
        Of the class.
    field, estimator : str
        A key of `READINGS`.
    """
    quantity, reduce = READINGS[field, estimator]
    starts, classes = (tuple(case.temperatures(name).tolist()) for name in ("start", "energy class"))
    if case.size not in configurations.SIZES or starts != classes or not temperature > 0:
        return np.nan
    chosen = class_selected(case.size, classes, temperature)
    values = {"spin_correlation": chosen.spin, "energy_correlation_four": chosen.four}.get(quantity, chosen.bond[0, 0])
    return float(fit_dimension(reduce(xr.DataArray(values, dims=("dy", "dx"))))["dimension"])


def perfect_end(case: FlowCase) -> dict[str, float]:
    """Return where the flow of a perfectly trained machine ends: in the mixture of temperatures that it was trained on.

    Such a flow is Gibbs sampling of the training data's own distribution, and T_c is nothing to it.

    Returns
    -------
    dict
        By `QUANTITIES`; NaN where the exact value is not known, as for the network's reading.
    """
    temperatures = case.machine.mixture
    if not temperatures:
        return dict.fromkeys(QUANTITIES, np.nan)
    found = mixture(case.size, temperatures)
    classes = tuple(np.sort(np.asarray(case.data["temperature_class"], np.float64)).tolist())
    return {
        "temperature of the energy": temperature_of_energy(case.size, found.energy),
        "energy temperature": found.reading if classes == temperatures else np.nan,
        "network temperature": np.nan,
        "abs_magnetization": found.abs_m,
        "energy": found.energy,
    }
