"""Notebooks as pages of the site, with the outputs that they were saved with; `tests` runs them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import nbformat
from docutils import nodes
from myst_parser.parsers.sphinx_ import MystParser

KINDS = ("image/png", "text/html", "text/plain")  # the first that there is


class NotebookParser(MystParser):
    """Reads a notebook as the MyST page that says the same."""

    supported = ("ipynb",)

    def parse(self, inputstring: str, document: nodes.document) -> None:
        """Fill a document from the text of a notebook."""
        notebook = nbformat.reads(inputstring, as_version=4)
        super().parse("\n\n".join(part for cell in notebook.cells for part in parts(cell)), document)


def parts(cell: Any) -> Iterator[str]:
    """Yield a cell in MyST: its text, or its code and what that put out."""
    if cell.cell_type == "markdown":
        yield cell.source
        return
    yield f"```python\n{cell.source}\n```"
    for output in cell.outputs:
        data = output.get("data", {"text/plain": output.get("text", "")})
        kind = next(kind for kind in KINDS if kind in data)
        if kind == "image/png":
            source = f"data:image/png;base64,{data[kind].strip()}"
            yield f'```{{raw}} html\n<img alt="{data["text/plain"]}" src="{source}">\n```'
        elif kind == "text/html":
            yield f"```{{raw}} html\n{data[kind]}\n```"
        else:
            yield f"```text\n{data[kind].rstrip()}\n```"


def setup(app: Any) -> dict[str, bool]:
    """Tell Sphinx of notebooks."""
    app.add_source_suffix(".ipynb", "ipynb")
    app.add_source_parser(NotebookParser)
    return {"parallel_read_safe": True}
