"""The report: a folder with figures (PNG, PDF), the numbers behind each (CSV), and a page that shows them."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import xarray as xr

from sweep.analysis.claims.claim import RULES, judge
from sweep.analysis.claims.scale import shortfalls
from sweep.analysis.estimators.stages import mapping
from sweep.analysis.exhibits.catalogue import makers_for
from sweep.analysis.exhibits.exhibit import Absent, Exhibit, Failed, Maker
from sweep.analysis.report import words
from sweep.analysis.report.making import Made, Making
from sweep.analysis.report.origin import Origin

KEPT_BYTES = 16e6  # of the store, that a report keeps in memory


@dataclass(frozen=True)
class _StageSummary:
    name: str
    kernel: str
    version: int
    done: int
    points: int
    undone: str
    seconds: float | None


class UnmadeError(Exception):
    """A report is written, but not all of its exhibits could be made.

    Parameters
    ----------
    page : Path
    unmade : sequence of Failed
    """

    def __init__(self, page: Path, unmade: Sequence[Failed]) -> None:
        super().__init__("; ".join(map(str, unmade)))
        self.page, self.unmade = page, unmade
        for one in unmade:
            self.add_note(one.trace)


def write_report(
    tree: xr.DataTree,
    folder: Path,
    makers: Sequence[Maker] | None = None,
    origin: Origin | None = None,
    progress: Callable[[int, int], None] | None = None,
    processes: int = 1,
) -> Path:
    """Write the report of a store; return the path of its page, which needs no other file to be read.

    Parameters
    ----------
    tree : DataTree
        The store, as `xarray.open_datatree` gives it. It may be incomplete: points that are not done are left out, and
        figures that lack their data are named with the reason.
    folder : Path
        Made if need be; files of an earlier report are replaced.
    makers : sequence of Maker, optional
        What to show; by default all that the stages of the store may give. Where several processes make them, they are
        what `pickle` can name: functions at the top of a module.
    origin : Origin, optional
        Where the store is, and what filled it.
    progress : (int, int) -> None, optional
        Called with the number of exhibits that are done and of all, before the first and after each.
    processes : int
        How many exhibits are made side by side at most, by this process and by others that it starts.

    Raises
    ------
    UnmadeError
        When all is written, but exhibits that could not be made; the page says in their places why.
    """
    folder.mkdir(parents=True, exist_ok=True)
    chosen = makers_for(tree) if makers is None else makers
    _read_what_is_small(tree)
    told = progress or (lambda done, total: None)
    made: dict[int, Made] = {}
    making = Making(tree, chosen, folder, [_seed(tree), _versions(tree)])
    told(0, len(chosen))
    for number, one in making.all_made(processes):
        made[number] = one
        told(len(made), len(chosen))
    in_order = [made[number] for number in range(len(chosen))]
    path = folder / "index.html"
    path.write_text(_page(tree, in_order, origin or Origin()), encoding="utf-8")
    unmade = [one.result for one in in_order if isinstance(one.result, Failed)]
    if unmade:
        raise UnmadeError(path, unmade)
    return path


def _read_what_is_small(tree: xr.DataTree) -> None:
    """Read the smaller variables of a store as they are: exhibits ask for them many times, a setting at a time."""
    left, variables = KEPT_BYTES, [variable for node in tree.subtree for variable in node.variables.values()]
    for variable in sorted(variables, key=lambda one: one.nbytes):
        left -= variable.nbytes
        if left < 0:
            return
        variable.load()


def _page(tree: xr.DataTree, made: Sequence[Made], origin: Origin) -> str:
    results = [one.result for one in made]
    exhibits = [result for result in results if isinstance(result, Exhibit)]
    judgements = judge(one for exhibit in exhibits for one in exhibit.evidence)
    shown_by = {one.claim: exhibit for exhibit in reversed(exhibits) for one in exhibit.evidence}
    rows = [row for exhibit in exhibits for row in exhibit.rows]
    stages = [_summary(name, node, origin) for name, node in tree.children.items() if "kernel" in node.attrs]
    done, points = (sum(getattr(stage, name) for stage in stages) for name in ("done", "points"))
    failed, waiting = (sum(counts.get(stage.name, 0) for stage in stages) for counts in (origin.failed, origin.waiting))
    content: dict[str, Any] = {
        "name": tree.attrs.get("name", "sweep"),
        "seed": _seed(tree),
        "grid": tree.attrs.get("grid", ""),
        "versions": _versions(tree),
        "stages": stages,
        "unfinished": f"{done} of {points} points are done." if done < points else "",
        "undone": words.undone(points, done, failed, waiting),
        "origin": origin,
        "judgements": judgements,
        "shown_by": shown_by,
        "outcomes": words.outcomes(judgements),
        "rules": RULES,
        "shortfalls": shortfalls(tree) if judgements else [],
        "errors": words.ERRORS + (words.ERRORS_OF_THE_PAPER if judgements else ()),
        "exhibits": exhibits,
        "conclusions": {exhibit.name: words.conclusion(exhibit, judgements) for exhibit in exhibits},
        "images": {
            one.result.name: base64.b64encode(one.image).decode("ascii")
            for one in made
            if isinstance(one.result, Exhibit)
        },
        "shown": [result for result in results if not isinstance(result, Absent)],
        "unmade": [result.name for result in results if isinstance(result, Failed)],
        "absent": [result for result in results if isinstance(result, Absent)],
        "verdicts": words.verdicts_made(rows) if judgements else "",
    }
    return _environment().get_template("report.html").render(content)


def _seed(tree: xr.DataTree) -> str:
    return f"{tree.attrs.get('name', 'sweep')}, seed {tree.attrs.get('seed')}"


def _versions(tree: xr.DataTree) -> str:
    return ", ".join(f"{package} {version}" for package, version in mapping(tree.attrs, "packages").items())


def _summary(name: str, stage: xr.DataTree, origin: Origin) -> _StageSummary:
    flags, seconds = np.asarray(stage["done"]), origin.seconds.get(name)
    done, points = int(flags.sum()), flags.size
    undone = words.undone(points, done, origin.failed.get(name, 0), origin.waiting.get(name, 0))
    return _StageSummary(name, stage.attrs["kernel"], stage.attrs["kernel_version"], done, points, undone, seconds)


def _environment() -> jinja2.Environment:
    # By path: under pytest a folder of tests called "analysis" is found before this package.
    loader = jinja2.FileSystemLoader(Path(__file__).parent / "templates")
    environment = jinja2.Environment(
        loader=loader,
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        finalize=words.without_nan,
    )
    of_values = words.measured, words.remarks, words.plain, words.with_error
    for one in (*of_values, words.duration, words.moment, words.width):
        environment.filters[one.__name__] = one
    return environment
