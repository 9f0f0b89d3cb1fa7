"""The plan that a launch has of its store, checked against what is there."""

from __future__ import annotations

from sweep.grid.grid import Grid
from sweep.planning.declared import check_declared, check_nodes
from sweep.planning.plan import Layout, Plan, make_plan
from sweep.store.storage import reaching
from sweep.store.store import Store

There = tuple[list[str], dict[str, Layout]]  # the stages that a store has, and how those are laid out that it must keep


class Planner:
    """Plans a grid for a store, new or to be continued.

    Parameters
    ----------
    grid : Grid
    accept_code_change : bool
        Whether the code of kernels may be other than what computed the results that are there.
    """

    def __init__(self, grid: Grid, *, accept_code_change: bool = False) -> None:
        self._grid, self._accept = grid, accept_code_change
        self._former: tuple[There, Plan] | None = None

    def __call__(self, store: Store) -> Plan:
        """Return the plan for the store as it is now; where that has not changed since the last time, the same one.

        Raises
        ------
        SweepError
            When the store is none, was made from a different grid or by other code, or cannot be written; nothing was
            written.
        """
        with reaching(store.location.place):
            there = list((store.manifest() or {}).get("stages", ())), store.layouts()
            if self._former is None or self._former[0] != there:
                check_declared(self._grid, there[0])
                plan = make_plan(self._grid, there[1])
                check_nodes(plan)
                self._former = there, plan
            plan = self._former[1]
            store.check(plan, accept_code_change=self._accept)
        return plan
