"""The files of an exhibit beside the page: its figure as PNG and PDF, and its numbers as CSV."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.figure import Figure

from sweep.analysis.exhibits.exhibit import Exhibit
from sweep.analysis.exhibits.style import typeset_subscripts, units_of

DPI = 160  # of PNG


def write_exhibit(exhibit: Exhibit, folder: Path, header: Sequence[str] = ()) -> bytes:
    """Write the files of an exhibit; return its figure as PNG.

    Parameters
    ----------
    exhibit : Exhibit
    folder : Path
    header : sequence of str
        What the CSV says of itself in comment lines, before the units of its columns.
    """
    png = folder / f"{exhibit.name}.png"
    _draw(exhibit.figure, png)
    numbers = exhibit.numbers
    found = {name: units_of(numbers[name]) for name in numbers.variables}
    units = [f"{name} in {words}" for name, words in found.items() if words]
    lines = [exhibit.title, *header, *([f"units: {', '.join(units)}"] if units else [])]
    frame = numbers.to_dataframe().reset_index()
    with (folder / f"{exhibit.name}.csv").open("w", encoding="utf-8", newline="") as file:
        file.writelines(f"# {line}\n" for line in lines)
        frame.to_csv(file, index=False, float_format="%.10g", lineterminator="\n")
    return png.read_bytes()


def _draw(figure: Figure, png: Path) -> None:
    """Write a figure as PNG, and as PDF beside it; it is laid out once, and drawn once for each.

    `Figure.savefig` draws twice for each, in case that what is drawn changes the layout.
    """
    typeset_subscripts(figure)
    figure.dpi = DPI
    agg: Any = FigureCanvasAgg(figure)  # parts of Matplotlib carry no types
    agg.print_png(png, metadata={"Software": None})
    figure.set_layout_engine("none")  # that of the first file is kept
    pdf: Any = FigureCanvasPdf(figure)
    pdf.print_pdf(png.with_suffix(".pdf"), metadata={"CreationDate": None, "Producer": None})
    figure.clear()  # what was drawn is not held until all others are
