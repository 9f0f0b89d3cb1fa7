"""What a law says of a kernel."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a kernel stands to a law."""

    passed = "passed"
    failed = "FAILED"
    warning = "warning"
    not_applicable = "not applicable"


Finding = tuple[Verdict, str]


@dataclass(frozen=True)
class LawResult:
    """What one law says of a kernel, and why."""

    law: str
    verdict: Verdict
    why: str

    @property
    def holds(self) -> bool:
        """Return whether the kernel may be trusted as far as this law goes."""
        return self.verdict is not Verdict.failed

    def __str__(self) -> str:
        """Return the result as one line."""
        return f"{self.law:<13} {self.verdict:<14} {self.why}"


def passed(why: str) -> Finding:
    """Return that the law holds."""
    return Verdict.passed, why


def failed(why: str) -> Finding:
    """Return that the law is broken."""
    return Verdict.failed, why


def warning(why: str) -> Finding:
    """Return that the law holds, but that its author should know something."""
    return Verdict.warning, why


def not_applicable(why: str) -> Finding:
    """Return that the law says nothing of this kernel."""
    return Verdict.not_applicable, why
