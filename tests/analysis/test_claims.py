"""Claims: the rule that judges, on numbers made for it, and on ensembles whose truth is known."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import xarray as xr
from analysis_stores import TEMPERATURES, ising_store

from sweep.analysis.claims import paper
from sweep.analysis.claims.claim import Claim, Evidence, Outcome, judge
from sweep.analysis.claims.scale import shortfalls
from sweep.analysis.exhibits.exhibit import Absent
from sweep.analysis.exhibits.figure_5b import FIGURE_5B
from sweep.analysis.exhibits.figure_6a import FIGURE_6A

NEAR_ONE = Claim("III", "x", "It is near 1.", "x", 0.9, 1.1)
FAR_FROM_ONE = dataclasses.replace(NEAR_ONE, says="It is not near 1.", within=False)
CLAIMS = [claim for claim in vars(paper).values() if isinstance(claim, Claim)]


def outcome(*evidence: Evidence) -> Outcome:
    (judgement,) = judge(evidence)
    assert judgement.decisive, "a page says what a verdict rests on"
    return judgement.outcome


@pytest.mark.parametrize(
    ("value", "error", "wanted"),
    [
        (1.0, 0.01, Outcome.REPRODUCED),
        (1.3, 0.01, Outcome.NOT_REPRODUCED),
        (1.08, 0.01, Outcome.UNDECIDED),
        (1.0, 0.0, Outcome.REPRODUCED),
        (1.0, np.nan, Outcome.UNDECIDED),
        (np.nan, np.nan, Outcome.UNDECIDED),
    ],
)
def test_an_interval_is_inside_outside_or_neither(value, error, wanted):
    assert outcome(Evidence(NEAR_ONE, "here", value, error, 9)) is wanted
    turned = {Outcome.REPRODUCED: Outcome.NOT_REPRODUCED, Outcome.NOT_REPRODUCED: Outcome.REPRODUCED}
    assert outcome(Evidence(FAR_FROM_ONE, "here", value, error, 9)) is turned.get(wanted, wanted)


def test_one_value_outside_is_enough_and_all_must_be_inside():
    inside, outside, edge = (Evidence(NEAR_ONE, "here", value, 0.01, 9) for value in (1.0, 1.3, 1.1))
    assert outcome(inside, outside, edge) is Outcome.NOT_REPRODUCED
    assert outcome(inside, edge) is Outcome.UNDECIDED


def test_a_protocol_that_moves_perfect_data_across_the_edge_decides_nothing():
    assert outcome(Evidence(NEAR_ONE, "here", 2.0, 0.01, 9, exact=1.0, perfect=2.0)) is Outcome.BIASED
    assert outcome(Evidence(FAR_FROM_ONE, "here", 2.0, 0.01, 9, exact=1.0, perfect=2.0)) is Outcome.BIASED
    noisy = Evidence(NEAR_ONE, "here", 2.0, 0.01, 9, exact=1.0, perfect=1.2, perfect_error=0.1)
    assert outcome(noisy) is Outcome.NOT_REPRODUCED, "what perfect data give is not known well enough"
    same = Evidence(NEAR_ONE, "here", 2.0, 0.01, 9, exact=3.0, perfect=3.0)
    assert outcome(same) is Outcome.NOT_REPRODUCED, "nothing is biased: the claim is false"


def test_fewer_than_three_trainings_say_nothing():
    two, three = (Evidence(NEAR_ONE, "here", 1.3, 0.01, 9, trainings=count) for count in (2, 3))
    assert (outcome(two), outcome(three)) == (Outcome.UNDECIDED, Outcome.NOT_REPRODUCED)


def test_one_way_of_training_turns_nothing_down_that_another_bears_out():
    good, bad = (
        Evidence(NEAR_ONE, "here", value, 0.01, 9, trainings=5, recipe=recipe)
        for value, recipe in ((1.0, "a"), (2.0, "b"))
    )
    assert outcome(good, bad) is Outcome.UNDECIDED
    assert outcome(bad) is Outcome.NOT_REPRODUCED
    assert outcome(good, bad, dataclasses.replace(bad, recipe="a")) is Outcome.NOT_REPRODUCED, "within one way"


def test_what_would_decide_it_is_right():
    """With so many times the data the interval, of the same value, just leaves the edge."""
    near = Evidence(NEAR_ONE, "here", 1.08, 0.02, np.inf)
    (judgement,) = judge([near])
    assert "about 3.8 times as much data" in judgement.decisive[0].words
    assert outcome(dataclasses.replace(near, error=0.02 / 3.9**0.5)) is Outcome.REPRODUCED


def test_claims_are_turned_down_by_chance_as_often_as_stated():
    """2000 claims of five values each, true at the very edge of the range: 2.5 % are turned down, known to 0.35 %.

    Four sigma are allowed (false alarms: 6e-5). Without Bonferroni it would be 12 %, with normal errors 10 %.
    """
    rng = np.random.default_rng(5)
    copies = rng.normal(NEAR_ONE.high, 1e-3, size=(2000, 5, 5))
    means, errors = copies.mean(axis=2), copies.std(axis=2, ddof=1) / 5**0.5
    wrong = [
        outcome(*(Evidence(NEAR_ONE, "here", float(m), float(e), 4) for m, e in zip(*one, strict=True)))
        is Outcome.NOT_REPRODUCED
        for one in zip(means, errors, strict=True)
    ]
    assert np.mean(wrong) == pytest.approx(0.025, abs=0.014)


def test_perfect_data_reproduce_figure_6a_and_show_that_5b_is_biased():
    for figure, wanted in ((FIGURE_5B, Outcome.BIASED), (FIGURE_6A, Outcome.UNDECIDED)):
        exhibit = figure(ising_store())
        assert not isinstance(exhibit, Absent)
        assert outcome(*exhibit.evidence) in (wanted, Outcome.REPRODUCED)


def test_away_from_the_critical_temperature_there_is_no_comparison():
    exhibit = FIGURE_5B(ising_store(undone=TEMPERATURES[2]))
    assert not isinstance(exhibit, Absent)
    (judgement,) = judge(exhibit.evidence)
    assert judgement.outcome is Outcome.UNDECIDED
    assert "add `critical`" in judgement.decisive[0].words
    assert not any(row.exact or row.paper for row in exhibit.rows), "1/8 holds at T_c only"


def test_claims_are_sentences_with_a_range():
    assert len(CLAIMS) > 20
    for claim in CLAIMS:
        assert claim.says.endswith(".")
        assert claim.low < claim.high
        assert np.isfinite([claim.low, claim.high]).any(), claim.says
        assert claim.section in ("III", "IV")


def test_a_small_grid_is_told_from_a_full_one():
    def store(configurations: int, steps: int, side: int) -> xr.DataTree:
        def stage(kernel: str, params: str, inputs: str = "{}") -> xr.Dataset:
            return xr.Dataset(attrs={"kernel": kernel, "params": params, "inputs": inputs}, coords={"size": [side]})

        return xr.DataTree.from_dict(
            {
                "/ising": stage("ising", f'{{"configurations": {configurations}}}'),
                "/rbm": stage("rbm", f'{{"preset": "code", "steps": {steps}}}'),
                "/flow": stage("rbm_flow", "{}", '{"data": "ising", "machine": "rbm"}'),
                "/blocks": stage("block_spin", "{}", '{"data": "ising"}'),
            }
        )

    assert not shortfalls(store(40_000, 10_000, 64))
    assert shortfalls(store(20_000, 5_000, 64)) == [
        "5000 steps of the training rbm, not 10000 or more",
        "20000 configurations for each temperature of ising, not 40000",
    ]
    assert "layers of 16×16 spins at most, not 64×64" in shortfalls(store(40_000, 10_000, 16))
    alone = store(640, 10_000, 10)
    for other in ("rbm", "flow", "blocks"):
        del alone[other]
    assert shortfalls(alone) == ["640 configurations for each temperature of ising, not 20000"]
    alone["ising"] = alone["ising"].to_dataset().assign_coords(size=[6])
    assert shortfalls(alone) == ["lattices of 6×6 spins at most, not 10×10"]
