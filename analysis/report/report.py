"""The report: a folder with figures (PNG, PDF), the numbers behind each (CSV), and a page that shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2
import numpy as np
import xarray as xr
from threadpoolctl import threadpool_limits

from sweep.analysis.estimators.stages import mapping
from sweep.analysis.estimators.verdict import LEVEL
from sweep.analysis.exhibits.catalogue import EXHIBITS
from sweep.analysis.exhibits.exhibit import Absent, Exhibit, Maker, Row


@dataclass(frozen=True)
class _StageSummary:
    name: str
    kernel: str
    version: int
    done: int
    points: int


def write_report(tree: xr.DataTree, folder: Path, makers: Sequence[Maker] = EXHIBITS) -> Path:
    """Write the report of a store; return the path of its page.

    Parameters
    ----------
    tree : DataTree
        The store, as `xarray.open_datatree` gives it. It may be incomplete: points that are not done are left out, and
        figures that lack their data are named with the reason.
    folder : Path
        Made if need be; files of an earlier report are replaced.
    makers : sequence of Maker
        What to show.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with threadpool_limits(1):  # matrices are small: threads would wait for each other
        results = [maker(tree) for maker in makers]
    exhibits = [result for result in results if isinstance(result, Exhibit)]
    rows = [row for exhibit in exhibits for row in exhibit.rows]
    for exhibit in exhibits:
        _write_exhibit(exhibit, folder)
    page = (
        _environment()
        .get_template("report.html")
        .render(
            name=tree.attrs.get("name", "sweep"),
            seed=tree.attrs.get("seed"),
            grid=tree.attrs.get("grid", ""),
            packages=mapping(tree.attrs, "packages"),
            stages=[_summary(name, node) for name, node in tree.children.items() if "kernel" in node.attrs],
            exhibits=exhibits,
            absent=[result for result in results if isinstance(result, Absent)],
            rows=rows,
            verdicts=verdicts_made(rows),
        )
    )
    path = folder / "index.html"
    path.write_text(page, encoding="utf-8")
    return path


def _write_exhibit(exhibit: Exhibit, folder: Path) -> None:
    exhibit.figure.savefig(folder / f"{exhibit.name}.png", dpi=160, metadata={"Software": None})
    exhibit.figure.set_layout_engine("none")  # that of the first file is kept
    exhibit.figure.savefig(folder / f"{exhibit.name}.pdf", metadata={"CreationDate": None, "Producer": None})
    frame = exhibit.numbers.to_dataframe().reset_index()
    frame.to_csv(folder / f"{exhibit.name}.csv", index=False, float_format="%.10g", lineterminator="\n")


def _summary(name: str, stage: xr.DataTree) -> _StageSummary:
    done = np.asarray(stage["done"])
    return _StageSummary(name, stage.attrs["kernel"], stage.attrs["kernel_version"], int(done.sum()), done.size)


def _environment() -> jinja2.Environment:
    # By path: under pytest a folder of tests called "analysis" is found before this package.
    loader = jinja2.FileSystemLoader(Path(__file__).parent / "templates")
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    environment.filters["measured"] = measured
    environment.filters["remarks"] = remarks
    return environment


def verdicts_made(rows: Sequence[Row]) -> str:
    """Return in words how many verdicts a page makes, and how many of them chance would turn."""
    made = [row.verdict for row in rows if row.verdict is not None and row.verdict.given]
    differing = sum(one.p < LEVEL for one in made)
    return (
        f"This page makes {len(made)} verdicts, each against what the same protocol gives on perfect data, by "
        f"Student's t at the level p = {LEVEL:g}: {differing} say that the two differ. Were there no differences, "
        f"chance alone would make about {LEVEL * len(made):.2g} say so. The paper's values are its claims: "
        "no verdict is made on them."
    )


def remarks(row: Row) -> str:
    """Return the verdict of a row, and what else is to be said."""
    return "; ".join(part for part in (row.verdict.words if row.verdict else "", row.remark) if part)


def measured(row: Row) -> str:
    """Return a value with its error in the usual short form: the error to two digits, the value to as many places."""
    if not np.isfinite(row.ours):
        return "∞" if row.ours == np.inf else "none"
    if not np.isfinite(row.error) or row.error <= 0:
        return f"{row.ours:.4g}"
    places = max(0, 1 - int(np.floor(np.log10(row.error))))
    return f"{row.ours:.{places}f} ± {row.error:.{places}f}"
