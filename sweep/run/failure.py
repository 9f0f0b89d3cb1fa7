"""Why a point failed: in one line, and as the traceback of the kernel's own code."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import sweep.kernels.function
from sweep.errors import reason
from sweep.run.words import kept

_FRAMEWORK = Path(__file__).parent
_FUNCTIONS = Path(sweep.kernels.function.__file__)


@dataclass(frozen=True)
class PointFailure:
    """A point that failed.

    Parameters
    ----------
    point : int
        Its number in its stage.
    reason : str
        In one line: what was raised and where in the kernel's code, or what became of the worker.
    trace : str
        The traceback from where the kernel's own code begins; of a worker that crashed, where it was. Empty where there
        is none.
    kind : str
        What was raised where, without its message: those that have it in common are told together. By default the
        reason.
    log : str
        Path or URL of what its worker printed; empty where there is none.
    """

    point: int
    reason: str
    trace: str = ""
    kind: str = ""
    log: str = ""


def failure_of(point: int, error: BaseException) -> PointFailure:
    """Return why a point failed, by what its kernel raised: the innermost frame of the user's own code is named."""
    inside = error.__traceback__
    while inside is not None and _is_ours(Path(inside.tb_frame.f_code.co_filename)):
        inside = inside.tb_next
    frames, place = traceback.extract_tb(inside), ""
    if frames:
        home = Path(frames[0].filename).parent  # where the kernel's own code begins
        last = [frame for frame in frames if home in Path(frame.filename).parents][-1]
        place = f" ({Path(last.filename).name}, line {last.lineno}, in {last.name})"
    trace = "".join(traceback.format_exception(type(error), error, inside or error.__traceback__))
    return PointFailure(point, f"{reason(error)}{place}", trace, f"{type(error).__name__}{place}", kept())


def _is_ours(file: Path) -> bool:
    """Return whether a file is of what calls kernels."""
    return _FRAMEWORK in file.parents or file == _FUNCTIONS


def common_reason(reasons: Sequence[str]) -> str:
    """Return in one line why points failed that have one kind of failure in common."""
    return reasons[0] if len(set(reasons)) == 1 else f"{reasons[0]}; the others are like the first"
