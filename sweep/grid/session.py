"""Code that was typed into a session: the source of a kernel's functions and of what they use, where it can be had."""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import inspect
import pickle
import textwrap
from collections.abc import Iterator
from types import CodeType, ModuleType
from typing import Any

from sweep.grid.source import Source, dump
from sweep.kernels.contract import Kernel

NAME = "(session)"


def session_source(kernel: Kernel[Any]) -> Source:
    """Return what a kernel that no file holds is made of.

    Functions and classes count by their source, as a notebook keeps it. Where there is none, as for a lambda, the
    compiled code counts, which another version of Python compiles otherwise. Values that functions use by name count by
    their pickle.
    """
    digests: dict[str, str] = {}
    imports: list[str] = []
    waiting = [(field.name, getattr(kernel, field.name)) for field in dataclasses.fields(kernel)]
    while waiting:
        name, value = waiting.pop(0)
        if name in digests:
            continue
        value = getattr(value, "py_func", value)  # what numba has compiled
        if isinstance(value, ModuleType):
            imports.append(value.__name__)
        elif _module(value) != "__main__":
            imports.append(_module(value))
        else:
            digests[name] = hashlib.sha256(_text(value).encode()).hexdigest()[:16]
            waiting.extend(_used(value))
    return Source(NAME, digests, tuple(dict.fromkeys(imports)))


def _module(value: Any) -> str:
    """Return where a function or class was defined; a callable object is a value of the session."""
    return str(value.__module__) if inspect.isclass(value) or inspect.isroutine(value) else "__main__"


def _text(value: Any) -> str:
    """Return what a function, a class or a value is, as text."""
    try:
        if not getattr(value, "__name__", "<lambda>").startswith("<"):
            return dump(ast.parse(textwrap.dedent(inspect.getsource(value))))
    except (OSError, TypeError, SyntaxError):
        pass
    if inspect.isfunction(value):
        return repr((_code(value.__code__), value.__defaults__, value.__kwdefaults__))
    if inspect.isclass(value):
        fields = getattr(value, "__dataclass_fields__", {}).values()
        members = [(name, _text(item)) for name, item in vars(value).items() if inspect.isfunction(item)]
        defaults = {field.name: repr(field.default) for field in fields if field.default is not dataclasses.MISSING}
        kept = [(field.name, field.type, defaults.get(field.name), dict(field.metadata)) for field in fields]
        return repr((kept, members))
    if isinstance(value, set | frozenset):
        return _constant(value)
    try:
        return hashlib.sha256(pickle.dumps(value, protocol=4)).hexdigest()
    except Exception:  # noqa: BLE001 - an object may refuse in any way; its type is all that can be said of it
        return str(type(value))


def _code(code: CodeType) -> tuple[Any, ...]:
    constants = tuple(_code(item) if isinstance(item, CodeType) else _constant(item) for item in code.co_consts)
    return (code.co_code, code.co_names, code.co_varnames, constants)


def _constant(value: Any) -> str:
    """Return a value as text; the order of a set is another in every process."""
    return str(sorted(map(repr, value))) if isinstance(value, set | frozenset) else repr(value)


def _used(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the names of the session that a function, or the methods of a class, use, with their values."""
    functions = vars(value).values() if inspect.isclass(value) else (value,)
    for function in functions:
        if inspect.isfunction(function):
            for name in _names(function.__code__):
                if name in function.__globals__:
                    yield name, function.__globals__[name]


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
