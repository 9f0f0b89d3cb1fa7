"""Which nodes there are and which of them answer, looked at again and again in threads of their own.

Ray takes a quarter of a minute to see that a node is gone and more to see that it is cut off. A node that is there
accepts connections whatever its processes are busy with, so one that accepts none for some seconds is away. Only a node
that was reached before is ever called away: where a wall lets nobody through to it, Ray's word is all that there is.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import ray

from sweep.run.executors.room import Node

LOOK_SECONDS = 1.0
CONNECT_SECONDS = 3.0
AWAY_SECONDS = 8.0  # without an answer
REFUSALS = 2  # in a row: the machine answers, and Ray on it does not run

_ray: Any = ray  # parts of Ray carry no types


@dataclass
class _Seen:
    """When a node answered last."""

    answered: float | None = None
    refused: int = 0

    @property
    def away(self) -> bool:
        late = self.answered is not None and time.monotonic() - self.answered > AWAY_SECONDS
        return late or (self.answered is not None and self.refused >= REFUSALS)


class Watch:
    """Looks at the nodes of the cluster that this process has joined, until it is closed.

    Parameters
    ----------
    shared : bool
        Others may have taken some of what there is.
    """

    def __init__(self, *, shared: bool) -> None:
        self._shared = shared
        self._home = _ray.get_runtime_context().get_node_id()
        self._nodes: dict[str, Node] = {}
        self._addresses: dict[str, tuple[str, int]] = {}
        self._seen: dict[str, _Seen] = {}
        self._told = time.monotonic()
        self._closed = threading.Event()
        self._list()
        for target in (self._keep_listing, lambda: asyncio.run(self._keep_knocking())):
            threading.Thread(target=target, daemon=True).start()

    def nodes(self) -> Mapping[str, Node]:
        """Return the nodes that Ray holds for alive, by their ids, and whether they can be reached."""
        return {
            id_: replace(node, reachable=id_ == self._home or id_ not in self._seen or not self._seen[id_].away)
            for id_, node in self._nodes.items()
        }

    def silence(self) -> float:
        """Return for how many seconds the cluster's head has not answered."""
        return time.monotonic() - self._told

    def close(self) -> None:
        """Look no more."""
        self._closed.set()

    def _list(self) -> None:
        alive = [node for node in _ray.nodes() if node["Alive"]]
        available = {node["NodeID"]: node["Resources"] for node in alive}
        if self._shared:
            available |= _ray._private.state.available_resources_per_node()
        self._addresses = {node["NodeID"]: (node["NodeManagerAddress"], node["NodeManagerPort"]) for node in alive}
        self._nodes = {
            node["NodeID"]: Node(
                node["NodeID"], node["NodeManagerHostname"], node["Resources"], available.get(node["NodeID"], {})
            )
            for node in alive
        }
        self._told = time.monotonic()

    def _keep_listing(self) -> None:
        while not self._closed.wait(LOOK_SECONDS):
            try:
                self._list()
            except Exception:  # noqa: BLE001 - of many kinds when the head does not answer: `silence` tells
                continue

    async def _keep_knocking(self) -> None:
        while not self._closed.is_set():
            others = {id_: address for id_, address in self._addresses.items() if id_ != self._home}
            self._seen = {id_: self._seen.get(id_, _Seen()) for id_ in others}
            await asyncio.gather(asyncio.sleep(LOOK_SECONDS), *(self._knock(*item) for item in others.items()))

    async def _knock(self, id_: str, address: tuple[str, int]) -> None:
        seen = self._seen[id_]
        try:
            _, writer = await asyncio.wait_for(asyncio.open_connection(*address), CONNECT_SECONDS)
        except ConnectionRefusedError:
            seen.refused += 1
            return
        except OSError:
            return
        seen.answered, seen.refused = time.monotonic(), 0
        writer.close()
