"""The checkpoint of a point as bytes: how many blocks are done, and the state after them."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from sweep.kernels.contract import State


def pack_state(blocks: int, state: State) -> bytes:
    """Return a checkpoint: blocks complete and the state after them."""
    buffer = io.BytesIO()
    arrays: dict[str, Any] = {"blocks": np.asarray(blocks), **{str(i): array for i, array in enumerate(state)}}
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def unpack_state(raw: bytes) -> tuple[int, State]:
    """Return the blocks that are complete in a checkpoint, and the state after them; raises ValueError when damaged."""
    try:
        with np.load(io.BytesIO(raw), allow_pickle=False) as stored:
            return int(stored["blocks"]), tuple(stored[str(i)] for i in range(len(stored.files) - 1))
    except Exception as error:
        raise ValueError(f"not a whole checkpoint: {error}") from error
