"""What a report is made of: figures with the numbers behind them, and the rows that they add to its table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import xarray as xr
from matplotlib.figure import Figure

from sweep.analysis.claims.claim import Evidence
from sweep.analysis.estimators.verdict import Verdict


@dataclass(frozen=True)
class Row:
    """One line of the table "ours ± error | paper | exact | perfect data, same protocol".

    Parameters
    ----------
    quantity : str
        What is compared, in words, with its conditions.
    ours, error : float
        Our value and its standard error; NaN when there is none.
    paper : str
        What the paper states.
    exact : str
        The exact value or expectation.
    remark : str
        Where ours and the paper's statement disagree, in words; why there is no value.
    perfect : str
        What the same protocol gives on perfect Ising data, or at step 0 of the same flow: what ours is compared with.
    verdict : Verdict, optional
        Of that comparison; none where there is no such null, or where fits of some trainings failed.
    """

    quantity: str
    ours: float
    error: float
    paper: str
    exact: str
    remark: str = ""
    perfect: str = ""
    verdict: Verdict | None = None


@dataclass(frozen=True)
class Exhibit:
    """A figure, what it shows, and the numbers behind it.

    Parameters
    ----------
    name : str
        File name without ending, such as ``figure-5b``.
    title, caption : str
    figure : Figure
    numbers : Dataset
        What is drawn; goes into the CSV.
    rows : tuple of Row
    argument : tuple of str
        Paragraphs below the figure, where what it shows needs more words than a caption has.
    evidence : tuple of Evidence
        What it says of claims of the paper.
    conclusion : str
        What to conclude from it, in a sentence, beside what follows from the evidence and the verdicts of its rows.
    """

    name: str
    title: str
    caption: str
    figure: Figure
    numbers: xr.Dataset
    rows: tuple[Row, ...] = ()
    argument: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    conclusion: str = ""


@dataclass(frozen=True)
class Absent:
    """A figure that the store cannot give, and why."""

    title: str
    reason: str


Maker = Callable[[xr.DataTree], Exhibit | Absent]
