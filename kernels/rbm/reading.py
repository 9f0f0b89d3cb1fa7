"""Machines as kernels read them from a stage that made some."""

from __future__ import annotations

import numpy as np

from sweep.kernels.contract import Arrays
from sweep.kernels.rbm.machine import Machine


def machine_of(read: Arrays, shape: tuple[int, ...]) -> Machine:
    """Return the float32 machine that an input named ``machine`` gives.

    Parameters
    ----------
    read : mapping of str to array
        Has the fields of `Machine`.
    shape : (int, int)
        Visible and hidden units.

    Raises
    ------
    ValueError
        When there is more than one machine.
    """
    visible, hidden = shape
    if read["weights"].size != visible * hidden:
        raise ValueError(
            f"machine: found weights of shape {read['weights'].shape}; wanted {visible} x {hidden}: give this stage "
            "the axes of the machine, or select one label of the others"
        )
    shapes = ((visible, hidden), (visible,), (hidden,))
    parts = (read[name].reshape(one) for name, one in zip(Machine._fields, shapes, strict=True))
    return Machine(*(part.astype(np.float32, copy=False) for part in parts))
