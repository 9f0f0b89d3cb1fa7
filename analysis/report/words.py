"""What a page says of numbers: values with errors, verdicts, conclusions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from sweep.analysis.claims.claim import Judgement, Outcome
from sweep.analysis.estimators.verdict import LEVEL
from sweep.analysis.exhibits.exhibit import Exhibit, Row
from sweep.analysis.exhibits.style import WIDTHS

ERRORS = (
    "± is one standard error, unless something else is said beside it: over independent repetitions.",
    "No ±: there are no independent copies, or there is no chance in it. “none”: there is no value, and a remark why.",
)
"""What each ± of a page means."""

ERRORS_OF_THE_PAPER = (
    "Monte Carlo: from independent chains. Flows: from bins of configurations and from trainings together (crossed "
    "random effects). Machines: from trainings; where there is only one, from its units, as the remark then says.",
    "90 % interval: the paper's own error of a fit, Student's t on its residuals. Points of one lattice fluctuate "
    "together, so it says little of chance.",
    "Claims are judged by intervals of Student's t, wider the more numbers belong to one claim.",
)
"""What else each ± means on a page about the paper."""


def without_nan(shown: object) -> object:
    """Return what a page shows, "none" for each number in its words that is none, whichever exhibit wrote them."""
    return re.sub(r"[+-]?\bnan\b", "none", shown) if type(shown) is str else shown


def width(figure: Figure) -> str:
    """Return how much of the page's width a figure takes: all figures are scaled alike, so text has one size."""
    return f"{min(1.0, figure.get_figwidth() / WIDTHS[-1]):.0%}"


def plain(value: float) -> str:
    """Return a number to four digits; nothing where there is none."""
    if np.isnan(value):
        return ""
    return f"{value:.4g}" if np.isfinite(value) else ("∞" if value > 0 else "−∞")


def with_error(value: float, error: float) -> str:
    """Return a value with its error in the usual short form: the error to two digits, the value to as many places."""
    if not np.isfinite(value):
        return plain(value) or "none"
    if not np.isfinite(error) or error <= 0:
        return plain(value)
    places = 1 - int(np.floor(np.log10(error)))
    if places > 7:
        return f"{value:.3g} ± {error:.2g}"
    return f"{value:.{max(0, places)}f} ± {error:.{max(0, places)}f}"


def duration(seconds: float) -> str:
    """Return a time in its usual units, to three digits."""
    units = (("h", 3600), ("min", 60), ("s", 1))
    unit, size = next((one for one in units if seconds >= 2 * one[1]), units[-1])
    return f"{seconds / size:.3g} {unit}"


def moment(date: str) -> str:
    """Return a date as launches write it, ISO 8601 in UTC, as people do."""
    return date.replace("T", " ").replace("+00:00", " UTC")


def measured(row: Row) -> str:
    """Return the value of a row with its error."""
    return with_error(row.ours, row.error)


def remarks(row: Row) -> str:
    """Return the verdict of a row, and what else is to be said."""
    return "; ".join(part for part in (row.verdict.words if row.verdict else "", row.remark) if part)


def verdicts_made(rows: Sequence[Row]) -> str:
    """Return in words how many verdicts a page makes, and how many of them chance would turn."""
    made, differing = _verdicts(rows)
    return (
        f"This page makes {made} verdicts, each against what the same protocol gives on perfect data, by "
        f"Student's t at the level p = {LEVEL:g}: in {differing} the two differ. Were there no differences, "
        f"chance alone would make about {LEVEL * made:.2g}. The paper's values are its claims: "
        "no such verdict is made on them."
    )


def _verdicts(rows: Sequence[Row]) -> tuple[int, int]:
    made = [row.verdict for row in rows if row.verdict is not None and row.verdict.given]
    return len(made), sum(one.p < LEVEL for one in made)


def undone(points: int, done: int, failed: int, waiting: int) -> str:
    """Return in words what became of the points that are not done; nothing where all are."""
    counted = {
        "failed and set aside": failed,
        "waiting for one that failed": waiting,
        "not done yet": points - done - failed - waiting,
    }
    return ", ".join(f"{count} {what}" for what, count in counted.items() if count > 0)


def outcomes(judgements: Sequence[Judgement]) -> str:
    """Return in words how many claims come out which way."""
    count = Counter(one.outcome for one in judgements)
    parts = [f"{count[outcome]} {outcome}" for outcome in Outcome if count[outcome]]
    return f"{len(judgements)} claims of the paper: {', '.join(parts)}."


def conclusion(exhibit: Exhibit, judgements: Sequence[Judgement]) -> str:
    """Return what to conclude from an exhibit: its claims, its own words, and how its values stand beside theory."""
    own = {one.claim for one in exhibit.evidence}
    parts = [f"{one.outcome.capitalize()}: {one.claim.says}" for one in judgements if one.claim in own]
    parts += [exhibit.conclusion] if exhibit.conclusion else []
    made, differing = _verdicts(exhibit.rows)
    if made == 1:
        parts.append(f"The one value with a verdict {'differs from' if differing else 'agrees with'} perfect data.")
    elif made and differing:
        by_chance = f"chance alone would make {LEVEL * made:.2g}"
        parts.append(f"{differing} of {made} values differ from what perfect data give ({by_chance}).")
    elif made:
        parts.append(f"All {made} values agree with what perfect data give.")
    return " ".join(parts) or "It describes: nothing in it can be held to a claim or to perfect data."
