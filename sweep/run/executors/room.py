"""Room on nodes: what an actor takes of a machine, how many more fit, and in words why one does not."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sweep.errors import counted

UNITS = {"CPU": ("core", "cores"), "GPU": ("GPU", "GPUs")}

Share = tuple[tuple[str, float], ...]  # what an actor has of a machine: names and amounts, as Ray counts them
Amounts = Mapping[str, float]


@dataclass(frozen=True)
class Node:
    """A machine of the cluster.

    Parameters
    ----------
    id : str
    host : str
    resources : mapping of str to float
        What it has, as Ray counts it.
    available : mapping of str to float
        What of it nobody has taken, as far as is known by now.
    reachable : bool
        False when it has not answered for some seconds: cut off, or gone and Ray does not know yet.
    """

    id: str
    host: str
    resources: Amounts
    available: Amounts = field(default_factory=dict)
    reachable: bool = True


def cores(share: Share) -> float:
    """Return the cores of a share."""
    return dict(share).get("CPU", 0.0)


def fitting(share: Share, amounts: Amounts) -> int:
    """Return how many actors of a share fit into what there is."""
    return min((math.floor(amounts.get(name, 0.0) / each + 1e-9) for name, each in share), default=0)


def whole(share: Share, nodes: Iterable[Node], limit: float = math.inf) -> Share:
    """Return a share with all cores, as far as they may be used, and all memory of the node that has most memory."""
    able = [node.resources for node in nodes if fitting(share, node.resources)]
    most = max(able, key=lambda has: has.get("memory", 0.0), default={})
    all_of_it = {"CPU": min(limit, most.get("CPU", 0.0)), "memory": most.get("memory", 0.0)}
    return tuple((dict(share) | {name: each for name, each in all_of_it.items() if each}).items())


def less(amounts: Amounts, shares: Iterable[Share]) -> dict[str, float]:
    """Return what is left when shares are taken."""
    left = dict(amounts)
    for share in shares:
        for name, each in share:
            left[name] = left.get(name, 0.0) - each
    return left


def words(share: Share) -> str:
    """Return a share in words: ``2 cores and 1 GPU``."""
    parts = []
    for name, each in share:
        if name == "memory":
            parts.append(f"{each / 2**30:.3g} GiB of memory")
        else:
            one, many = UNITS.get(name, (name, name))
            parts.append(f"{each:g} {one if each == 1 else many}")
    return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))


def offer(share: Share, nodes: Iterable[Node]) -> str:
    """Return in words what the node offers that comes closest to a share."""
    largest = max(
        nodes, key=lambda node: [min(node.resources.get(name, 0.0), each) for name, each in share], default=None
    )
    if largest is None:
        return "the cluster has no node that can be used"
    there = words(tuple((name, largest.resources.get(name, 0.0)) for name, _ in share))
    return f"the largest node, {largest.host}, offers {there}"


def awaited(share: Share, nodes: Sequence[Node], *, own: bool) -> str:
    """Return in words what is waited for, and why: of the nodes of a cluster, or of a Ray of one's own."""
    cores = counted(int(sum(node.resources.get("CPU", 0.0) for node in nodes)), "core")
    if own:
        return f"waiting for a worker with {words(share)}: it is still starting, or others have this machine's {cores}"
    if any(fitting(share, node.resources) for node in nodes):
        return f"waiting for a node with {words(share)}: all is taken of {counted(len(nodes), 'node')} with {cores}"
    return f"waiting for a node with {words(share)}: {offer(share, nodes)}"
