"""Stores in Python: how far they are, whether they are sound, what they hold.

Each function imports what it needs when it is called, so that a look at a store waits for neither numba nor scipy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweep.api.origin import origin_of
from sweep.errors import Problem, SweepError
from sweep.run.status import Status, read_status
from sweep.store.launches import launch_and_part, read_tasks
from sweep.store.storage import Location, reaching
from sweep.store.store import Store, required_manifest

if TYPE_CHECKING:
    import pandas as pd

    from sweep.analysis.estimators.comparison import Comparison
    from sweep.verification import Verdict
    from sweep.verification.rerun import Rerun


def status(store: str | Path) -> Status:
    """Say how far a store is, who is at work on it, and what failed. Works while a launch runs.

    Parameters
    ----------
    store : str or Path
        Path or URL.

    Returns
    -------
    Status
        Stage by stage; printed it is a table.

    Raises
    ------
    SweepError
        When there is no store there, or it does not answer.

    Examples
    --------
    >>> import sweep
    >>> sweep.status("runs/tiny.zarr").complete
    True
    """
    from sweep.display.tables import ShownStatus

    return ShownStatus(**vars(read_status(Store(Location(str(store))))))


def tasks(store: str | Path) -> pd.DataFrame:
    """Say what the tasks took by which a store was filled: time, and memory.

    Parameters
    ----------
    store : str or Path
        Path or URL.

    Returns
    -------
    pandas.DataFrame
        A row for each task, as they ended: ``launch``, ``time`` (when it ended, UTC), ``stage``, ``points``,
        ``seconds``, ``memory`` (bytes that its worker had at most by then), and a column for each axis: the label,
        where the task is of one alone.

    Raises
    ------
    SweepError
        When there is no store there, or it does not answer.

    Examples
    --------
    >>> import sweep
    >>> int(sweep.tasks("runs/tiny.zarr").points.sum())
    2
    """
    import pandas as pd

    opened = Store(Location(str(store)))
    with reaching(opened.location.place):
        required_manifest(opened)
        parts = read_tasks(opened.location)
    rows = [
        {"launch": launch_and_part(key)[0], **task, **_alone(task.pop("labels"))}
        for key, part in parts.items()
        for task in part or ()
    ]
    return pd.DataFrame(rows, columns=None if rows else ["launch", "time", "stage", "points", "seconds", "memory"])


def verify(store: str | Path, *, everything: bool = False, repair: bool = False) -> Verdict:
    """Check that what a store calls done is there, whole, and comes out the same when it is computed again.

    Parameters
    ----------
    store : str or Path
        Path or URL.
    everything : bool
        Compute every point again, and not only the cheapest of each stage.
    repair : bool
        Take back what is damaged; the next launch computes it again.

    Returns
    -------
    Verdict
        Its ``findings`` are empty when nothing is wrong.

    Raises
    ------
    SweepError
        When there is no store there, it does not answer, or a launch is at work while `repair` is wanted.

    Examples
    --------
    >>> import sweep
    >>> sweep.verify("runs/tiny.zarr").findings
    ()
    """
    from sweep.verification import verify_store

    return verify_store(Store(Location(str(store))), everything=everything, repair=repair)


def rerun(store: str | Path, stage: str, at: Mapping[str, Any] | None = None) -> Rerun:
    """Compute one point again in this process, with its own random numbers and inputs; nothing is written.

    What its kernel raises is raised here, so that a debugger can look at it. A point that is done is compared with the
    store, bit by bit; another one goes on from its checkpoint.

    Parameters
    ----------
    store : str or Path
        Path or URL.
    stage : str
    at : mapping of axis to label, optional
        The point; an axis of one label may be left out.

    Returns
    -------
    Rerun
        Its ``outputs``, and whether each is the ``same``.

    Raises
    ------
    SweepError
        When there is no such store, stage or point, or what the point reads is not done.

    Examples
    --------
    >>> import sweep
    >>> again = sweep.rerun("runs/tiny.zarr", "ising", {"temperature": 2.0})
    >>> all(again.same.values())
    True
    """
    from sweep.verification.rerun import rerun_point

    return rerun_point(Store(Location(str(store))), stage, at or {})


def compare(first: str | Path, second: str | Path) -> Comparison:
    """Say whether two stores hold the same, or which outputs differ and by how many standard errors.

    What both have is compared: stages, points that are done, labels. What only one of them has is named.

    Parameters
    ----------
    first, second : str or Path
        Paths or URLs.

    Returns
    -------
    Comparison
        Whether they are ``identical``, what is ``differing`` by more than chance, and all numbers, by stage.

    Raises
    ------
    SweepError
        When there is no store there, or it is damaged.

    Examples
    --------
    >>> import sweep
    >>> sweep.compare("runs/tiny.zarr", "runs/tiny.zarr").identical
    True
    """
    from sweep.analysis.estimators.comparison import compare_trees
    from sweep.api.trees import tree_of
    from sweep.verification import undamaged

    one, other = Store(Location(str(first))), Store(Location(str(second)))
    with (
        undamaged(one),
        undamaged(other),
        tree_of(one, as_stored=True) as tree,
        tree_of(other, as_stored=True) as tree_of_other,
    ):
        return compare_trees(tree, tree_of_other)


def report(
    store: str | Path,
    out: str | Path | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
    processes: int = 1,
) -> Path:
    """Write figures, the numbers behind them, and a page that shows them.

    Parameters
    ----------
    store : str or Path
        Path or URL.
    out : str or Path, optional
        A folder; that of the store with ``.report`` for ``.zarr`` by default.
    progress : (int, int) -> None, optional
        Called with the number of exhibits that are done and of all.
    processes : int
        How many exhibits are made side by side at most. Beyond one, Python starts processes for them, which import the
        script that asks for it: what it does at once belongs below ``if __name__ == "__main__":``.

    Returns
    -------
    Path
        Of the page.

    Raises
    ------
    SweepError
        When there is no store there, or it is damaged; also when an exhibit could not be made, after all others were.

    Examples
    --------
    >>> import sweep
    >>> sweep.report("runs/tiny.zarr").name
    'index.html'
    """
    from sweep.analysis.report.report import UnmadeError, write_report
    from sweep.api.trees import tree_of
    from sweep.verification import undamaged

    opened = Store(Location(str(store)))
    place = opened.location.place
    beside = Path("runs" if "://" in place else ".") / f"{place.rstrip('/').removesuffix('.zarr')}.report"
    with undamaged(opened), tree_of(opened) as tree:
        target = Path(out) if out else beside
        try:
            return write_report(tree, target, None, origin_of(opened), progress, processes)
        except OSError as error:
            what = f"cannot write the report there: {error.strerror or error}"
            raise SweepError(Problem(str(target), what)) from error
        except UnmadeError as error:
            unmade = SweepError(Problem(str(error.page), f"{error}; the report has all else"))
            unmade.written = True
            raise unmade from error


def _alone(labels: Mapping[str, tuple[Any, Any]]) -> dict[str, Any]:
    """Return the label of each axis of which a task has only one."""
    return {axis: first for axis, (first, last) in labels.items() if first == last}
