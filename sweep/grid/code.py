"""Code is part of what was computed: a fingerprint of what a kernel is made of, and how two of them differ.

A kernel in a file of the user's own is covered by its source and that of the modules beside it which it imports,
directly or not, at the top or inside a function, as far as the text names them. Installed packages count by their
version. A kernel of an installed distribution, such as the built-in ones, is covered by its own `version`. Data files
that code reads are not covered, nor is what it makes up while it runs: their names, dates or checksums belong in
parameters.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.machinery import ModuleSpec
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from sweep.grid.grid import Stage
from sweep.grid.registry import module_of
from sweep.grid.session import session_source
from sweep.grid.source import ORDER, OWN, Origin, Source, distributions, find_spec, origin_of, parse_source, read_source

Code = Mapping[str, Any]


def code_of(stage: Stage) -> dict[str, Any]:
    """Return the fingerprint of what computes a stage, as JSON has it.

    Returns
    -------
    dict
        ``modules``: for each module of the user's own a digest of every definition in it. ``packages``: the version of
        every installed package that they import. Both are empty for a kernel of an installed distribution, which
        ``installed`` names then with its version.
    """
    name = module_of(stage.reference)
    first = _first(name, stage)
    if first is None:
        top = name.partition(".")[0]
        return {"modules": {}, "packages": {}, "installed": _versions(top)}
    modules, packages = _reach(first)
    return {"modules": {source.name: source.digests for source in modules}, "packages": packages}


def files_of(stage: Stage) -> dict[str, Path]:
    """Return the files of the user's own that compute a stage, by the names of their modules."""
    return {name: Path(spec.origin) for name, spec in _own(code_of(stage)["modules"]) if spec.origin is not None}


def _first(name: str, stage: Stage) -> Source | None:
    """Return the module that a kernel stands in, None when it is installed."""
    if name == "__main__":
        script = getattr(sys.modules[name], "__file__", None)
        if script is None:
            return session_source(stage.kernel)
        return parse_source(Path(script).stem, Path(script).read_text(encoding="utf-8"), "")
    spec = find_spec(name)
    return read_source(spec) if spec is not None and origin_of(spec) is Origin.user else None


def _reach(first: Source) -> tuple[list[Source], dict[str, str]]:
    """Return a module with all of the user's own that it imports, and the versions of the packages among the others."""
    found, packages = {first.name: first}, dict[str, str]()
    waiting, seen = [first], {first.name}
    while waiting:
        for name in _with_parents(waiting.pop().imports):
            if name in seen or name in OWN:
                continue
            seen.add(name)
            spec = find_spec(name)
            origin = Origin.python if spec is None else origin_of(spec)
            if spec is not None and origin is Origin.user:
                found[name] = read_source(spec)
                waiting.append(found[name])
            elif origin is Origin.installed:
                packages |= _versions(name.partition(".")[0])
    return [found[name] for name in sorted(found)], dict(sorted(packages.items()))


def modules_here(names: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return the digests of modules, of those that are found here as files of the user's own."""
    return {name: read_source(spec).digests for name, spec in _own(sorted(names))}


def _own(names: Iterable[str]) -> Iterator[tuple[str, ModuleSpec]]:
    """Yield those modules that are found here as files of the user's own."""
    for name in names:
        spec = find_spec(name)
        if spec is not None and origin_of(spec) is Origin.user:
            yield name, spec


def _with_parents(names: Sequence[str]) -> Iterator[str]:
    """Yield modules and the packages that they stand in, whose code runs on import too."""
    for name in names:
        parts = name.split(".")
        yield from (".".join(parts[:depth]) for depth in range(1, len(parts) + 1))


@functools.cache
def _versions(top: str) -> dict[str, str]:
    found = {}
    for name in distributions(top):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def differences(old: Code, new: Code) -> list[str]:
    """Return in words how the code that made a stage and the present code differ; nothing when they agree."""
    modules = list(_changes(old["modules"], new["modules"]))
    packages = [
        f"package {name} was {old['packages'].get(name, 'not used')}, is {new['packages'].get(name, 'not used')}"
        for name in sorted({*old["packages"], *new["packages"]})
        if old["packages"].get(name) != new["packages"].get(name)
    ]
    return [*modules, *packages]


def _changes(old: Mapping[str, Mapping[str, str]], new: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    for name in sorted({*old, *new}):
        before, after = old.get(name), new.get(name)
        if before is None or after is None:
            yield f"module {name} is {'new' if before is None else 'no longer used'}"
        elif before != after:
            yield f"module {name}: {_definitions(before, after)}"


def _definitions(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    kinds = {
        "changed": [key for key in before if key in after and before[key] != after[key] and key != ORDER],
        "added": [key for key in after if key not in before],
        "removed": [key for key in before if key not in after],
    }
    told = [f"{_some(names)} {kind}" for kind, names in kinds.items() if names]
    return ", ".join(told) or "the order of its statements changed"


def _some(names: Sequence[str]) -> str:
    return " and ".join([*names[:4], *([f"{len(names) - 4} more"] if len(names) > 4 else [])])
