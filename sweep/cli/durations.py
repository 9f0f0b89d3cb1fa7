"""Durations as people write them."""

from __future__ import annotations

import re

import typer

SECONDS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "": 1.0}
_FORM = re.compile(r"(\d+(?:\.\d+)?[dhms]\s*)+|\d+(\.\d+)?", re.ASCII)
_PART = re.compile(r"(\d+(?:\.\d+)?)([dhms]?)", re.ASCII)


def seconds_in(text: str) -> float:
    """Return a duration such as 55m, 1h30m, 90s or 3600 in seconds."""
    if not _FORM.fullmatch(text.strip().lower()):
        raise typer.BadParameter(f"found {text!r}; wanted a duration such as 55m, 1h30m, or 3600 for seconds")
    return sum(float(number) * SECONDS[unit] for number, unit in _PART.findall(text.lower()))
