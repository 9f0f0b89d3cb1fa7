"""What went wrong, in words for the person who can mend it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

MOST = 50  # mistakes that are told at once


@dataclass(frozen=True)
class Problem:
    """One mistake: where it is, what was found there, what was wanted."""

    where: str
    what: str

    def __str__(self) -> str:
        """Return the problem as one line that a terminal can show."""
        return _shown(f"{self.where}: {self.what}")


class SweepError(Exception):
    """The grid, the store or the arguments are wrong, or a launch cannot go on.

    Parameters
    ----------
    problems : Problem or str
        All that is wrong, each worth one or two lines.

    Attributes
    ----------
    written : bool
        Whether something was written before it was found.
    """

    written = False

    def __init__(self, *problems: Problem | str) -> None:
        self.problems = problems
        more = [f"... and {counted(len(problems) - MOST, 'mistake')} more"] if len(problems) > MOST else []
        super().__init__("\n".join([*map(str, problems[:MOST]), *more]))


class LeaseLost(SweepError):  # noqa: N818 - an event that ends a worker's task, not a mistake of the user
    """Another launcher has taken over the store; whoever notices must stop writing."""


class GivenUp(LeaseLost):
    """The launch goes on without this worker: it was taken for dead, or another was faster with its task."""


def _shown(text: str, longest: int = 1000) -> str:
    """Return a text with what cannot be printed escaped, a long one without its middle."""
    cut = text if len(text) <= longest else f"{text[: longest // 2]} ... {text[-longest // 2 :]}"
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in cut)


def closest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that may have been meant; None where none is close."""
    return next(iter(difflib.get_close_matches(word[:100], list(known), n=1)), None)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a hint with the closest known word, or else with all of them."""
    names = sorted(known)
    meant = closest(word, names)
    if meant is not None:
        return f"did you mean {meant!r}?"
    return f"known: {', '.join(names)}" if names else "none is known here"


def reason(error: BaseException) -> str:
    """Return what an exception says, in one line."""
    try:
        said = str(error).strip() or "no message"
    except Exception:  # noqa: BLE001 - it is somebody's own class
        said = "no message that can be read"
    return f"{type(error).__name__}: {said.splitlines()[0]}"


def counted(count: int, one: str, more: str = "") -> str:
    """Return how many there are of something: ``more`` is what several are, by default ``one`` with an s."""
    return f"{count} {one if count == 1 else more or f'{one}s'}"


def brief(value: object, longest: int = 60) -> str:
    """Return a value for a message: long ones cut, mappings and lists by their kind."""
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= longest else f"{text[: longest - 10]} ... ({len(text)} characters)"
