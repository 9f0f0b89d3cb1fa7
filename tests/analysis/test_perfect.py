"""What estimators give on perfect data, against values computed independently."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from toy_flows import ToyFlow, toy_store

from sweep.analysis.estimators.flow_cases import FlowMachine, flow_cases
from sweep.analysis.estimators.perfect import exact_dimension, perfect_end, selected_dimension
from sweep.analysis.exact.ising import CRITICAL_TEMPERATURE

PAPERS_GRID = tuple(round(0.1 * n, 12) for n in range(60))


def flow_of(size, temperatures):
    """Return a flow that starts from these temperatures and knows them as classes."""
    (case,) = flow_cases(toy_store(ToyFlow(size=4, length=1, realisations=1, bins=1)))
    labels = {"start_temperature": list(temperatures), "temperature_class": list(temperatures)}
    return replace(case, at={"size": size}, data=xr.Dataset(coords=labels))


@pytest.mark.parametrize(
    ("at", "value"),
    [
        ((10, CRITICAL_TEMPERATURE, "sigma", "paper"), 0.0729),
        ((10, CRITICAL_TEMPERATURE, "sigma", "torus"), 0.1251),
        ((10, 2.2, "epsilon", "paper"), 1.0727),
        ((10, 2.2, "epsilon with one mean", "paper"), 1.0727),
        ((10, 2.2, "epsilon of four neighbours", "paper"), 1.0127),
        ((10, 23 * 0.1, "epsilon of four neighbours", "paper"), 0.9691),
    ],
)
def test_at_one_temperature(at, value):
    assert float(exact_dimension(*at)["dimension"]) == pytest.approx(value, abs=6e-5)


def test_where_nothing_is_known():
    assert np.isnan(exact_dimension(10, 0.0, "sigma", "paper")["dimension"])
    assert np.isnan(exact_dimension(200, 2.2, "sigma", "paper")["dimension"])
    assert np.isnan(selected_dimension(flow_of(12, (2.0, 2.2)), 2.2, "sigma", "paper"))
    case = flow_of(4, (2.0, 2.2))
    fewer = replace(case, data=case.data.isel(start_temperature=[0]))
    assert np.isnan(selected_dimension(fewer, 2.2, "sigma", "paper")), (
        "not the mixture that the classes were chosen for"
    )
    assert np.isnan(list(perfect_end(case).values())).all(), "trained on nobody knows what"


@pytest.mark.parametrize(
    ("temperature", "sigma", "epsilon", "four"),
    [(2.2, (0.0346, 1e-4), (2.007, 9e-3), (1.663, 1e-3)), (2.3, (0.0705, 2e-4), (1.883, 7e-3), (1.610, 1e-3))],
)
def test_classes_of_the_papers_grid(temperature, sigma, epsilon, four):
    """Twenty Monte Carlo runs with the paper's 60 classes, four of their standard errors allowed (false alarms 4e-4).

    The ensembles at these temperatures, the wrong null, are 10 to 1000 standard errors away.
    """
    case = flow_of(10, PAPERS_GRID)
    fields = {"sigma": sigma, "epsilon": epsilon, "epsilon of four neighbours": four}
    for field, (value, error) in fields.items():
        assert selected_dimension(case, temperature, field, "paper") == pytest.approx(value, abs=4 * error), field


def test_end_of_a_perfect_machine():
    """Temperatures 1 and 3 in equal parts: nearer to 3 by magnetisation than by energy, and the reading has a prior."""
    end = perfect_end(replace(flow_of(4, (1.0, 3.0)), machine=FlowMachine("rbm", mixture=(1.0, 3.0))))
    assert end["energy"] == pytest.approx((-1.9973 - 0.9) / 2, abs=0.1)
    assert 1.0 < end["energy temperature"] < 3.0
    assert 2.2 < end["temperature of the energy"] < 2.6
    assert np.isnan(end["network temperature"])
