"""What made a stage: its grid and seed, its code, and the packages and machines of its first launch and its last."""

from __future__ import annotations

import getpass
import json
import os
import platform
import socket
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sweep.errors import Problem, SweepError
from sweep.grid.code import differences
from sweep.planning.plan import Plan
from sweep.store.environments import ABSENT, package_version

PACKAGES = ("sweep-rg", "numpy", "numba", "xarray", "zarr", "ray")
EXTRAS = ("torch",)  # named where they are installed


def environment() -> dict[str, Any]:
    """Return the packages and the kind of machine at work, as far as results may depend on them."""
    return {
        "packages": {package: package_version(package) for package in (*PACKAGES, *filter(_is_there, EXTRAS))},
        "host": {"python": platform.python_version(), "system": platform.system(), "machine": platform.machine()},
    }


def now() -> str:
    """Return the present time (UTC)."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def who_and_when() -> dict[str, str]:
    """Return the present time (UTC), user and machine."""
    return {"time": now(), "user": _user(), "machine": socket.gethostname()}


def with_provenance(
    entry: Mapping[str, Any], plan: Plan, name: str, old: Mapping[str, Any] | None, *, begun: bool
) -> dict[str, Any]:
    """Return a stage's entry in the manifest with what made it.

    Parameters
    ----------
    entry : mapping
        The stage's identity and layout by this plan.
    plan : Plan
    name : str
    old : mapping, optional
        The entry that the store has of the stage. It is kept as it is where nothing changed.
    begun : bool
        Whether something was computed for the stage.
    """
    code, now = plan.stages[name].code, {**who_and_when(), **environment()}
    entry = {**entry, "grid": plan.grid.text, "code": code}
    old = old or {}
    last = old.get("extended") or old.get("made") or {}
    if _plain(entry) == {key: old.get(key) for key in entry} and all(
        now[key] == last.get(key) for key in environment()
    ):
        return dict(old)
    if not begun:
        return {**entry, "made": now}
    kept = {key: old[key] for key in ("made", "code_changes") if key in old}
    changed = differences(old.get("code") or code, code)
    if changed:
        change = {**who_and_when(), "what": changed, "from": old["code"]}
        kept["code_changes"] = [*old.get("code_changes", ()), change]
    return {**entry, **kept, "extended": now}


def check_same_code(manifest: Mapping[str, Any], plan: Plan, place: str) -> None:
    """Raise SweepError, with what differs and the ways out, where results were computed by other code than the plan's.

    Stages whose code nobody recorded, by an older version of this program, are taken as they are.
    """
    told = code_differences(manifest, plan)
    if told:
        more = [f"and {len(told) - 5} more"] if len(told) > 5 else []
        raise SweepError(
            Problem(place, "the results here were computed by other code: " + "; ".join([*told[:5], *more])),
            "If results change, raise the kernel's `version` and give the stage another name, or write elsewhere with "
            "--store, so that old and new are kept apart. If none does (`sweep verify --all` computes again and "
            "compares), say --accept-code-change: the store keeps a record of it.",
        )


def code_differences(manifest: Mapping[str, Any], plan: Plan) -> list[str]:
    """Return in words where the code that made the stages of a store is not that of the plan."""
    return [
        f"stages.{name}: {line}"
        for name, stage in plan.stages.items()
        if manifest["stages"].get(name, {}).get("code")
        for line in differences(manifest["stages"][name]["code"], stage.code)
    ]


def _plain(value: Any) -> Any:
    """Return a value as JSON gives it back."""
    return json.loads(json.dumps(value))


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _is_there(package: str) -> bool:
    return package_version(package) != ABSENT
