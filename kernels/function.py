"""A plain function as a kernel: the shortest way to a model of one's own."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, fields, make_dataclass
from typing import Any

import numpy as np

from sweep.kernels.contract import Arrays, Inputs, Kernel, Output, State, parameter

KINDS = {"bool": bool, "int": int, "float": float, "str": str}
ASKED_FOR = ("rng", "inputs")


@dataclass(frozen=True)
class FunctionKernel(Kernel[Any]):
    """A kernel of one block that is a function; calling it calls that.

    Parameters
    ----------
    function : callable
        It gets the parameters by name and, where it asks for them, ``rng`` and ``inputs``.
    """

    function: Callable[..., Any] = dict

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function."""
        return self.function(*args, **kwargs)


def kernel(
    outputs: Mapping[str, Output] | Callable[..., Mapping[str, Output]],
    *,
    inputs: Mapping[str, tuple[str, ...]] | None = None,
    cost: float = 1e-3,
    version: int = 1,
    example: Mapping[str, Any] | None = None,
) -> Callable[[Callable[..., Any]], FunctionKernel]:
    """Make a kernel of a function: its arguments are the parameters, what it returns are the results.

    An argument has the type of its annotation or of its default, a float without either; a default made by `parameter`
    has units, meaning and bounds. Behind ``*`` the function may ask for ``rng``, the point's own random generator, and
    for ``inputs``. It returns a mapping of outputs, or the one output as it is. For models that go on from where they
    were (chains, trainings) write a `Kernel`.

    Parameters
    ----------
    outputs : mapping of str to Output, or callable
        What it returns; or a function of the parameters that says so.
    inputs : mapping of str to tuple of str, optional
        For each input the variables that it reads, as in `Kernel`.
    cost : float
        Roughly the seconds that a point takes; a launch finds out.
    version : int
        Raised whenever the same parameters and seed would give other bits.
    example : mapping of str to value, optional
        Arguments for `sweep check`, where not all have a default.

    Raises
    ------
    TypeError
        When the function takes what no parameter can be.

    Examples
    --------
    >>> import numpy as np
    >>> import sweep
    >>> @sweep.kernel(outputs={"magnetization": sweep.Output(("sample",), (100,), "float64")})
    ... def paramagnet(temperature, field=1.0, *, rng):
    ...     up = 1 / (1 + np.exp(-2 * field / temperature))
    ...     return {"magnetization": np.where(rng.random((100, 64)) < up, 1, -1).mean(1)}
    >>> paramagnet.params(temperature=2.0)
    ParamagnetParams(temperature=2.0, field=1.0)
    """

    def made(function: Callable[..., Any]) -> FunctionKernel:
        asked, params = _signature(function)

        def given(one: Any) -> dict[str, Any]:
            return {field.name: getattr(one, field.name) for field in fields(one)}

        def advance(one: Any, state: State, rng: np.random.Generator, read: Inputs) -> tuple[State, Arrays]:
            extra = {"rng": rng, "inputs": read}
            found = function(**given(one), **{name: extra[name] for name in asked})
            names = list(declared(one))
            results = found if isinstance(found, Mapping) else {names[0]: found}
            return (), {
                name: np.asanyarray(value) for name, value in results.items()
            }  # a mask is not dropped in silence

        def declared(one: Any) -> Mapping[str, Output]:
            return outputs(**given(one)) if callable(outputs) else outputs

        return FunctionKernel(
            name=function.__name__,
            version=version,
            params=params,
            outputs=declared,
            init=_no_state,
            advance=advance,
            cost=lambda one: cost,
            inputs=dict(inputs or {}),
            example=None if inputs else _with_defaults(params, example or {}),
            description=(inspect.getdoc(function) or "").partition("\n")[0],
            function=function,
        )

    return made


def _with_defaults(params: type, given: Mapping[str, Any]) -> Any:
    """Return parameters that have their default unless they are given; None where one has neither."""
    missing = {field.name for field in fields(params) if field.default is MISSING} - given.keys()
    return None if missing else params(**given)


def _no_state(params: Any, rng: np.random.Generator, inputs: Inputs) -> State:
    return ()


def _signature(function: Callable[..., Any]) -> tuple[list[str], type]:
    """Return what the function asks for, and its parameters as a frozen dataclass."""
    asked, found = [], []
    for argument in inspect.signature(function).parameters.values():
        if argument.kind is argument.KEYWORD_ONLY and argument.name in ASKED_FOR:
            asked.append(argument.name)
        elif argument.kind in (argument.POSITIONAL_OR_KEYWORD, argument.KEYWORD_ONLY):
            found.append((argument.name, _kind(function, argument), _default(argument)))
        else:
            what = f"{function.__name__}() takes {argument}; wanted arguments with names, which are the parameters"
            raise TypeError(f"{what}, and behind * rng and inputs")
    name = "".join(word.capitalize() for word in function.__name__.split("_")) + "Params"
    params = make_dataclass(name, found, frozen=True, kw_only=True, namespace={"__module__": function.__module__})
    params.__module__ = function.__module__
    return asked, params


def _kind(function: Callable[..., Any], argument: inspect.Parameter) -> type:
    annotation = argument.annotation
    default = argument.default.default if isinstance(argument.default, Field) else argument.default
    if annotation is inspect.Parameter.empty:
        annotation = type(default) if isinstance(default, bool | int | float | str) else float
    kind = KINDS.get(getattr(annotation, "__name__", annotation))
    if kind is None:
        what = f"{function.__name__}(): {argument.name} is {annotation}; wanted {', '.join(KINDS)}"
        raise TypeError(what)
    return kind


def _default(argument: inspect.Parameter) -> Any:
    if isinstance(argument.default, Field):
        return argument.default
    if argument.default is inspect.Parameter.empty:
        return parameter(argument.name)
    return parameter(argument.name, default=argument.default)
