"""Swendsen's matrix: on sums with a known answer, on majority of real data, and on machines in disguise."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from block_machines import block_machine_store

from sweep.analysis.estimators.arrangement import gauge_of, signs_alone
from sweep.analysis.estimators.crossed import by_realisation
from sweep.analysis.estimators.lattice_sums import even_sums, odd_sums, per_configuration
from sweep.analysis.estimators.layers import layer_correlations, layers
from sweep.analysis.estimators.monte_carlo_rg import EXPONENT, eigenvalue_table, leading_eigenvalues

SUMS = {"thermal": even_sums, "magnetic": odd_sums}
TERMS = ("realisation", "configuration", "term")


def sums(values):
    return xr.DataArray(np.asarray(values), dims=TERMS)


def test_known_matrix():
    """A layer that is the one below has eigenvalue 1, to rounding; one that holds half of each sum has 2."""
    below = sums(np.random.default_rng(0).normal(3.0, 1.0, (1, 200, 3)))
    assert leading_eigenvalues(below, below)["value"].values == pytest.approx(1.0)
    assert leading_eigenvalues(below, 0.5 * below)["value"].values == pytest.approx(2.0)


def test_errors_cover():
    """S = T S' + noise with T = 1.5: <S' S>/<S' S'> of 400 ensembles of 400 configurations.

    The coverage of 68.3 % has a standard deviation of 2.3 %: 10 % off has a false alarm of 1.5e-5, and errors that are
    30 % too small, 52 % covered, are seen.
    """
    rng = np.random.default_rng(1)
    upper = rng.normal(0, 1, (400, 400, 1))
    lower = 1.5 * upper + rng.normal(0, 2, upper.shape)
    labels = {"realisation": np.arange(400)}
    table = eigenvalue_table(*(sums(values).assign_coords(labels) for values in (lower, upper)))
    found = by_realisation(table.isel(operators=0))
    inside = abs(found["by_realisation"] - 1.5) < found["by_realisation_error"]
    assert abs(float(inside.mean()) - 0.683) < 0.10


@pytest.fixture(scope="module")
def steps():
    """Return eigenvalues of steps 32 -> 16 -> 8: of majority, and of machines with and without their places."""
    tree = block_machine_store(32, count=2000)
    found, correlations = {one.stage: one for one in layers(tree)}, layer_correlations(tree)
    data = found["majority_1"].below

    def measured(names, arrange, parity):
        pair = [data if name == "ising" else found[name] for name in names]
        ways = [arrange(gauge_of(one, correlations)) if one.kind == "RBM" else None for one in pair]
        both = [per_configuration(one.data["spins"], SUMS[parity], way) for one, way in zip(pair, ways, strict=True)]
        return leading_eigenvalues(*both).isel(operators=-1)

    chains = {"majority": ("ising", "majority_1", "majority_2"), "machine": ("ising", "layer_1", "layer_2")}
    ways = {
        "majority": ("majority", None),
        "placed": ("machine", lambda gauge: gauge),
        "signs": ("machine", signs_alone),
    }
    return {
        (way, step, parity): measured(chains[chain][step - 1 : step + 1], arrange, parity)
        for way, (chain, arrange) in ways.items()
        for step in (1, 2)
        for parity in EXPONENT
    }


def test_majority_has_the_eigenvalues_of_the_fixed_point(steps):
    """2000 configurations: errors of 0.03 and 0.005.

    With four sums the first step, which starts off the fixed point, has 1.947(7), and the second, to 8x8, 2.03(1): the
    thermal ones are held to 2 +- 0.08 and three errors beyond; magnetic ones, 3.681(1) and 3.668(2), to 0.02 and three.
    Three errors by chance: 0.007 for each of four.
    """
    for step in (1, 2):
        for parity, tolerance in (("thermal", 0.08), ("magnetic", 0.02)):
            found = steps["majority", step, parity]
            off = abs(float(found["value"]) - 2 ** EXPONENT[parity])
            assert off < tolerance + 3 * float(found["error"]), (step, parity)
            assert float(found["error"]) < (0.06 if parity == "thermal" else 0.008)


def test_gauge_makes_a_machine_in_disguise_an_rg_step_and_signs_alone_do_not(steps):
    """The same data: within five errors of majority with places; without, the thermal one is ten or more away."""
    for step in (1, 2):
        for parity in EXPONENT:
            one, other = steps["placed", step, parity], steps["majority", step, parity]
            error = np.hypot(float(one["error"]), float(other["error"]))
            assert abs(float(one["value"] - other["value"])) < 5 * error
        lost, right = steps["signs", step, "thermal"], steps["placed", step, "thermal"]
        assert abs(float(lost["value"] - right["value"])) > 10 * float(right["error"])
