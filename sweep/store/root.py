"""The root document: what the store says of itself, and the metadata of every node in one place.

xarray reads the whole tree off it, so that one put of it switches from one dataset to the next. A second copy with a
checksum is put first and is the truth wherever it is valid: the root can be damaged or lost and is written again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

from sweep.errors import Problem, SweepError
from sweep.store.storage import UNAVAILABLE, Location

DOCUMENT = "zarr.json"
COPY = ".sweep/root"
DEEPEST = 3  # below a store: stage/size=10/spins

Metadata = dict[str, Any]


@dataclass(frozen=True)
class Root:
    """The root's attributes, and the metadata of every node below it.

    Parameters
    ----------
    attributes : mapping
        What the store says of itself.
    nodes : mapping of path to metadata
        Zarr metadata of groups and arrays, as JSON has them.
    """

    attributes: Mapping[str, Any]
    nodes: Mapping[str, Metadata]

    def text(self) -> str:
        """Return the document as Zarr stores it."""
        consolidated = {"kind": "inline", "must_understand": False, "metadata": dict(self.nodes)}
        document = {"zarr_format": 3, "node_type": "group", "attributes": dict(self.attributes)}
        return json.dumps({**document, "consolidated_metadata": consolidated}, indent=2)


def parse(text: bytes | str) -> Root:
    """Return the root that a document describes; raises ValueError when it is none."""
    document = json.loads(text)
    if not isinstance(document, dict) or document.get("node_type") != "group":
        raise ValueError("it is no Zarr group")
    nodes = (document.get("consolidated_metadata") or {}).get("metadata", {})
    return Root(document.get("attributes", {}), {path: alone(node) for path, node in nodes.items()})


def alone(node: Mapping[str, Any]) -> Metadata:
    """Return the metadata of a node without what a group keeps of the nodes below it."""
    return {key: value for key, value in node.items() if key != "consolidated_metadata"}


def copy_text(location: Location) -> str | None:
    """Return the second copy of the root document; None where there is none that is whole."""
    raw = location.get(COPY)
    try:
        kept = json.loads(raw or b"null")
        text = cast("str", kept["document"])
        return text if hashlib.sha256(text.encode()).hexdigest() == kept["sha256"] else None
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def read_root(location: Location) -> Root | None:
    """Return the root of a store, from the second copy where that is whole; None when there is no root.

    Raises
    ------
    SweepError
        When the root cannot be read and there is no copy of it.
    """
    text = copy_text(location) or location.get(DOCUMENT)
    try:
        return None if text is None else parse(text)
    except ValueError as error:
        refuse_part(location.place)
        what = f"{DOCUMENT} cannot be read ({error}), and the store has no copy of it"
        way = f"Remove {DOCUMENT} and launch the grid again: all of it is computed anew, to the same bits."
        raise SweepError(Problem(location.place, what), way) from error


def refuse_part(place: str) -> None:
    """Raise SweepError, with the store that is meant, where a place lies in one."""
    above = place
    for _ in range(DEEPEST):
        above = above.rstrip("/").rpartition("/")[0]
        if not above or above.endswith(":/"):
            return
        with suppress(ValueError, *UNAVAILABLE):
            text = Location(above).get(DOCUMENT)
            if text is not None and parse(text).attributes.keys() >= {"format", "stages"}:
                raise SweepError(Problem(place, f"is a part of a store; the store is {above}"))


def write_root(location: Location, root: Root) -> None:
    """Put the root in place, the copy first: from that moment on the store is what it says."""
    text = root.text()
    kept = {"sha256": hashlib.sha256(text.encode()).hexdigest(), "document": text}
    location.put(COPY, json.dumps(kept).encode())
    location.put(DOCUMENT, text.encode())


def restore_root(location: Location) -> None:
    """Put the root in place again where it is not what its copy says."""
    text = copy_text(location)
    if text is not None and location.get(DOCUMENT) != text.encode():
        location.put(DOCUMENT, text.encode())
