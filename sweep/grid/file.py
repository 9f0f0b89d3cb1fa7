"""The grid file: its text, overrides from the command line, and what is wrong in the shape of the document."""

from __future__ import annotations

import contextlib
import copy
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from sweep.errors import Problem, SweepError, brief, did_you_mean
from sweep.grid.form import GridForm, InputForm, StageForm
from sweep.grid.parameters import fields_of
from sweep.grid.registry import find_kernel
from sweep.grid.yaml_text import dump_yaml, flat, parse_yaml

MAX_BYTES = 2**20  # the YAML reader takes some ten seconds for that

WANTED = {
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "string_type": "a word",
    "string_unicode": "a word of whole characters",
    "string_pattern_mismatch": "letters, digits, '.', '_' and '-' only",
}


def read_text(path: Path) -> str:
    """Return a grid file as text; raises SweepError when it cannot be read, or is none."""
    try:
        if not path.is_file() and path.exists():
            raise SweepError(Problem(str(path), "is no file; wanted a grid file"))
        if path.stat().st_size > MAX_BYTES:
            what = f"holds {path.stat().st_size} bytes; a grid file has {MAX_BYTES} at most"
            raise SweepError(Problem(str(path), what))
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        what = f"found the byte {error.object[error.start]:#04x}, which is no UTF-8; save the file as UTF-8"
        raise SweepError(Problem(f"{path}:{line}", what)) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or flat(error)
        raise SweepError(Problem(str(path), f"cannot read the grid file: {reason}")) from error


def with_overrides(text: str, where: str, overrides: Sequence[str]) -> tuple[dict[str, Any], str]:
    """Return the document in a text with ``key.key=value`` overrides put in, and its text.

    Raises
    ------
    SweepError
        When it is no mapping, or an override is malformed.
    """
    document = parse_yaml(text, where)
    if not isinstance(document, dict):
        raise SweepError(Problem(where, f"found {brief(document)}; wanted a mapping with name, seed and stages"))
    known = set(_stages(document))
    for override in overrides:
        _set(document, override)
    for override in overrides:
        _check_stage(document, known, override)
    return document, dump_yaml(document) if overrides else text


def _set(document: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not all(key.strip().split(".")):
        raise SweepError(
            Problem(f"--set {override}", "wanted KEY=VALUE, such as stages.ising.params.configurations=100")
        )
    _check_beginning(document, key.strip(), override)
    set_value(document, key.strip(), parse_yaml(text, f"--set {override}"), f"--set {override}")


def _check_beginning(document: Mapping[str, Any], key: str, override: str) -> None:
    """Refuse a key that begins with what no grid has; one that forgot a part of the way is told."""
    first = key.partition(".")[0]
    if first in GridForm.model_fields or not _stages(document):
        return
    way = _way_to(_ways(document), key.split("."))
    meant = f"; did you mean {way}?" if way else ""
    what = f"found {first!r} to begin with; wanted {', '.join(GridForm.model_fields)}{meant}"
    raise SweepError(Problem(f"--set {override}", what))


def _check_stage(document: Mapping[str, Any], known: Collection[str], override: str) -> None:
    """Refuse to set a part of a stage that is not in the grid; one that is given a kernel is a new one."""
    first, _, rest = override.partition("=")[0].strip().partition(".")
    name = rest.partition(".")[0]
    stage = _stages(document).get(name)
    if first != "stages" or name in known or not isinstance(stage, dict) or "kernel" in stage:
        return
    raise SweepError(Problem(f"--set {override}", f"there is no stage {name!r}; {did_you_mean(name, known)}"))


def _stages(document: Mapping[str, Any]) -> dict[str, Any]:
    stages = document.get("stages")
    return stages if isinstance(stages, dict) else {}


def _ways(document: Mapping[str, Any]) -> dict[str, list[list[str]]]:
    """Return all places in a grid's stages that may be set, by the last word of each."""
    found: dict[str, list[list[str]]] = {}
    for name, stage in _stages(document).items():
        for inner in (*_inside(stage), *([key] for key in StageForm.model_fields)):
            found.setdefault(inner[-1], []).append(["stages", str(name), *inner])
    return found


def _way_to(ways: Mapping[str, list[list[str]]], words: Sequence[str]) -> str | None:
    """Return the first place which one comes to by these words, if some are put between them."""
    for way in ways.get(words[-1], ()):
        rest = iter(way)
        if all(word in rest for word in words):
            return ".".join(way)
    return None


def _inside(stage: Any) -> Iterator[list[str]]:
    """Yield the axes that a stage has, and the parameters of its kernel."""
    if not isinstance(stage, dict):
        return
    if isinstance(stage.get("axes"), dict):
        yield from (["axes", str(axis)] for axis in stage["axes"])
    with contextlib.suppress(ValueError):  # whoever looks it up again says so
        yield from (["params", name] for name in fields_of(find_kernel(str(stage.get("kernel"))).params))


def set_value(document: dict[str, Any], key: str, value: Any, where: str) -> None:
    """Put a value in a document at ``word.word``; raises SweepError when the way there leads through a value."""
    *path, last = key.split(".")
    place = document
    for word in path:
        inner = place.setdefault(word, {})
        if not isinstance(inner, dict):
            raise SweepError(Problem(where, f"{word!r} holds {brief(inner)}, which has no parts to set"))
        place = inner
    place[last] = value


def read_form(document: Mapping[str, Any], where: str) -> tuple[GridForm, list[Problem]]:
    """Return the document in its checked shape, and what is wrong in it.

    What is wrong is left out of the shape, so that the rest can be looked at as well and all mistakes be told at once.

    Raises
    ------
    SweepError
        With every mistake found so far, when too little is left to go on with.
    """
    try:
        return GridForm.model_validate(document), []
    except ValidationError as error:
        problems = _problems(error, where, document)
        rest = copy.deepcopy(dict(document))
        for detail in error.errors(include_url=False):
            _leave_out(rest, detail["loc"])
    try:
        return GridForm.model_validate(rest), problems
    except ValidationError:
        raise SweepError(*problems) from None


def _leave_out(document: Any, loc: tuple[int | str, ...]) -> None:
    """Remove what an error points to, as far down as the document goes."""
    parent, last = None, None
    for word in loc:
        if not isinstance(document, dict) or word not in document:
            break
        parent, last, document = document, word, document[word]
    if parent is not None:
        parent.pop(last)


def _problems(error: ValidationError, where: str, document: Mapping[str, Any]) -> list[Problem]:
    problems: dict[str, Problem] = {}
    ways = _ways(document)  # once: a file may have a thousand stages, and a mistake in each
    for detail in error.errors(include_url=False):
        place = _place(detail["loc"])
        problems.setdefault(place, Problem(f"{where}: {place}", _explain(detail["type"], detail, ways)))
    return list(problems.values())


def _place(loc: tuple[int | str, ...]) -> str:
    """Return the path in the file, without pydantic's names for the alternatives of a union."""
    alternatives = {"int", "float", "str", "[key]"}
    words = [str(word) for word in loc if word not in alternatives and not re.match(r"(list|dict)\[", str(word))]
    return ".".join(words) or "the file"


def _explain(kind: str, detail: Any, ways: Mapping[str, list[list[str]]]) -> str:
    found, context = detail["input"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        way = _way_to(ways, [str(word) for word in detail["loc"]])
        meant = f"did you mean {way}?" if way else did_you_mean(str(detail["loc"][-1]), _keys_at(detail["loc"]))
        return f"unknown key; {meant}"
    if kind == "missing":
        return "missing; every grid needs it" if len(detail["loc"]) == 1 else "missing"
    if kind == "int_type" or "ge" in context:
        least = f", {context['ge']} or more" if "ge" in context else ""
        return f"found {brief(found)}; wanted a whole number{least}"
    if kind == "too_short":
        return "found no stage; wanted at least one"
    if kind in WANTED:
        return f"found {brief(found)}; wanted {WANTED[kind]}{' as a key' if detail['loc'][-1:] == ('[key]',) else ''}"
    return f"found {brief(found)}; {detail['msg'].replace('Input should be', 'wanted')}"


def _keys_at(loc: tuple[int | str, ...]) -> list[str]:
    models: dict[int, type[BaseModel]] = {1: GridForm, 3: StageForm, 5: InputForm}
    return list(models[len(loc)].model_fields) if len(loc) in models else []
