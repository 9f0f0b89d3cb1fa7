"""Vectors of eight 64-bit words as a numba type.

numba's own loop vectoriser does little with packed words. A value of this type is LLVM's <8 x i64>, which becomes
whatever registers the machine has, and gives the same bits on every one of them.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import llvmlite.ir
import numba.extending
from numba import types
from numba.extending import models, overload, register_model

ir: Any = llvmlite.ir  # without types of its own
intrinsic: Callable[[Callable[..., Any]], Any] = numba.extending.intrinsic
WORDS = 8
_VECTOR = ir.VectorType(ir.IntType(64), WORDS)


class LanesType(types.Type):
    """The numba type of a vector of eight words."""

    def __init__(self) -> None:
        super().__init__(name="Lanes")


lanes = LanesType()


@register_model(LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        initialise: Any = super().__init__
        initialise(manager, kind, _VECTOR)


def _splat(builder: Any, value: Any, kind: Any = _VECTOR) -> Any:
    """Return a vector that holds the value everywhere."""
    nothing = ir.Constant(kind, ir.Undefined)
    one = builder.insert_element(nothing, value, ir.IntType(32)(0))
    return builder.shuffle_vector(
        one, nothing, ir.Constant(ir.VectorType(ir.IntType(32), kind.count), [0] * kind.count)
    )


def _pointer(context: Any, builder: Any, array_type: Any, array: Any, row: Any) -> Any:
    """Return the address of row `row` of a C-contiguous uint64[rows, 8]."""
    data = context.make_array(array_type)(context, builder, array).data
    first = builder.mul(row, row.type(WORDS))
    return builder.bitcast(builder.gep(data, [first]), _VECTOR.as_pointer())


@intrinsic
def load(typing: Any, array: Any, row: Any) -> Any:
    """Return row `row` of a C-contiguous uint64[rows, 8]."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(_pointer(context, builder, signature.args[0], *args), align=8)

    return lanes(array, types.intp), generate


@intrinsic
def store(typing: Any, array: Any, row: Any, value: Any) -> Any:
    """Write a vector to row `row` of a C-contiguous uint64[rows, 8]."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = _pointer(context, builder, signature.args[0], args[0], args[1])
        builder.store(args[2], pointer, align=8)
        return context.get_dummy_value()

    return types.void(array, types.intp, lanes), generate


@intrinsic
def splat(typing: Any, word: Any) -> Any:
    """Return a vector of eight equal words."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _splat(builder, args[0])

    return lanes(types.uint64), generate


@intrinsic
def signs(typing: Any, source: Any, at: Any, bit: Any, target: Any, to: Any) -> Any:
    """Take a bit of each of 64 bytes of `source`, from byte `at` on, for 64 bytes +1 (set) or -1 of `target`."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        octet, octets = ir.IntType(8), ir.VectorType(ir.IntType(8), 64)

        def pointer(index: int) -> Any:
            data = context.make_array(signature.args[index])(context, builder, args[index]).data
            start = builder.gep(builder.bitcast(data, octet.as_pointer()), [args[index + 1]])
            return builder.bitcast(start, octets.as_pointer())

        mask = _splat(builder, builder.shl(octet(1), builder.trunc(args[2], octet)), octets)
        chosen = builder.and_(builder.load(pointer(0), align=1), mask)
        unset = builder.icmp_unsigned("==", chosen, ir.Constant(octets, [0] * 64))
        builder.store(builder.or_(builder.sext(unset, octets), ir.Constant(octets, [1] * 64)), pointer(3), align=1)
        return context.get_dummy_value()

    return types.void(source, types.intp, types.intp, target, types.intp), generate


@intrinsic
def popcount(typing: Any, word: Any) -> Any:
    """Return how many bits of a word are set."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.ctpop(args[0])

    return types.uint64(types.uint64), generate


def _operate(method: str) -> Any:
    """Return the intrinsic of an instruction of two vectors, or of a vector and a count for all its words."""

    @intrinsic
    def operate(typing: Any, a: Any, b: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            second = args[1] if signature.args[1] is lanes else _splat(builder, args[1])
            return getattr(builder, method)(args[0], second)

        return lanes(lanes, lanes if b is lanes else types.uint64), generate

    return operate


def _overload(symbol: Callable[..., Any], method: str) -> None:
    operate = _operate(method)

    @overload(symbol)
    def select(a: Any, b: Any) -> Any:
        def apply(a: Any, b: Any) -> Any:
            return operate(a, b)

        return apply if a is lanes else None


for _symbol, _method in {
    operator.and_: "and_",
    operator.or_: "or_",
    operator.xor: "xor",
    operator.add: "add",
    operator.lshift: "shl",
    operator.rshift: "lshr",
}.items():
    _overload(_symbol, _method)


@intrinsic
def _complement(typing: Any, value: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.not_(args[0])

    return lanes(lanes), generate


@overload(operator.invert)
def _invert(value: Any) -> Any:
    def apply(value: Any) -> Any:
        return _complement(value)

    return apply if value is lanes else None
