"""Where a cluster is, and whether it lets us in: asked before Ray is, which would try for 20 s and then not say why."""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sweep.errors import Problem, SweepError

ANSWER_SECONDS = 5.0
ALIVE = "/ray.rpc.NodeInfoGcsService/CheckAlive"
UNKNOWN = "unauthenticated"
START = "start one with `ray start --head`, or drop --address"


@dataclass(frozen=True)
class Found:
    """A cluster that answers.

    Parameters
    ----------
    address : str
        ``HOST:PORT``.
    token : str or None
        The one that it takes; None when it wants none.
    """

    address: str
    token: str | None = None


def find_cluster(address: str) -> Found:
    """Return the cluster at an address, ``auto`` or ``HOST:PORT``.

    Raises
    ------
    SweepError
        When nobody answers there, or not to us: in one line, within seconds.
    """
    where = f"--address {address}"
    if "://" in address:
        raise SweepError(Problem(where, _other_ways(address)))
    place = _on_this_machine(where) if address == "auto" else address
    token = token_at_hand()
    for offered in dict.fromkeys((None, token)):
        refused = _refusal(place, offered)
        if refused is None:
            return Found(place, offered)
        if refused != UNKNOWN:
            raise SweepError(Problem(where, f"no Ray cluster answers there ({refused}); {START}"))
    raise SweepError(Problem(where, not_let_in(token)))


def not_let_in(token: str | None) -> str:
    """Return in words that a cluster asks for another token than the one that is at hand."""
    have = "the one that is here is another" if token else "there is none here"
    ways = "set RAY_AUTH_TOKEN, or RAY_AUTH_TOKEN_PATH, to that of its head (`ray get-auth-token` there)"
    return f"the cluster asks for a token, and {have}: {ways}"


def _other_ways(address: str) -> str:
    scheme, _, rest = address.partition("://")
    host = rest.partition(":")[0] or "HEAD"
    submit = f"from outside: sweep launch --submit http://{host}:8265 GRID --store URL"
    if scheme == "ray":
        return f"ray:// ties a launch to a connection, and is not taken; on the cluster: --address auto, {submit}"
    return f"wanted auto or HOST:PORT; {submit}"


def _on_this_machine(where: str) -> str:
    services = importlib.import_module("ray._private.services")
    try:
        return str(services.canonicalize_bootstrap_address("auto"))
    except (ConnectionError, ValueError) as error:
        raise SweepError(Problem(where, f"no Ray cluster runs on this machine; {START}")) from error


def token_at_hand() -> str | None:
    """Return the token that is at hand, where Ray looks for it."""
    if os.environ.get("RAY_AUTH_TOKEN"):
        return os.environ["RAY_AUTH_TOKEN"].strip()
    try:
        return (
            Path(os.environ.get("RAY_AUTH_TOKEN_PATH") or "~/.ray/auth_token").expanduser().read_text().strip() or None
        )
    except (OSError, RuntimeError, UnicodeDecodeError):
        return None


def _refusal(place: str, token: str | None) -> str | None:
    """Return why the head of a cluster does not answer to a token; None when it does."""
    grpc: Any = importlib.import_module("grpc")
    metadata = [("authorization", f"Bearer {token}")] if token else None
    options = [("grpc.enable_http_proxy", 0)]
    with grpc.insecure_channel(place, options=options) as channel:
        ask = channel.unary_unary(ALIVE, request_serializer=bytes, response_deserializer=bytes)
        try:
            ask(b"", timeout=ANSWER_SECONDS, metadata=metadata)
        except grpc.RpcError as error:
            code = error.code().name.lower()
            return UNKNOWN if code == UNKNOWN else f"{code}: {str(error.details()).rpartition('last error: ')[2]}"
    return None
