"""Points that were computed by what this process is not: their bits say nothing here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from sweep.planning.template import SEVERAL
from sweep.store.environments import GPU, Environment, environment_differences, environment_here


@dataclass(frozen=True)
class Elsewhere:
    """Tells whether what has a number in the store gives the bits that this process does.

    Parameters
    ----------
    known : mapping of int to Environment or None
        What has computed points of the store.
    """

    known: Mapping[int, Environment | None]

    @cached_property
    def _told(self) -> dict[int, list[str]]:
        """Return in words, for every environment that is known, how this one differs from it."""
        theirs = {number: environment for number, environment in self.known.items() if environment}
        names = dict.fromkeys(name for environment in theirs.values() for name in environment)
        here = environment_here(names, gpus=GPU in names)
        return {number: environment_differences(environment, here) for number, environment in theirs.items()}

    def is_here(self, number: int) -> bool:
        """Return whether it is known to be the same."""
        return self._told.get(number) == []

    def difference(self, number: int) -> str | None:
        """Return in words by what else points were computed; None where it is the same, or not known."""
        if number == SEVERAL:
            return "by more than one environment"
        told = self._told.get(number)
        return f"with {', '.join(told)}" if told else None
