"""Numbers as a person reads them: times, rates, moments."""

from __future__ import annotations

import time

PREFIXES = ("", "k", "M", "G", "T", "P")


def duration(seconds: float) -> str:
    """Return a time in words."""
    if seconds < 60:
        return f"{seconds:.3g} s"
    if seconds < 3600:
        return f"{int(seconds) // 60} min {int(seconds) % 60:02d} s"
    return f"{seconds / 3600:.3g} h"


def rate(amount: float, unit: str) -> str:
    """Return an amount per second in words; the time of each where it is less than one a second."""
    if amount <= 0:
        return ""
    if amount < 1 and unit.endswith("s"):
        return f"{duration(1 / amount)} a {unit.removesuffix('s')}"
    power = 0
    while amount >= 999.5 and power < len(PREFIXES) - 1:
        amount, power = amount / 1000, power + 1
    return f"{amount:.3g} {PREFIXES[power]}{' ' if power else ''}{unit}/s"


def moment(seconds: float) -> str:
    """Return when it is in so many seconds, by this machine's clock; with the day where that is another."""
    then, now = time.localtime(time.time() + seconds), time.localtime()
    return time.strftime("%H:%M" if then[:3] == now[:3] else "%a %d %b %H:%M", then)
