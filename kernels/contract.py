"""The kernel contract: everything that a model must say about itself.

A kernel is a value. It names its parameters, what its results look like, and two pure functions: ``init`` makes a
state, ``advance`` does one block of work on it. The framework owns the rest: the loop over blocks, checkpoints, the
random generator of each block, labels, files, processes. A new model is one file that ends in ``MODEL = Kernel(...)``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
State = tuple[Array, ...]
Arrays = Mapping[str, Array]
Inputs = Mapping[str, Arrays]
P = TypeVar("P")


@dataclass(frozen=True)
class Bounds:
    """What values a parameter may take, and what it means; carried in a dataclass field's metadata.

    Parameters
    ----------
    help : str
        Meaning, in words that a physicist uses.
    units, reduced : str and bool, optional
        As the physicist writes them; see `Output`.
    ge, gt, le, lt : float, optional
        Inclusive and exclusive bounds. For a tuple they hold for every element.
    choices : tuple, optional
        The only values allowed.
    extent : bool
        True for a count of results or steps that may grow later and change no result that is there. Every other
        parameter is part of what is computed.
    added : bool
        True for a parameter that came to a kernel later: at its default it is no part of what is computed, and former
        results keep their identity and their random numbers.
    """

    help: str
    units: str = ""
    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None
    choices: tuple[Any, ...] | None = None
    extent: bool = False
    reduced: bool | None = None
    added: bool = False


_REQUIRED: Any = object()


def parameter(  # noqa: PLR0913 - one for each thing that `Bounds` says
    help: str,  # noqa: A002 - the word that users of argparse and typer know
    *,
    default: Any = _REQUIRED,
    units: str = "",
    reduced: bool | None = None,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
    choices: Sequence[Any] | None = None,
    extent: bool = False,
    added: bool = False,
) -> Any:
    """Return a dataclass field that carries its meaning, units and bounds (see `Bounds`).

    Parameters
    ----------
    help : str
        Meaning, in words that a physicist uses.
    default
        What it is where a grid does not say; without one, a grid must.
    units, reduced, ge, gt, le, lt, choices, extent, added
        See `Bounds`.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> import sweep
    >>> @dataclass(frozen=True)
    ... class WalkParams:
    ...     width: float = sweep.parameter("standard deviation of a step", units="m", gt=0)
    ...     steps: int = sweep.parameter("how many steps", default=100, ge=1, extent=True)
    >>> WalkParams(width=2.0)
    WalkParams(width=2.0, steps=100)
    """
    allowed = None if choices is None else tuple(choices)
    metadata = {"bounds": Bounds(help, units, ge, gt, le, lt, allowed, extent, reduced, added)}
    if default is _REQUIRED:
        return field(metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Output:
    """What one variable looks like at one point of the grid.

    A launch holds what a block returns to it: exactly these names and shapes, and a type in which no value changes.
    Integers may be of another width if they are in range, floats of another precision if no digit is lost; a float
    never becomes an integer, nor a complex number real. A point whose results are otherwise fails, with one line.

    Parameters
    ----------
    dims : tuple of str
        Names of the inner dimensions, outermost first.
    shape : tuple of int
        Their complete lengths, all blocks together.
    dtype : str
        A numpy dtype name, or ``str`` for `words`. What is not computed reads as NaN where it is a float (NaN + NaN i
        where it is complex), as the empty word, and for integers as a value that no result may have, named by the
        attribute ``_FillValue`` so that xarray masks it: the smallest of a signed type (-2**31 of int64). Other
        unsigned integers are kept in the next signed type, booleans as int8, 0 and 1.
    units : str
        As the physicist writes them: ``""`` for a pure number, ``J/k_B`` in reduced units, ``s`` or ``kelvin`` for
        others. Files carry units that CF and pint know: reduced ones become ``1``, beside an attribute
        ``reduced_units`` with what stands here; others go there as they are.
    description : str
        What the variable is, as an axis label would say it.
    coords : mapping of str to array, optional
        Labels along inner dimensions that have some: one-dimensional, as long as the dimension.
    block : int, optional
        How many entries of the first dimension one block of work appends; the last block is cut to fit. None says that
        the variable is whole after every block and that the value after the last block stays.
    words : tuple of str, optional
        The words that the values are, where `dtype` is ``str``: the names of alternatives, never their numbers.
    reduced : bool, optional
        Whether the numbers are multiples of the units of the model itself, such as its coupling J, and so are pure.
        When left out, that is so of units which name nothing but J, k_B and mcs (one Monte Carlo step per site). A
        kernel whose J is the joule says False; one that measures in a unit of its own making, such as ``sigma``, says
        True.

    Examples
    --------
    Two hundred positions, of which each block of work appends fifty:

    >>> import sweep
    >>> position = sweep.Output(("step",), (200,), "float64", units="m", description="where it is", block=50)
    >>> position.shape
    (200,)
    """

    dims: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: str
    units: str = ""
    description: str = ""
    coords: Arrays = field(default_factory=dict)
    block: int | None = None
    words: tuple[str, ...] = ()
    reduced: bool | None = None


@dataclass(frozen=True)
class Stationarity(Generic[P]):
    """How to start a kernel's update exactly at equilibrium, so that a test can see whether it stays there.

    Parameters
    ----------
    params : P
        A machine small enough to enumerate.
    draw : (params, rng, count) -> State
        `count` independent copies drawn from the exact distribution.
    update : (params, state, rng) -> State
        The update that `advance` is built on; must leave the distribution alone.
    level : (params, state) -> int array [count]
        Which level (of energy, say) each copy is at.
    probabilities : params -> float array [levels]
        The exact probability of each level; sums to 1.
    """

    params: P
    draw: Callable[[P, np.random.Generator, int], State]
    update: Callable[[P, State, np.random.Generator], State]
    level: Callable[[P, State], Array]
    probabilities: Callable[[P], Array]


def one_block(params: Any) -> int:
    """Return 1: all the work of a point is a single block."""
    return 1


def nothing_else(params: Any) -> tuple[str, ...]:
    """Return no packages: what comes with every installation will do."""
    return ()


@dataclass(frozen=True)
class Kernel(Generic[P]):
    """A model that can be swept.

    Parameters
    ----------
    name : str
        What results and messages call it.
    version : int
        Raised whenever the same parameters and seed would give other bits.
    params : type
        A frozen dataclass whose fields are made with `parameter`. Its ``__post_init__`` may raise ValueError for
        combinations that make no sense.
    outputs : params -> {name: Output}
        The results of one point. Shapes may depend on integer parameters.
    init : (params, rng, inputs) -> State
        The state before the first block.
    advance : (params, state, rng, inputs) -> (State, {name: array})
        One block of work. Must not change its arguments, and must draw all its randomness from `rng`.
    cost : params -> float
        Roughly the seconds that one block takes on one core.
    blocks : params -> int
        How many blocks make a point complete.
    inputs : mapping of str to tuple of str
        For each input, the variables that the kernel reads. They arrive as ``inputs[name][variable]``, with the axes
        that the two stages do not share in front of the variable's own dimensions, and the labels of those axes and
        dimensions beside them under their names. The arrays are shared with other points and refuse to be changed.
    labels : mapping of str to (str, str)
        Parameters that the framework fills with what an input is labelled by, along an axis or an inner dimension:
        ``{"temperatures": ("data", "temperature")}`` gives the tuple of the temperatures that arrive in the input
        ``data`` (one of them where the two stages share that axis). A grid cannot set such a parameter.
    shapes : mapping of str to (str, str)
        Parameters that the framework fills with the inner shape of what an input gives at the same labels:
        ``{"data_shape": ("data", "spins")}`` gives (configurations, rows, columns). A grid cannot set such a parameter,
        and it names nothing: random streams do not depend on it.
    follows : tuple of str
        Inputs that may get longer under results that are kept: what was made of their former entries stays, and more
        blocks make the rest. What any other input gives may not, once it was read: the store refuses.
    requires : params -> tuple of str
        Packages that a point needs and that not every installation has; a grid that asks for one which is missing is
        refused. The kernel imports them where it uses them, never at the top of a module.
    gpus : params -> float, optional
        GPUs that a point needs, or the part of one; a stage may say otherwise.
    example : P, optional
        Parameters small enough for `sweep check` to run the laws on in seconds.
    example_inputs : (params, rng) -> Inputs, optional
        Inputs that go with `example`.
    stationarity : Stationarity, optional
        Lets `sweep check` hold the update to its exact distribution.
    description : str
        One line for `sweep kernels`.
    work : params -> float, optional
        How much one block does of what users of the model count; a launch tells its rate in it.
    work_unit : str
        What that is, in the plural: ``spin flips``. Without `work`, points are counted.

    Examples
    --------
    A walk that goes on from where it was, one step in a block; more `steps` later keep those that are there:

    >>> from dataclasses import dataclass
    >>> import numpy as np
    >>> import sweep
    >>> @dataclass(frozen=True)
    ... class WalkParams:
    ...     width: float = sweep.parameter("standard deviation of a step", default=1.0, gt=0)
    ...     steps: int = sweep.parameter("how many steps", default=10, ge=1, extent=True)
    >>> def outputs(params):
    ...     return {"position": sweep.Output(("step",), (params.steps,), "float64", block=1)}
    >>> def init(params, rng, inputs):
    ...     return (np.zeros(1),)
    >>> def advance(params, state, rng, inputs):
    ...     position = state[0] + rng.normal(0, params.width, 1)
    ...     return (position,), {"position": position}
    >>> WALK = sweep.Kernel(
    ...     name="walk", version=1, params=WalkParams, outputs=outputs, init=init, advance=advance,
    ...     cost=lambda params: 1e-5, blocks=lambda params: params.steps, example=WalkParams(),
    ... )
    >>> WALK.blocks(WalkParams(steps=20))
    20
    """

    name: str
    version: int
    params: type[P]
    outputs: Callable[[P], Mapping[str, Output]]
    init: Callable[[P, np.random.Generator, Inputs], State]
    advance: Callable[[P, State, np.random.Generator, Inputs], tuple[State, Arrays]]
    cost: Callable[[P], float]
    blocks: Callable[[P], int] = one_block
    inputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    labels: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    shapes: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    follows: tuple[str, ...] = ()
    requires: Callable[[P], tuple[str, ...]] = nothing_else
    gpus: Callable[[P], float] | None = None
    example: P | None = None
    example_inputs: Callable[[P, np.random.Generator], Inputs] | None = None
    stationarity: Stationarity[P] | None = None
    description: str = ""
    work: Callable[[P], float] | None = None
    work_unit: str = "points"
