"""Source as the fingerprint of code sees it: modules found without importing them, definitions without their looks."""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.util
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib.machinery import ModuleSpec
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

OWN = frozenset({"sweep", "sweep.kernels", "sweep.kernels.contract"})
"""The contract between kernels and the framework: it computes nothing, so no fingerprint names its version."""
IGNORED = frozenset({"ctx", "kind", "type_comment"})
ORDER = "(order)"


class Origin(StrEnum):
    """Where a module comes from."""

    python = "the standard library"
    installed = "an installed distribution"
    user = "a file of the user's own"


@dataclass(frozen=True)
class Source:
    """What one module of the user's own says.

    Parameters
    ----------
    name : str
    digests : mapping of str to str
        A digest of every definition at the top of the module, and of the order in which they stand.
    imports : tuple of str
        Full names of modules that it imports, anywhere in it, and of what may be one.
    """

    name: str
    digests: dict[str, str]
    imports: tuple[str, ...]


def find_spec(name: str) -> ModuleSpec | None:
    """Return where a module is, None when there is none of this name; nothing is imported to find out."""
    path: Any = None
    spec: ModuleSpec | None = None
    parts = name.split(".")
    for depth in range(1, len(parts) + 1):
        if depth > 1 and path is None:
            return None
        full = ".".join(parts[:depth])
        spec = getattr(sys.modules.get(full), "__spec__", None) or _search(full, path)
        if spec is None:
            return None
        path = spec.submodule_search_locations
    return spec


def _search(name: str, path: Any) -> ModuleSpec | None:
    found = (finder.find_spec(name, path) for finder in sys.meta_path if hasattr(finder, "find_spec"))
    try:
        return next((spec for spec in found if spec is not None), None)
    except (ImportError, ValueError, OSError):  # a name that no module can have
        return None


def origin_of(spec: ModuleSpec) -> Origin:
    """Return where a module comes from; an editable install counts as the user's own, for its version stays."""
    top = spec.name.partition(".")[0]
    if top == "sweep":
        return Origin.installed
    place = _place(spec)
    if place is None:
        return Origin.python
    if {"site-packages", "dist-packages"} & set(place.parts):
        return Origin.installed if distributions(top) else Origin.user
    library = (Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib"))
    return Origin.python if any(place.is_relative_to(folder) for folder in library) else Origin.user


def _place(spec: ModuleSpec) -> Path | None:
    if spec.has_location and spec.origin:
        return Path(spec.origin).resolve()
    folders = list(spec.submodule_search_locations or ())
    return Path(folders[0]).resolve() if folders else None


def distributions(top: str) -> list[str]:
    """Return the installed distributions that bring a top-level name."""
    if top == "sweep":  # which asks for itself in every launch, and a look through all that is installed takes 0.2 s
        return ["sweep-rg"]
    return sorted(set(_installed().get(top, ())))


@functools.cache
def _installed() -> Any:
    return packages_distributions()


def read_source(spec: ModuleSpec) -> Source:
    """Return what a module of the user's own says; of one that is not Python text, such as a C extension, its bytes."""
    place = Path(spec.origin) if spec.has_location and spec.origin else None
    if place is None:  # a namespace package has no code
        return Source(spec.name, {}, ())
    try:
        raw = _raw(spec, place)
    except OSError:
        return Source(spec.name, {"(file)": "missing"}, ())
    try:
        return parse_source(spec.name, importlib.util.decode_source(raw), spec.parent or "")
    except (SyntaxError, ValueError):
        return Source(spec.name, {"(file)": _digest(raw)}, ())


def _raw(spec: ModuleSpec, place: Path) -> bytes:
    """Return a module's file, out of a zip archive where it stands in one."""
    read = getattr(spec.loader, "get_data", None)
    return bytes(read(spec.origin)) if read is not None else place.read_bytes()


@functools.lru_cache(maxsize=256)
def parse_source(name: str, text: str, package: str) -> Source:
    """Return what a module's text says; raises SyntaxError when it is no Python."""
    tree = ast.parse(text)
    return Source(name, digests(tree), tuple(dict.fromkeys(filter(None, _imports(tree, package)))))


def digests(tree: ast.Module) -> dict[str, str]:
    """Return a digest of every definition at the top of a module, by name, and of their order.

    Comments, formatting, docstrings and other lines without effect do not count. Everything else does: constants,
    decorators, default values, annotations.
    """
    parts: dict[str, list[str]] = {}
    order = []
    for statement in tree.body:
        if not _is_idle(statement):
            order.append(_name(statement))
            parts.setdefault(order[-1], []).append(dump(statement))
    found = {name: _digest("\n".join(texts).encode()) for name, texts in parts.items()}
    return {**found, ORDER: _digest("\n".join(order).encode())} if found else {}


def dump(node: Any) -> str:
    """Return a syntax tree as text that is the same for every version of Python; `ast.dump` is not."""
    if isinstance(node, ast.AST):
        fields = ((name, dump(value)) for name, value in ast.iter_fields(node) if name not in IGNORED)
        return f"{type(node).__name__}({','.join(f'{name}={text}' for name, text in fields if text)})"
    if isinstance(node, list):
        kept = [dump(item) for item in node if not _is_idle(item)]
        return f"[{','.join(kept)}]" if kept else ""
    return "" if node is None else repr(node)


def _is_idle(node: Any) -> bool:
    """Return whether a statement does nothing: `pass`, a docstring or another constant that stands alone."""
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


def _name(statement: ast.stmt) -> str:
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return name
        case ast.Assign(targets=targets):
            return ", ".join(ast.unparse(target) for target in targets)
        case ast.AnnAssign(target=target) | ast.AugAssign(target=target):
            return ast.unparse(target)
        case ast.Import() | ast.ImportFrom():
            return "(imports)"
        case _:
            return "(statements)"


def _imports(tree: ast.Module, package: str) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                base = _absolute("." * level + (module or ""), package)
                if base:
                    yield base
                    yield from (f"{base}.{alias.name}" for alias in names if alias.name != "*")
            case ast.Call(
                func=ast.Name(id=called) | ast.Attribute(attr=called), args=[ast.Constant(value=str(name)), *_]
            ):
                if called in ("import_module", "__import__"):
                    yield _absolute(name, package)


def _absolute(name: str, package: str) -> str:
    try:
        return importlib.util.resolve_name(name, package)
    except ImportError:
        return ""


def _digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()[:16]
