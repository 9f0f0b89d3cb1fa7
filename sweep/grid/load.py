"""A grid from its file; mistakes are told with their line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sweep.errors import Problem, SweepError
from sweep.grid.file import read_text, with_overrides
from sweep.grid.grid import Grid
from sweep.grid.resolve import resolve
from sweep.grid.yaml_text import line_of


def load_grid(path: Path, overrides: Sequence[str] = ()) -> Grid:
    """Return the grid in a file.

    Parameters
    ----------
    path : Path
        The YAML file.
    overrides : sequence of str
        ``key.key=value`` settings that replace what the file says.

    Raises
    ------
    SweepError
        With every mistake in the file, each with its place, what was found and what was wanted.
    """
    written = read_text(path)
    document, text = with_overrides(written, str(path), overrides)
    try:
        found = resolve(document, text, str(path))
    except SweepError as error:
        raise SweepError(*(_in_line(problem, str(path), written) for problem in error.problems)) from error
    return replace(found, path=str(path.absolute()))


def _in_line(problem: Problem | str, path: str, text: str) -> Problem | str:
    """Return a problem with the line of the file where its key stands."""
    if isinstance(problem, str) or not problem.where.startswith(f"{path}: "):
        return problem
    key = problem.where.removeprefix(f"{path}: ")
    line = line_of(text, key)
    return problem if line is None else replace(problem, where=f"{path}:{line}: {key}")
