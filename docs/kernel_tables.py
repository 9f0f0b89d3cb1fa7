"""The page of kernels: what each says of itself, in tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sweep.grid.parameters import describe
from sweep.grid.registry import find_kernel, short_names
from sweep.kernels.contract import Kernel

PAGE = "reference/kernels"


def fill(app: Any, page: str, source: list[str]) -> None:
    """Add a section for every kernel to the text of their page."""
    if page == PAGE:
        source[0] += "\n\n".join(part for name in sorted(short_names()) for part in section(name, find_kernel(name)))


def section(name: str, kernel: Kernel[Any]) -> Iterator[str]:
    """Yield what a kernel says of itself, in MyST."""
    yield f"## `{name}`"
    yield f"{kernel.description.rstrip('.')}. Reads: {', '.join(kernel.inputs) or 'nothing'}. Version {kernel.version}."
    yield table(("parameter", "type, default", "units", "meaning"), describe(kernel))
    if kernel.example is not None:
        outputs = [
            (each, ", ".join(map("{} {}".format, one.dims, one.shape)), one.dtype, one.units, one.description)
            for each, one in kernel.outputs(kernel.example).items()
        ]
        yield table(("output", "dimensions", "type", "units", "meaning"), outputs)
    yield f"```{{eval-rst}}\n.. autoclass:: {kernel.params.__module__}.{kernel.params.__name__}\n```"


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in MyST."""
    lines = [headings, ["---"] * len(headings), *([f"`{row[0]}`", *row[1:]] for row in rows)]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def setup(app: Any) -> dict[str, bool]:
    """Tell Sphinx of the page."""
    app.connect("source-read", fill)
    return {"parallel_read_safe": True}
