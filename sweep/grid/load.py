"""A grid from its file; mistakes are told with their line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sweep.errors import Problem, SweepError
from sweep.grid.file import read_text, with_overrides
from sweep.grid.grid import Grid
from sweep.grid.resolve import resolve
from sweep.grid.yaml_text import lines_of


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
        raise SweepError(*_in_lines(error.problems, str(path), written)) from error
    return replace(found, path=str(path.absolute()))


def _in_lines(problems: Sequence[Problem | str], path: str, text: str) -> list[Problem | str]:
    """Return problems with the lines of the file where their keys stand."""
    mark = f"{path}: "
    found = [one for one in problems if isinstance(one, Problem) and one.where.startswith(mark)]
    lines = lines_of(text, (one.where.removeprefix(mark) for one in found))
    placed = {
        one: replace(one, where=f"{path}:{line}: {one.where.removeprefix(mark)}")
        for one, line in zip(found, lines, strict=True)
        if line is not None
    }
    return [placed.get(one, one) if isinstance(one, Problem) else one for one in problems]
