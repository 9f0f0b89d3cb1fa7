"""The laws of the kernel contract: what every kernel must keep so that its sweeps can be trusted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sweep.kernels.contract import Kernel
from sweep.laws.equilibrium import stationarity
from sweep.laws.generators import kept
from sweep.laws.growth import growth
from sweep.laws.purity import purity
from sweep.laws.repetition import cost, determinism, picklability, randomness, restart
from sweep.laws.schema import schema
from sweep.laws.trial import Trial
from sweep.laws.verdict import Finding, LawResult, Verdict, failed
from sweep.run.executors.base import limit_threads
from sweep.run.process import lend

__all__ = ["LAWS", "LawResult", "Verdict", "check_kernel"]

LAWS: dict[str, Callable[[Trial], Finding]] = {
    "schema": schema,
    "determinism": determinism,
    "purity": purity,
    "restart": restart,
    "growth": growth,
    "randomness": randomness,
    "stationarity": stationarity,
    "picklability": picklability,
    "cost": cost,
}


def check_kernel(kernel: Kernel[Any], laws: Sequence[str] | None = None) -> list[LawResult]:
    """Return how a kernel stands to the laws of the contract, run on its `example`.

    Seeds are fixed: the same kernel gets the same verdicts every time. The generators of `random` and `numpy.random`
    are left as they were.

    Parameters
    ----------
    kernel : Kernel
    laws : sequence of str, optional
        Which of `LAWS`; all of them by default.
    """
    trial = Trial(kernel)
    with kept(), limit_threads(1):  # as workers do
        return [LawResult(law, *_judge(LAWS[law], trial)) for law in (LAWS if laws is None else laws)]


def _judge(law: Callable[[Trial], Finding], trial: Trial) -> Finding:
    try:
        return lend(law, trial)
    except Exception as error:  # noqa: BLE001 - a broken kernel may raise anything
        first = (str(error).strip() or "no message").splitlines()[0]
        return failed(f"raised {type(error).__name__}: {first}")
