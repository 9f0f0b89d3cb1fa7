"""What a store says of itself: its grid, the identity and layout of every stage, versions, host."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sweep.errors import Problem, SweepError
from sweep.grid.axes import canonical
from sweep.grid.grid import Stage
from sweep.grid.parameters import computed_of
from sweep.planning.attributes import as_attributes, from_attribute
from sweep.planning.plan import Layout, Plan, extents_at
from sweep.planning.template import json_value
from sweep.store.provenance import environment, with_provenance
from sweep.store.root import refuse_part

FORMAT = 1
TEXTS = ("name", "grid")  # what is text among the attributes and no JSON


def describe(plan: Plan) -> dict[str, Any]:
    """Return the root attributes of the store of a plan."""
    return {
        "format": FORMAT,
        "name": plan.grid.name,
        "seed": plan.grid.seed,
        "grid": plan.grid.text,
        "stages": {
            name: {"identity": identity(plan, name), "layout": _as_json(stage.layout)}
            for name, stage in plan.stages.items()
        },
        **environment(),
    }


def identity(plan: Plan, name: str) -> dict[str, Any]:
    """Return what a stage computes, as JSON: everything that may not change while its results are kept."""
    stage = plan.stages[name].wanted
    params = computed_of(stage.params_at(next(stage.points())))
    varying = {*stage.axes, *stage.kernel.labels, *stage.kernel.shapes}
    return {
        "seed": plan.grid.seed,
        "kernel": stage.kernel.name,
        "version": stage.kernel.version,
        "axes": list(stage.axes),
        "params": json_value({key: value for key, value in params.items() if key not in varying}),
        "inputs": {key: _input_identity(plan, stage.axes, key, name) for key in stage.inputs},
    }


def _input_identity(plan: Plan, shared: Mapping[str, Any], key: str, name: str) -> dict[str, Any]:
    """Return what is read: of an axis that joins the two stages nothing, of the others every label."""
    item = plan.stages[name].wanted.inputs[key]
    source = plan.stages[item.stage].stage
    own = [axis for axis in item.axes if axis not in shared or axis in item.dropped]
    follows = key in plan.stages[name].wanted.kernel.follows
    return {
        "stage": item.stage,
        "labels": {axis: list(item.axes[axis]) for axis in own},
        "extents": {} if follows else _lengths(source),
    }


def _lengths(stage: Stage) -> dict[str, Any]:
    """Return what says how long the results of a stage are: its own extents, and those of what it follows."""
    followed = [stage.inputs[key].source for key in stage.kernel.follows]
    theirs = {f"{one.name}.{name}": value for one in followed for name, value in _lengths(one).items()}
    return {**extents_at(stage), **theirs}


def layouts(manifest: Mapping[str, Any]) -> dict[str, Layout]:
    """Return the layouts of the stages that a store holds."""
    return {
        name: Layout(
            {axis: tuple(labels) for axis, labels in stage["layout"]["axes"].items()},
            stage["layout"]["chunk"],
            stage["layout"]["extents"],
            stage["identity"]["params"],
            stage["layout"].get("factor", 1.0),
        )
        for name, stage in manifest.get("stages", {}).items()
    }


def check_same_grid(manifest: Mapping[str, Any], plan: Plan, place: str) -> None:
    """Raise SweepError, with what differs and the ways out, unless the plan continues what the store holds."""
    different = [
        line
        for name in plan.stages
        if name in manifest["stages"]
        for line in changes(plan, name, manifest["stages"][name]["identity"])
    ]
    if different:
        more = [f"and {len(different) - 5} more"] if len(different) > 5 else []
        raise SweepError(
            Problem(place, "this store was made from a different grid: " + "; ".join([*different[:5], *more])),
            "Either put the grid back as it was (and the version of its kernels), or write elsewhere with --store, or "
            "rename the changed stages so that both are kept.",
        )


def merge(manifest: Mapping[str, Any], plan: Plan, begun: Collection[str]) -> dict[str, Any]:
    """Return the attributes of a store after this plan, stages that the grid no longer has kept.

    Parameters
    ----------
    manifest : mapping
        The attributes before.
    plan : Plan
    begun : collection of str
        The stages for which something was computed.
    """
    described, stored = describe(plan), manifest.get("stages", {})
    stages = {
        name: with_provenance(entry, plan, name, stored.get(name), begun=name in begun)
        for name, entry in described["stages"].items()
    }
    # A store of an older version keeps the text of its last grid only; it is about to be replaced.
    kept = {name: {"grid": manifest["grid"], **entry} for name, entry in stored.items()}
    return as_attributes({**described, "stages": {**kept, **stages}})


def no_store(place: str, strangers: Sequence[str]) -> Problem:
    """Return what is wrong with a place that holds files of others; stores among them are named."""
    refuse_part(place)
    inside = next((key.split("/")[0] for key in strangers if key.partition("/")[2] == "zarr.json"), "")
    way = f"did you mean {place}/{inside}?" if inside else "choose another place"
    return Problem(place, f"is not a store of this program (it holds {strangers[0]!r}); {way}")


def read_manifest(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the root attributes of a store say; older stores keep mappings where JSON text stands now."""
    return {key: value if key in TEXTS else from_attribute(value) for key, value in attributes.items()}


def changes(plan: Plan, name: str, stored: Mapping[str, Any]) -> Iterator[str]:
    """Yield in words where a stage is not what a store says that it is, numbers taken to 12 digits."""
    yield from _differences(f"stages.{name}", stored, json.loads(json.dumps(identity(plan, name))))


def _differences(where: str, old: Any, new: Any) -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            yield from _differences(f"{where}.{key}", old.get(key, "nothing"), new.get(key, "nothing"))
    elif canonical(old) != canonical(new):
        yield f"{where} was {_brief(old)}, is {_brief(new)}"


def _brief(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:40]} ... ({len(value)} in all)"


def _as_json(layout: Layout) -> dict[str, Any]:
    axes = {axis: list(labels) for axis, labels in layout.axes.items()}
    return {"axes": axes, "chunk": dict(layout.chunk), "extents": dict(layout.extents), "factor": layout.factor}
