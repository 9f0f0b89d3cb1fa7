"""What a report is made of: figures with the numbers behind them, and the rows that they add to its table."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

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


@dataclass(frozen=True)
class Failed:
    """An exhibit that could not be made.

    Parameters
    ----------
    name : str
        Of its maker.
    reason : str
        In one line: what was raised, and where.
    trace : str
        The traceback.
    """

    name: str
    reason: str
    trace: str

    def __str__(self) -> str:
        """Return which one could not be made, and why."""
        return f"{self.name} could not be made: {self.reason}"


Maker = Callable[[xr.DataTree], Exhibit | Absent]


def name_of(maker: Maker) -> str:
    """Return what a maker is called: by what is bound to it as a name, or that has one; else the function's name."""
    bound = maker.keywords if isinstance(maker, partial) else {}
    names = [bound.get("name"), *(getattr(value, "name", None) for value in bound.values())]
    return next(filter(None, names), getattr(maker, "__name__", "an exhibit")).replace("_", "-")


def failed(maker: Maker, error: Exception) -> Failed:
    """Return which exhibit could not be made, and why: what was raised, and its last frame."""
    words = (str(error).strip() or "no message").splitlines()[0]
    *_, last = traceback.extract_tb(error.__traceback__)
    where = f"{Path(last.filename).name}, line {last.lineno}, in {last.name}"
    trace = "".join(traceback.format_exception(error))
    return Failed(name_of(maker), f"{type(error).__name__}: {words} ({where})", trace)
