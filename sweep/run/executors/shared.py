"""Large inputs that several points read: once in Ray's object store, where all actors of a machine see the same bytes.

The launcher puts them there and owns them: they outlive actors that die, and go with the launch. An actor gets arrays
that cannot be written. Whatever fails here, an actor reads for itself.
"""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any

import ray
from ray.exceptions import RayError

from sweep.grid.grid import Input, Stage
from sweep.planning.plan import Plan, Task
from sweep.run.inputs import InputReader, Read, reads
from sweep.store.store import Store

SMALLEST = 2**24  # bytes from which on an input is shared
MOST = 2**29  # bytes of all that the launcher holds for tasks to come; what actors work on stays as long as they do
FETCH_SECONDS = 60.0  # after which an actor on another machine reads for itself

_ray: Any = ray  # parts of Ray carry no types
References = Mapping[Read, Any]  # of Ray, each to what was read


class SharedInputs:
    """What the launcher has put into the object store.

    Parameters
    ----------
    plan : Plan
    store : Store
    """

    def __init__(self, plan: Plan, store: Store) -> None:
        self._plan, self._reader = plan, InputReader(plan, store)
        self._references: OrderedDict[Read, Any] = OrderedDict()

    def of(self, task: Task) -> References:
        """Return references to the inputs of a task that are large, and that other points read as well."""
        wanted = dict.fromkeys(self._wanted(task))
        return {one: self._reference(one) for one in wanted if self._hold(one)}

    def _wanted(self, task: Task) -> Iterator[Read]:
        plan = self._plan.stages[task.stage]
        names = [name for name, item in plan.stage.inputs.items() if _read_by_several(plan.stage, item)]
        for cell in task.cells if names else ():
            for _, point in plan.points(plan.cell(cell)):
                found = reads(plan.stage, point)
                yield from (found[name] for name in names if self._reader.nbytes(found[name]) >= SMALLEST)

    def _hold(self, wanted: Read) -> bool:
        """Put an input into the object store, if it is not there; return whether it is."""
        if wanted not in self._references:
            try:
                self._references[wanted] = _ray.put(self._reader.read(wanted))
            except Exception:  # noqa: BLE001 - the task that reads it will say what is wrong, and is tried again
                return False
            while sum(map(self._reader.nbytes, self._references)) > MOST and len(self._references) > 1:
                self._references.popitem(last=False)
        return True

    def _reference(self, wanted: Read) -> Any:
        self._references.move_to_end(wanted)
        return self._references[wanted]


def _read_by_several(stage: Stage, item: Input) -> bool:
    """Return whether points of a stage that differ along some axis read the same."""
    return any(len(labels) > 1 for axis, labels in stage.axes.items() if axis not in item.joined)


def take(reader: InputReader, shared: References) -> None:
    """Let an actor's reader have what is shared with it."""
    for wanted, reference in shared.items():
        if not reader.keeps(wanted):
            with contextlib.suppress(RayError):
                reader.keep(wanted, _ray.get(reference, timeout=FETCH_SECONDS))
