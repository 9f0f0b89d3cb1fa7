"""What a worker says of itself before its first task, and whether its results would be those of the launcher."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sweep.errors import reason
from sweep.grid.code import differences, modules_here
from sweep.planning.plan import Plan
from sweep.store.environments import Environment, environment_differences, environment_here
from sweep.store.lease import holds
from sweep.store.storage import UNAVAILABLE, Location
from sweep.store.store import Store


@dataclass(frozen=True)
class Hello:
    """What a process that is about to compute says of itself.

    Parameters
    ----------
    node : str
        Ray's name for its node; empty without Ray.
    host : str
    pid : int
    environment : mapping of str to str
        What it computes with, as `environment_here` tells.
    code : mapping of module to digests
        The modules that the plan's kernels are made of, as far as it finds them as files.
    unable : str, optional
        Why it cannot work for this launch, such as that it does not see it in the store; None when it can.
    log : str
        Path or URL for what it prints; empty where there is none.
    """

    node: str
    host: str
    pid: int
    environment: Environment
    code: Mapping[str, Mapping[str, str]]
    unable: str | None = None
    log: str = ""


def hello(plan: Plan, store: Store, node: str = "") -> Hello:
    """Return what this process says of itself to the launch of a plan.

    Parameters
    ----------
    plan : Plan
        As it was made by the launcher, or came from there.
    store : Store
        With the token of the launch.
    node : str
    """
    codes = [stage.code for stage in plan.stages.values()]
    packages = {name for code in codes for part in ("packages", "installed") for name in code.get(part, ())}
    packages |= {name for stage in plan.stages.values() for name in stage.stage.packages}
    return Hello(
        node,
        socket.gethostname(),
        os.getpid(),
        environment_here(sorted(packages), gpus=any(stage.stage.resources.gpus for stage in plan.stages.values())),
        modules_here({name for code in codes for name in code["modules"]}),
        _unseen(store),
    )


def unable(why: str, node: str = "") -> Hello:
    """Return what a process says of itself that cannot work, whatever it is."""
    return Hello(node, socket.gethostname(), os.getpid(), {}, {}, why)


def refusal(own: Hello, theirs: Hello, *, mixed: bool = False) -> str | None:
    """Return in one line why a worker must not compute for a launcher; None when it may.

    Parameters
    ----------
    own : Hello
        The launcher's.
    theirs : Hello
        The worker's.
    mixed : bool
        Other packages and processors do: the store keeps what computed which point.
    """
    why = next(_reasons(own, theirs, mixed), None)
    node = f" ({theirs.node[:12]})" if theirs.node else ""
    return None if why is None else f"node {theirs.host}{node}: {why}"


def _reasons(own: Hello, theirs: Hello, mixed: bool) -> Iterator[str]:
    if theirs.unable is not None:
        yield theirs.unable
    # A module that a node has not comes to it with the plan, or is missed there by name.
    both = {name: digests for name, digests in own.code.items() if name in theirs.code}
    there = {name: theirs.code[name] for name in both}
    changed = differences({"modules": both, "packages": {}}, {"modules": there, "packages": {}})
    if changed:
        yield f"has other code than was planned: {'; '.join(changed)}"
    other = [] if mixed else environment_differences(theirs.environment, own.environment)
    if other:
        yield f"has {', '.join(other)}, which may give other numbers; --allow-mixed takes it, and records it"


def _unseen(store: Store) -> str | None:
    """Return why this process does not see in the store the launch that it is to work for; nothing kept is believed."""
    place = store.location.place
    if store.token is None:
        return None
    try:
        if holds(Location(place, store.location.durable), store.token):
            return None
    except UNAVAILABLE as error:
        return f"cannot read the store {place}: {reason(error)}"
    return f"does not see this launch in the store: is {place} the same folder there?"
