"""Whether points come out the same when they are computed again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from sweep.errors import reason
from sweep.grid.axes import Label, Labels, canonical
from sweep.kernels.contract import Array, Arrays, State
from sweep.planning.layout import Variable
from sweep.planning.plan import StagePlan
from sweep.planning.values import as_stored, same_values
from sweep.run.blocks import run_blocks
from sweep.run.inputs import InputReader
from sweep.store.attribution import computed_by
from sweep.store.presence import variables_in
from sweep.store.store import Store
from sweep.verification.elsewhere import Elsewhere
from sweep.verification.finding import Finding, Remedy
from sweep.verification.looked import Tally
from sweep.verification.made import Made

STATE_DIFFERS = "the checkpoint is not the state that comes out when it is computed again"


@dataclass(frozen=True)
class Kept:
    """What the store has of a point that is done.

    Parameters
    ----------
    blocks : int
    values : mapping of str to (Variable, array)
    checkpoint : (int, State) or None
        Blocks and the state after them.
    """

    blocks: int
    values: Mapping[str, tuple[Variable, Array]]
    checkpoint: tuple[int, State] | None

    def goes_on_from(self, state: State) -> bool:
        """Return whether the checkpoint, if there is one of all blocks, is this state."""
        blocks, kept = self.checkpoint or (0, ())
        return blocks != self.blocks or all(map(same_values, map(np.asarray, state), kept))


@dataclass(frozen=True)
class Recomputer:
    """Computes points again and compares their bits with those of the store.

    A point that reads what is not done, or no longer, cannot be computed again: it is passed over.

    Parameters
    ----------
    store : Store
    tally : Tally
        Counts the points.
    made : Made
        How the stage was made. What differs here is a doubt: a difference of results then proves no damage.
    elsewhere : Elsewhere
        Points that were computed by another environment are passed over too.
    """

    store: Store
    tally: Tally
    made: Made
    elsewhere: Elsewhere
    inputs: InputReader = field(init=False)
    done: dict[str, Array] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "inputs", InputReader(self.made.plan, self.store))

    def cell_findings(self, plan: StagePlan, cell: int, only: tuple[int, ...] | None = None) -> Iterator[Finding]:
        """Yield the done points of a cell, or the one at the index `only`, that come out otherwise."""
        name, region = plan.stage.name, plan.cell(cell)
        done, blocks = self.store.done(name, region), self.store.blocks(name, region)
        if not done.any():
            return
        computed = computed_by(self.store, name, region)
        stored = {v.name: (v, self.store.read_cell(v, plan, region)) for v in variables_in(plan, region)}
        states = self.store.load_states(plan, region)
        for index, point in plan.points(region):
            inside = tuple(i - part.start for i, part in zip(index, region, strict=True))
            if not done[inside] or only not in (None, index) or not self.has_inputs(plan, point):
                continue
            by = int(computed[inside])
            other = self.elsewhere.difference(by)
            if other is not None:
                self.tally.elsewhere[other] += 1
            else:
                values = {
                    key: (variable, value_at(variable, array, plan, inside))
                    for key, (variable, array) in stored.items()
                }
                self.tally.points += 1
                kept = Kept(int(blocks[inside]), values, states.get(plan.stage.key_at(point)))
                yield from self._point_findings(plan, cell, point, kept, self._doubt(by))

    def _doubt(self, by: int) -> str | None:
        """Return in words what may give a point other bits, computed by what has this number, than it had."""
        return self.made.doubt or (None if self.elsewhere.is_here(by) else self.made.machine_doubt)

    def has_inputs(self, plan: StagePlan, point: Mapping[str, Label]) -> bool:
        """Return whether all that a point reads is done."""
        for item in plan.stage.inputs.values():
            if item.stage not in self.done:
                self.done[item.stage] = self.store.done(item.stage)
            read = item.at(point)
            chosen = [
                _places(labels, read[axis]) for axis, labels in self.made.plan.stages[item.stage].stage.axes.items()
            ]
            if not self.done[item.stage][np.ix_(*chosen)].all():
                return False
        return True

    def _point_findings(
        self,
        plan: StagePlan,
        cell: int,
        point: Mapping[str, Label],
        kept: Kept,
        doubt: str | None,
    ) -> Iterator[Finding]:
        """Yield what is wrong with a point; a kernel that raises here and now proves nothing against its results."""
        name, labels = plan.stage.name, {axis: (label,) for axis, label in point.items()}
        try:
            what = self._difference(plan, point, kept)
        except Exception as error:  # noqa: BLE001 - a kernel may raise anything
            what, doubt = f"cannot be computed again: {reason(error)}", "what it gave is there, and whole"
        if what is not None and doubt is not None:
            yield Finding(name, name, f"{what}; but {doubt}: left as it is", Remedy.none, labels, cell)
        elif what is not None:
            yield Finding(name, name, what, Remedy.recompute, labels, cell)

    def _difference(self, plan: StagePlan, point: Mapping[str, Label], kept: Kept) -> str | None:
        again = run_blocks(self.made.plan.grid.seed, plan.stage, point, self.inputs.at(plan, point))
        for block, state, results in again:
            for name, (variable, values) in kept.values.items():
                if not agree(variable, values, results, block, last=block + 1 == kept.blocks):
                    return f"{name} is not what comes out when it is computed again (block {block})"
            if block + 1 == kept.blocks:
                return None if kept.goes_on_from(state) else STATE_DIFFERS
        return f"has {kept.blocks} blocks, more than the kernel makes"


def _places(labels: Labels, wanted: Labels) -> list[int]:
    chosen = set(map(canonical, wanted))
    return [place for place, label in enumerate(labels) if canonical(label) in chosen]


def value_at(variable: Variable, values: Array, plan: StagePlan, inside: tuple[int, ...]) -> Array:
    """Return what a variable has at one point of a cell."""
    place = tuple(i for axis, i in zip(plan.stage.axes, inside, strict=True) if axis in variable.axes)
    return np.asarray(values[place])


def agree(variable: Variable, values: Array, results: Arrays, block: int, *, last: bool) -> bool:
    """Return whether one block's result has the bits of the store; one that is whole counts after the last block."""
    step, found = variable.output.block, as_stored(results[variable.name], variable.output)
    if step is None:
        return not last or same_values(found, values)
    kept = values[block * step : (block + 1) * step]
    return same_values(found[: len(kept)], kept)
