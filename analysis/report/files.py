"""The files of an exhibit beside the page: its figure as PNG and PDF, and its numbers as CSV."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.figure import Figure

from sweep.analysis.exhibits.exhibit import Exhibit
from sweep.analysis.exhibits.style import typeset_subscripts, units_of

DPI = 160  # of PNG


def files_of(exhibit: Exhibit, header: Sequence[str] = ()) -> dict[str, bytes]:
    """Return the files of an exhibit, by name; the first is its figure as PNG.

    Parameters
    ----------
    exhibit : Exhibit
    header : sequence of str
        What the CSV says of itself in comment lines, before the units of its columns.
    """
    png, pdf = _drawn(exhibit.figure)
    csv = _table(exhibit, header).encode()
    return {f"{exhibit.name}.png": png, f"{exhibit.name}.pdf": pdf, f"{exhibit.name}.csv": csv}


def _table(exhibit: Exhibit, header: Sequence[str]) -> str:
    numbers = exhibit.numbers
    found = {name: units_of(numbers[name]) for name in numbers.variables}
    units = [f"{name} in {words}" for name, words in found.items() if words]
    lines = [exhibit.title, *header, *([f"units: {', '.join(units)}"] if units else [])]
    frame = numbers.to_dataframe().reset_index()
    rows = str(frame.to_csv(index=False, float_format="%.10g", lineterminator="\n"))
    return "".join(f"# {line}\n" for line in lines) + rows


def _drawn(figure: Figure) -> tuple[bytes, bytes]:
    """Return a figure as PNG and as PDF; it is laid out once, and drawn once for each.

    `Figure.savefig` draws twice for each, in case that what is drawn changes the layout.
    """
    typeset_subscripts(figure)
    figure.dpi = DPI
    png, pdf = BytesIO(), BytesIO()
    agg: Any = FigureCanvasAgg(figure)  # parts of Matplotlib carry no types
    agg.print_png(png, metadata={"Software": None})
    figure.set_layout_engine("none")  # that of the first file is kept
    vector: Any = FigureCanvasPdf(figure)
    vector.print_pdf(pdf, metadata={"CreationDate": None, "Producer": None})
    figure.clear()  # what was drawn is not held until all others are
    return png.getvalue(), pdf.getvalue()
