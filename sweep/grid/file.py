"""The grid file as text: YAML, overrides from the command line, and what is wrong in the shape of the document."""

from __future__ import annotations

import copy
import re
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from yaml.constructor import ConstructorError

from sweep.errors import Problem, SweepError, brief, did_you_mean
from sweep.grid.form import GridForm, InputForm, StageForm

MAX_BYTES = 16 * 2**20
MAX_VALUES = 1_000_000
MAX_DEPTH = 200
MERGE = "tag:yaml.org,2002:merge"


class _Loader(yaml.SafeLoader):
    """YAML 1.2 as far as a reader may expect it: true and false, decimal numbers, words; nothing is guessed.

    A key that is written twice is a mistake, and so is a number whose meaning depends on the version of YAML.
    """

    yaml_implicit_resolvers = {}  # noqa: RUF012 - those of the base class would read yes as true and 010 as 8

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        if node.tag != "checked":  # what was merged into it has been made part of it by then
            seen: set[Any] = set()
            for key, _ in node.value:
                name = None if key.tag == MERGE else self.construct_object(key, deep=True)
                if not isinstance(name, Hashable):
                    raise ConstructorError(None, None, f"found {brief(name)} as a key; wanted a word", key.start_mark)
                if name is not None and name in seen:
                    raise ConstructorError(None, None, f"the key {brief(name)} is written twice", key.start_mark)
                seen.add(name)
            node.tag = "checked"
        return super().construct_mapping(node, deep=deep)

    def construct_refused(self, node: yaml.ScalarNode) -> Any:
        what = (
            f"found {brief(node.value)}, which YAML reads in several ways; wanted a decimal number, or a word in quotes"
        )
        raise ConstructorError(None, None, what, node.start_mark)


def _resolve(tag: str, pattern: str, first: str) -> None:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), list(first) or [""])


# The order counts: the first that matches is taken.
_resolve(
    "refused", r"[-+]?(0[0-9_]+|[0-9]+_[0-9_]*|0[ob][0-9_]+|[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?)$", "-+0123456789"
)
_resolve("int", r"[-+]?([0-9]+|0x[0-9a-fA-F]+)$", "-+0123456789")
_resolve("float", r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?$", "-+.0123456789")
_resolve("float", r"[-+]?\.(inf|Inf|INF)$|\.(nan|NaN|NAN)$", "-+.")
_resolve("bool", r"(true|True|TRUE|false|False|FALSE)$", "tTfF")
_resolve("null", r"(~|null|Null|NULL)$", "~nN")
_resolve("null", r"$", "")
_resolve("merge", r"<<$", "<")
_Loader.add_constructor("tag:yaml.org,2002:refused", _Loader.construct_refused)


def parse_yaml(text: str, where: str) -> Any:
    """Return the document in `text`.

    Raises
    ------
    SweepError
        For a syntax error, with its line; for a document that refers to itself, or stands for too much.
    """
    try:
        return _construct(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}" if mark else ""
        raise SweepError(
            Problem(f"{where}{line}", f"not valid YAML: {_flat(error.problem or error.context)}")
        ) from error
    except RecursionError as error:
        raise SweepError(Problem(where, "is nested too deep to be read; wanted a grid file")) from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise SweepError(Problem(where, f"not valid YAML: {_flat(error)}")) from error


def _construct(text: str) -> Any:
    if _depth(text) > MAX_DEPTH:
        raise RecursionError
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _measure(node, {})
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _depth(text: str) -> int:
    """Return how deep brackets are nested, those in words and remarks too; the scanner is slow where they are many."""
    depth = deepest = 0
    for bracket in re.findall(r"[\[\]{}]", text):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _measure(node: yaml.Node, known: dict[int, int]) -> int:
    """Return how many values a node stands for when every alias is written out.

    Raises
    ------
    ConstructorError
        When it is part of itself, or stands for more than `MAX_VALUES`.
    """
    if known.get(id(node)) == 0:
        raise ConstructorError(None, None, "it refers to itself", node.start_mark)
    if id(node) in known:
        return known[id(node)]
    known[id(node)] = 0
    parts: list[yaml.Node] = []
    if isinstance(node, yaml.MappingNode):
        parts = [part for pair in node.value for part in pair]
    elif isinstance(node, yaml.SequenceNode):
        parts = node.value
    known[id(node)] = count = 1 + sum(_measure(part, known) for part in parts)
    if count > MAX_VALUES:
        raise ConstructorError(None, None, f"it stands for more than {MAX_VALUES} values", node.start_mark)
    return count


def _flat(text: object) -> str:
    return " ".join(str(text).split())


def read_text(path: Path) -> str:
    """Return a grid file as text; raises SweepError when it cannot be read, or is none."""
    try:
        if not path.is_file() and path.exists():
            raise SweepError(Problem(str(path), "is no file; wanted a grid file"))
        if path.stat().st_size > MAX_BYTES:
            what = f"holds {path.stat().st_size} bytes; a grid file has {MAX_BYTES} at most"
            raise SweepError(Problem(str(path), what))
        return path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or _flat(error)
        raise SweepError(Problem(str(path), f"cannot read the grid file: {reason}")) from error


def read_document(path: Path, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """Return the grid file as a mapping, with ``key.key=value`` overrides put in.

    Raises
    ------
    SweepError
        When the file cannot be read, is no mapping, or an override is malformed.
    """
    text = read_text(path)
    document = parse_yaml(text, str(path))
    if not isinstance(document, dict):
        raise SweepError(Problem(str(path), f"found {brief(document)}; wanted a mapping with name, seed and stages"))
    for override in overrides:
        _set(document, override)
    return document


def _set(document: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    path = key.strip().split(".")
    if not equals or not all(path):
        raise SweepError(Problem(f"--set {override}", "wanted KEY=VALUE, such as stages.ising.params.size=10"))
    place = document
    for word in path[:-1]:
        inner = place.setdefault(word, {})
        if not isinstance(inner, dict):
            raise SweepError(Problem(f"--set {override}", f"{word!r} holds {brief(inner)}, which has no parts to set"))
        place = inner
    place[path[-1]] = parse_yaml(text, f"--set {override}")


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
        problems = _problems(error, where)
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


def _problems(error: ValidationError, where: str) -> list[Problem]:
    problems: dict[str, Problem] = {}
    for detail in error.errors(include_url=False):
        place = _place(detail["loc"])
        problems.setdefault(place, Problem(f"{where}: {place}", _explain(detail["type"], detail)))
    return list(problems.values())


def _place(loc: tuple[int | str, ...]) -> str:
    """Return the path in the file, without pydantic's names for the alternatives of a union."""
    alternatives = {"int", "float", "str"}
    words = [str(word) for word in loc if word not in alternatives and not re.match(r"(list|dict)\[", str(word))]
    return ".".join(words) or "the file"


def _explain(kind: str, detail: Any) -> str:
    found, context = detail["input"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        return f"unknown key; {did_you_mean(str(detail['loc'][-1]), _keys_at(detail['loc']))}"
    if kind == "missing":
        return "missing; every grid needs it" if len(detail["loc"]) == 1 else "missing"
    if kind == "string_pattern_mismatch":
        return f"found {brief(found)}; wanted letters, digits, '.', '_' and '-' only"
    if kind == "int_type" or "ge" in context:
        least = f", {context['ge']} or more" if "ge" in context else ""
        return f"found {brief(found)}; wanted a whole number{least}"
    if kind == "too_short":
        return "found no stage; wanted at least one"
    return f"found {brief(found)}; {detail['msg'].replace('Input should be', 'wanted')}"


def _keys_at(loc: tuple[int | str, ...]) -> list[str]:
    models: dict[int, type[BaseModel]] = {1: GridForm, 3: StageForm, 5: InputForm}
    return list(models[len(loc)].model_fields) if len(loc) in models else []
