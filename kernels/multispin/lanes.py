"""Vectors of 8 words of 64 bits as a numba type: LLVM's <8 x i64>, lowered to whatever the host has.

numba does not find these vectors by itself in loops over packed words. Written out, they give the same bits on every
processor and cost what the host's instructions cost. Inside compiled functions only: `load` and `splat` make one,
the operators ``& | ^ ~ +`` and the functions below combine them, `store` puts it back.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import llvmlite.ir
from numba.core import types
from numba.core.datamodel import PrimitiveModel, register_default
from numba.core.errors import NumbaTypeError
from numba.extending import intrinsic, lower_builtin, type_callable

ir: Any = llvmlite.ir  # without types, as all of numba
WIDTH = 8  # words
_WORDS = ir.VectorType(ir.IntType(64), WIDTH)
_BYTES = ir.VectorType(ir.IntType(8), 8 * WIDTH)


class LanesType(types.Type):  # type: ignore[misc]  # numba is untyped
    """The type of 8 unsigned words that are worked on together."""

    def __init__(self) -> None:
        super().__init__(name="Lanes")


lanes = LanesType()


@register_default(LanesType)
class _LanesModel(PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: LanesType) -> None:
        super().__init__(manager, kind, _WORDS)


def _constant(word: int) -> Any:
    return ir.Constant(_WORDS, [word] * WIDTH)


def _operate(operation: Callable[..., Any], emit: Callable[[Any, list[Any]], Any], operands: int) -> None:
    """Teach numba an operator on lanes."""

    @type_callable(operation)
    def _typed(context: Any) -> Callable[..., Any]:
        def typer(*arguments: Any) -> Any:
            return lanes if arguments == (lanes,) * operands else None

        return typer

    @lower_builtin(operation, *(LanesType,) * operands)
    def _lowered(context: Any, builder: Any, signature: Any, values: list[Any]) -> Any:
        return emit(builder, values)


_operate(operator.and_, lambda b, v: b.and_(*v), 2)
_operate(operator.or_, lambda b, v: b.or_(*v), 2)
_operate(operator.xor, lambda b, v: b.xor(*v), 2)
_operate(operator.add, lambda b, v: b.add(*v), 2)
_operate(operator.invert, lambda b, v: b.xor(v[0], _constant(2**64 - 1)), 1)


def _address(context: Any, builder: Any, array_type: Any, array: Any, row: Any) -> Any:
    """Return a pointer to the vector that row `row` of uint64[n, 8] is."""
    data = context.make_array(array_type)(context, builder, array).data
    first = builder.gep(data, [builder.mul(row, ir.Constant(row.type, WIDTH))])
    return builder.bitcast(first, _WORDS.as_pointer())


def _instruction(function: Callable[..., Any]) -> Any:
    """Make a function of compiled code; whole numbers written out at the call are known when compiling."""
    return intrinsic(prefer_literal=True)(function)


def _check(array: Any) -> None:
    if not (isinstance(array, types.Array) and array.ndim == 2 and array.layout == "C" and array.dtype == types.uint64):
        raise NumbaTypeError(f"lanes are kept in C-ordered uint64[n, {WIDTH}]; found {array}")


@_instruction
def load(typing: Any, array: Any, row: Any) -> Any:
    """Return row `row` of uint64[n, 8] as lanes."""
    _check(array)

    def emit(context: Any, builder: Any, signature: Any, values: list[Any]) -> Any:
        return builder.load(_address(context, builder, signature.args[0], *values), align=8)

    return lanes(array, types.intp), emit


@_instruction
def store(typing: Any, array: Any, row: Any, value: Any) -> Any:
    """Put lanes into row `row` of uint64[n, 8]."""
    _check(array)

    def emit(context: Any, builder: Any, signature: Any, values: list[Any]) -> Any:
        builder.store(values[2], _address(context, builder, signature.args[0], *values[:2]), align=8)
        return context.get_dummy_value()

    return types.none(array, types.intp, lanes), emit


@_instruction
def splat(typing: Any, word: Any) -> Any:
    """Return lanes that all hold `word`."""

    def emit(context: Any, builder: Any, signature: Any, values: list[Any]) -> Any:
        single = builder.insert_element(ir.Constant(_WORDS, ir.Undefined), values[0], ir.Constant(ir.IntType(32), 0))
        mask = ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), [0] * WIDTH)
        return builder.shuffle_vector(single, ir.Constant(_WORDS, ir.Undefined), mask)

    return lanes(types.uint64), emit


def _shift(name: str) -> Callable[..., Any]:
    def emit(context: Any, builder: Any, signature: Any, values: list[Any]) -> Any:
        places = signature.args[1].literal_value
        return getattr(builder, name)(values[0], _constant(places))

    return emit


@_instruction
def left(typing: Any, value: Any, places: Any) -> Any:
    """Return lanes shifted left by a number of places known when compiling."""
    return lanes(lanes, places), _shift("shl")


@_instruction
def right(typing: Any, value: Any, places: Any) -> Any:
    """Return lanes shifted right by a number of places known when compiling."""
    return lanes(lanes, places), _shift("lshr")


@_instruction
def rotate_bytes(typing: Any, value: Any, count: Any) -> Any:
    """Return lanes rotated left by whole bytes: one shuffle where a rotation is three instructions."""

    def emit(context: Any, builder: Any, signature: Any, values: list[Any]) -> Any:
        turn = signature.args[1].literal_value
        places = [8 * word + (byte - turn) % 8 for word in range(WIDTH) for byte in range(8)]
        mask = ir.Constant(ir.VectorType(ir.IntType(32), len(places)), places)
        turned = builder.shuffle_vector(builder.bitcast(values[0], _BYTES), ir.Constant(_BYTES, ir.Undefined), mask)
        return builder.bitcast(turned, _WORDS)

    return lanes(lanes, count), emit


@_instruction
def some(typing: Any, value: Any) -> Any:
    """Return whether any bit is set."""

    def emit(context: Any, builder: Any, signature: Any, values: list[Any]) -> Any:
        whole = builder.bitcast(values[0], ir.IntType(64 * WIDTH))
        return builder.icmp_unsigned("!=", whole, ir.Constant(whole.type, 0))

    return types.boolean(lanes), emit


@_instruction
def count_bits(typing: Any, value: Any) -> Any:
    """Return lanes that hold how many bits are set in each word."""

    def emit(context: Any, builder: Any, signature: Any, values: list[Any]) -> Any:
        return builder.ctpop(values[0])

    return lanes(lanes), emit
