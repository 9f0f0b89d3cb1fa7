"""The laws hold for every kernel that we ship, and each of them catches the faults that it is for."""

from __future__ import annotations

import random
import re
import threading
from dataclasses import replace

import broken
import broken_kernels as faults
import numpy as np
import pytest
from scipy.stats import kstest
from toys import THROW, WALK

from sweep.grid.registry import find_kernel
from sweep.kernels.contract import Kernel
from sweep.kernels.ising import ISING
from sweep.laws import LAWS, LawResult, Verdict, check_kernel
from sweep.laws.equilibrium import p_value

TRAVELLING = ("determinism", "restart", "picklability")  # these start a Python of their own: seconds


def failing(results: list[LawResult]) -> dict[str, str]:
    return {result.law: result.why for result in results if not result.holds}


@pytest.mark.parametrize(
    "name",
    [
        *["ising", "thermometer", "rbm", "rbm_snapshot", "rbm_flow"],
        *["rbm_partition", "rbm_samples", "ising_machine"],
        *["block_spin", "encode", "layer_correlation", "panel"],
    ],
)
def test_shipped_kernels_keep_every_law(name: str) -> None:
    results = check_kernel(find_kernel(name))
    assert [result.law for result in results] == list(LAWS)
    assert failing(results) == {}


@pytest.mark.parametrize("kernel", [THROW, WALK, broken.GOOD_CHAIN], ids=lambda kernel: kernel.name)
def test_toys_keep_every_law(kernel: Kernel[object]) -> None:
    assert failing(check_kernel(kernel, [law for law in LAWS if law not in TRAVELLING])) == {}


@pytest.mark.parametrize(
    ("kernel", "law", "why"),
    [
        (broken.WRONG_SHAPE, "schema", r"found shape \(2,\); declared \(1,\)"),
        (faults.WRONG_DTYPE, "schema", "found dtype float32; wanted float64"),
        (faults.WRONG_NAME, "schema", "gives 'average', which is not declared"),
        (faults.NEVER_FILLED, "schema", "3 blocks of 1 do not fill its length 6"),
        (faults.COLLIDING_NAMES, "schema", "inner dimension 'size' is the name of the parameter too"),
        (faults.NO_EXAMPLE, "schema", "has no `example`"),
        (faults.RAISES, "schema", "raised IndexError"),
        (broken.HIDDEN_GENERATOR, "determinism", "energy|abs_magnetization"),
        (faults.GLOBAL_NUMPY, "determinism", "draws from np.random"),
        (faults.GLOBAL_RANDOM, "determinism", "draws from random"),
        (faults.OF_PROCESS, "determinism", "in a fresh process"),
        (broken.MUTATED_STATE, "purity", "changes the state that it is given"),
        (faults.MUTATED_INPUT, "purity", "the input data.steps is changed"),
        (faults.REUSED_BUFFER, "purity", "mean of block 0 is changed by later work"),
        (broken.HIDDEN_STATE, "restart", "all that a block needs must be in the state"),
        (faults.MODULE_CACHE, "restart", "all that a block needs must be in the state"),
        (faults.TOTAL_MATTERS, "growth", "former values of mean change"),
        (faults.OWN_SEED, "randomness", "another seed gives the same bits"),
        (broken.WRONG_COUPLING, "stationarity", "drift away from equilibrium"),
        (faults.WRONG_WEIGHTS, "stationarity", "drift away from equilibrium"),
        (faults.IDLE_UPDATE, "stationarity", "the update changes nothing"),
    ],
    ids=lambda value: value.name if isinstance(value, Kernel) else "",
)
def test_broken_kernels_are_caught(kernel: Kernel[object], law: str, why: str) -> None:
    """Couplings and weights that are wrong by 5 % give p = 0 and 4e-93; with a tenth of the copies 3e-58 and 8e-12."""
    (result,) = check_kernel(kernel, [law])
    assert result.verdict is Verdict.failed, str(result)
    assert re.search(why, result.why), result.why


def test_a_cache_in_the_module_passes_every_law_but_restart() -> None:
    """So the law of restart is not implied by the others."""
    laws = [law for law in LAWS if law not in ("determinism", "picklability", "growth")]
    assert set(failing(check_kernel(faults.MODULE_CACHE, laws))) == {"restart"}


def test_what_cannot_travel() -> None:
    lock = threading.Lock()
    kernel = replace(broken.GOOD_CHAIN, cost=lambda params: 1e-5 if lock else 0.0)
    assert failing(check_kernel(kernel, TRAVELLING)).keys() == {"picklability"}


def test_a_wrong_cost_is_a_warning() -> None:
    (result,) = check_kernel(replace(broken.GOOD_CHAIN, cost=lambda params: 60.0), ["cost"])
    assert (result.verdict, result.holds) == (Verdict.warning, True)


def test_the_global_generators_are_left_as_they_were() -> None:
    def states() -> tuple[object, ...]:
        name, words, *rest = np.random.get_state(legacy=True)  # noqa: NPY002
        return random.getstate(), name, words.tobytes(), *rest

    before = states()
    check_kernel(faults.GLOBAL_NUMPY)
    check_kernel(faults.GLOBAL_RANDOM)
    assert states() == before


def test_p_values_are_uniform_for_a_right_kernel() -> None:
    """So that the false-alarm rate is what it says: 400 p values of exact draws, Kolmogorov-Smirnov.

    False alarm 1e-4. One of the six levels is so rare that it is pooled. With one degree of freedom too many or too few
    the p values here would fail at 2e-8 and 3e-15.
    """
    law = ISING.stationarity
    assert law is not None
    rng = np.random.default_rng(11)
    found = [p_value(law, law.level(law.params, law.draw(law.params, rng, 5000))) for _ in range(400)]
    assert kstest(found, "uniform").pvalue > 1e-4
