"""Rows of the table from exponents along the flow: beside step 0, which is what the protocol gives on perfect data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from sweep.analysis.claims.claim import Claim, Evidence
from sweep.analysis.estimators.verdict import Verdict, compare
from sweep.analysis.exhibits.exhibit import Row

STEP_0 = "step 0 of the flow"


@dataclass(frozen=True)
class Expectation:
    """What is known beforehand of an exponent along the flow.

    Parameters
    ----------
    paper, exact : str
        What the paper states, and exact values.
    selected : float
        What the exact energy's classes make of it on perfect data; NaN where that is not known.
    by_energy : bool
        Whether the classes are the exact energy's, so that `selected` is what perfect data give.
    """

    paper: str
    exact: str
    selected: float = np.nan
    by_energy: bool = False


def exponent_row(quantity: str, curve: xr.Dataset, step: int, expected: Expectation, remark: str = "") -> Row:
    """Return the row of an exponent at one flow step, or of its trainings one by one where the fit of some failed.

    The configurations of a class are chosen by what reads them, and at step 0 they are chosen from perfect data: a
    machine that changes nothing stays there. So the verdict is on the change since, bin by bin and training by
    training; where the exact value of the grouping is known, it is on the difference from that.

    Parameters
    ----------
    quantity : str
        What the row is about.
    curve : Dataset[flow_step]
        From `exponent_curve`.
    step : int
    expected : Expectation
    remark : str
    """
    at, perfect = curve.sel(flow_step=step), _start(curve.isel(flow_step=0))
    if np.isfinite(expected.selected):
        perfect = f"{perfect}; {expected.selected:.4f} by exact energy classes"
    failed = int(at["failed"]) > 0
    value, error = (np.nan, np.nan) if failed else (float(at["value"]), float(at["error"]))
    remark = "; ".join(part for part in (survivors(at) if failed else "", remark) if part)
    verdict = None if failed else _verdict(at, expected)
    return Row(quantity, value, error, expected.paper, expected.exact, remark, perfect, verdict)


def exponent_evidence(claim: Claim, where: str, curve: xr.Dataset, step: int, exact: float) -> Evidence:
    """Return what an exponent at one flow step says of a claim, beside step 0 of the same flow: perfect data.

    Parameters
    ----------
    claim : Claim
    where : str
    curve : Dataset[flow_step]
        From `exponent_curve`.
    step : int
    exact : float
        What is true of a machine whose flow does what the claim is about; NaN where that is not known.
    """
    at, start = curve.sel(flow_step=step), curve.isel(flow_step=0)
    failed, trainings = int(at["failed"]), np.size(at["by_realisation"])
    return Evidence(
        claim,
        where,
        float(at["value"]),
        float(at["error"]),
        float(at["degrees"]),
        exact=exact,
        perfect=float(start["value"]),
        perfect_error=float(start["error"]),
        trainings=trainings,
        missing=f"fits that do not fail would decide it: {failed} of {trainings} trainings have none" if failed else "",
    )


def _start(start: xr.Dataset) -> str:
    value, error = float(start["value"]), float(start["error"])
    known = f"{value:.4f}" + (f" ± {error:.4f}" if np.isfinite(error) else "")
    return f"{known} at {STEP_0}" if np.isfinite(value) else f"no value at {STEP_0}"


def _verdict(at: xr.Dataset, expected: Expectation) -> Verdict:
    trainings = int(at["realisations"])
    if expected.by_energy and np.isfinite(expected.selected):
        value, error, degrees = (float(at[name]) for name in ("value", "error", "degrees"))
        return compare(value, error, degrees, expected.selected, "perfect data", trainings=trainings)
    change, error, degrees = (float(at[f"change{end}"]) for end in ("", "_error", "_degrees"))
    return compare(change, error, degrees, 0.0, STEP_0, trainings=trainings)


def survivors(at: xr.Dataset) -> str:
    """Return in words what every training gives where some give nothing, and why these do not."""
    each = np.ravel(at["by_realisation"]).tolist()
    words = ", ".join(f"{value:.4g}" if np.isfinite(value) else "none" for value in each)
    failed = f"{int(at['failed'])} of {len(each)} trainings have no fit ({at['reason'].item()})"
    return f"{failed}, so there is no mean; each training: {words}"
