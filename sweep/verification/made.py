"""What a store was made by: every stage with the grid that launched it last, not only the stages of the last grid."""

from __future__ import annotations

import graphlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sweep.errors import Problem, SweepError
from sweep.grid.code import differences
from sweep.grid.resolve import resolve
from sweep.grid.yaml_text import parse_yaml
from sweep.planning.plan import Plan, StagePlan, make_plan
from sweep.store.manifest import changes, layouts
from sweep.store.provenance import environment


@dataclass(frozen=True)
class Made:
    """How a stage was made.

    Parameters
    ----------
    plan : Plan
        Of the grid that launched the stage last, laid out as the store is.
    stage : StagePlan
    doubt : str, optional
        How the code differs from what made it; then a difference of results proves no damage.
    machine_doubt : str, optional
        The same of packages and machine, for points of which it is not known what computed them.
    """

    plan: Plan
    stage: StagePlan
    doubt: str | None
    machine_doubt: str | None


def in_order(manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the stages of a store, each after those that it reads."""
    reads = {
        name: [item["stage"] for item in entry["identity"]["inputs"].values()]
        for name, entry in manifest["stages"].items()
    }
    return tuple(name for name in graphlib.TopologicalSorter(reads).static_order() if name in reads)


def made_by(manifest: Mapping[str, Any], place: str) -> tuple[dict[str, Made], dict[str, str]]:
    """Return how each stage was made, and for the others why that cannot be said."""
    made: dict[str, Made] = {}
    unknown: dict[str, str] = {}
    plans: dict[str, Plan | SweepError] = {}
    for name in in_order(manifest):
        entry = manifest["stages"][name]
        text = entry.get("grid", manifest["grid"])
        try:
            plan = _plan(plans, text, name, manifest, f"{place}: grid of {name}")
            made[name] = _made(plan, name, manifest, unknown)
        except SweepError as error:
            unknown[name] = _why(error)
    return made, unknown


def _why(error: SweepError) -> str:
    problem = error.problems[0]
    if not isinstance(problem, Problem):
        return str(problem)
    missing = problem.where.endswith(".kernel")
    return f"{problem.what}; say it again in the folder of the kernel's file" if missing else problem.what


def _plan(plans: dict[str, Plan | SweepError], text: str, name: str, manifest: Mapping[str, Any], where: str) -> Plan:
    """Return the plan of a grid, or of what one stage needs of it where other stages cannot be had any more."""
    document = parse_yaml(text, where)
    if text not in plans:
        try:
            plans[text] = make_plan(resolve(document, text, where, of_store=True), layouts(manifest), as_stored=True)
        except SweepError as error:
            plans[text] = error
    plan = plans[text]
    if isinstance(plan, Plan):
        return plan
    forms = document.get("stages")
    if not isinstance(forms, dict) or name not in forms:
        raise plan
    alone = {**document, "stages": {stage: forms[stage] for stage in _needed(forms, name)}}
    return make_plan(resolve(alone, text, where, of_store=True), layouts(manifest), as_stored=True)


def _needed(forms: Mapping[str, Any], name: str) -> Iterator[str]:
    """Yield a stage of a grid's document and those that it reads, directly or not."""
    yield name
    form = forms.get(name)
    inputs = form.get("inputs") if isinstance(form, dict) else None
    for item in (inputs or {}).values():
        stage = item.get("stage") if isinstance(item, dict) else item
        if isinstance(stage, str) and stage in forms:
            yield from _needed(forms, stage)


def _made(plan: Plan, name: str, manifest: Mapping[str, Any], unknown: Mapping[str, str]) -> Made:
    """Return how a stage was made; raises SweepError where this plan did not make it."""
    if name not in plan.stages:
        raise SweepError("the store, of an older version, does not keep the grid that made it")
    stage, entry = plan.stages[name], manifest["stages"][name]
    lost = [item.stage for item in stage.stage.inputs.values() if item.stage in unknown]
    if lost:
        raise SweepError(f"it reads {lost[0]}, which cannot be computed again either")
    if any(changes(plan, name, entry["identity"])):
        version, kernel = entry["identity"]["version"], stage.stage.kernel
        raise SweepError(
            f"it was made by version {version} of kernel {entry['identity']['kernel']}, or from another grid; "
            f"this is version {kernel.version} of {kernel.name}"
        )
    return Made(plan, stage, next(_code_doubts(stage, entry), None), next(_machine_doubts(entry, manifest), None))


def _code_doubts(stage: StagePlan, entry: Mapping[str, Any]) -> Iterator[str]:
    """Yield in words how the code differs from that which made a stage."""
    for line in differences(entry["code"], stage.code) if "code" in entry else ():
        yield f"it was made by other code ({line})"
    for change in entry.get("code_changes", ()):
        yield f"a change of its code was accepted on {change['time']} ({'; '.join(change['what'])})"


def _machine_doubts(entry: Mapping[str, Any], manifest: Mapping[str, Any]) -> Iterator[str]:
    """Yield in words how packages and machine differ from those that made a stage."""
    here = environment()
    for facts in [entry[key] for key in ("made", "extended") if key in entry] or [manifest]:
        for part, present in here.items():
            for key, value in facts.get(part, {}).items():
                if present.get(key) != value:
                    where = "where floating-point libraries may round otherwise"
                    yield f"the store was made with {key} {value}, this is {present.get(key, 'without it')}, {where}"
