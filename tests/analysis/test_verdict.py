"""Verdicts: Student's t with few degrees of freedom, errors of the target, what gets none."""

import numpy as np
import pytest
import xarray as xr

from sweep.analysis.estimators.crossed import crossed_mean
from sweep.analysis.estimators.verdict import LEVEL, compare
from sweep.analysis.exhibits.exhibit import Row
from sweep.analysis.report.words import remarks, verdicts_made


def test_p_is_students():
    """t = 2.776 with 4 degrees of freedom is p = 0.05; by the normal distribution it would be 0.0055."""
    assert compare(2.776, 1.0, 4, 0.0, "0").p == pytest.approx(0.05, abs=1e-4)
    assert compare(1.96, 1.0, np.inf, 0.0, "0").p == pytest.approx(0.05, abs=1e-4)
    assert compare(3.0, 0.0, 4, 1.04, "0", target_error=1.0).p == pytest.approx(0.05, abs=1e-4)


def test_words():
    assert compare(0.10, 0.002, 9, 0.125, "1/8").words == "differs from 1/8 (-0.025, > 10 standard errors, p < 0.0001)"
    assert compare(0.12, 0.01, 9, 0.125, "1/8").words == "agrees with 1/8 (-0.005, 0.5 standard errors, p = 0.63)"


@pytest.mark.parametrize(
    "numbers", [(np.nan, 1, 4, 0), (1, np.nan, 4, 0), (1, 1, np.nan, 0), (1, 0, 4, 0), (1, 1, 4, np.nan)]
)
def test_what_gets_no_verdict(numbers):
    assert not compare(*numbers, "it").given


def test_fewer_than_three_trainings_get_none():
    two, three = (compare(1.0, 0.1, 9, 2.0, "it", trainings=count) for count in (2, 3))
    assert (two.given, three.given) == (False, True)
    assert "fewer than 3 trainings" in two.words


def test_level_is_kept_with_few_trainings():
    """4000 means of 5 trainings whose null holds: 5 % differ, known to 0.35 % (four sigma allowed, false alarms 6e-5).

    The normal distribution in Student's place would call 12 % different.
    """
    values = xr.DataArray(np.random.default_rng(2).normal(size=(4000, 5, 1)), dims=("table", "realisation", "bin"))
    mean = crossed_mean(values)
    parts = (mean[name].values for name in ("value", "error", "degrees"))
    wrong = np.mean([compare(*one, 0.0, "0").p < LEVEL for one in zip(*parts, strict=True)])
    assert wrong == pytest.approx(LEVEL, abs=0.014)


def test_page_counts_its_verdicts():
    given = [Row("x", 1.0, 0.1, "", "", verdict=compare(1.0, 0.1, 9, target, "it")) for target in (1.0, 2.0)]
    rows = [*given, Row("x", 1.0, 0.1, "", ""), Row("x", 1.0, 0.1, "", "", verdict=compare(1.0, np.nan, 9, 1.0, "it"))]
    assert verdicts_made(rows).startswith("This page makes 2 verdicts")
    assert "in 1 the two differ" in verdicts_made(rows)
    assert "chance alone would make about 0.1." in verdicts_made(rows)
    assert remarks(Row("x", 1.0, 0.1, "", "", "and more", verdict=given[0].verdict)).startswith(
        "agrees with it (+0, 0 standard errors, p = 1); and"
    )
