"""Functions of the user's own that are called with every event of a launch."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

from sweep.cli.console import err
from sweep.errors import Problem, SweepError, reason
from sweep.run.events import Event, Listener


def with_hooks(listener: Listener, references: Sequence[str]) -> Listener:
    """Return a listener that tells another and then every hook; one that raises is told no more.

    Parameters
    ----------
    listener : Event -> None
    references : sequence of str
        Each ``module:function``.

    Raises
    ------
    SweepError
        When there is no such function.
    """
    hooks = {reference: _found(reference) for reference in references}

    def tell(event: Event) -> None:
        listener(event)
        for reference, hook in list(hooks.items()):
            try:
                hook(event)
            except Exception as error:  # noqa: BLE001 - it is the user's, and no reason to end what takes days
                del hooks[reference]
                words = f"--hook {reference} raised {reason(error)}; the launch goes on without it"
                err.print(words, soft_wrap=True)

    return tell


def _found(reference: str) -> Listener:
    module, _, name = reference.partition(":")
    try:
        hook = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        what = f"found {reference!r} ({reason(error)}); wanted MODULE:FUNCTION, a module that can be imported from here"
        raise SweepError(Problem("--hook", what)) from error
    if not callable(hook):
        raise SweepError(Problem("--hook", f"{reference} is no function"))
    return hook  # type: ignore[no-any-return]
