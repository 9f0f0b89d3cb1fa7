"""The grid file as text: YAML, overrides from the command line, and the shape of the document."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sweep.errors import Problem, SweepError, did_you_mean

AxisForm = int | list[int | float | str] | dict[str, Any] | str


class InputForm(BaseModel):
    """What a stage reads: the name of an earlier stage, or that with a selection of its labels."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra=lambda schema: schema.update({"type": ["object", "string"]}),
    )
    stage: str
    select: dict[str, AxisForm | float] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _name_alone(cls, form: Any) -> Any:
        return {"stage": form} if isinstance(form, str) else form


class StageForm(BaseModel):
    """A kernel mapped over named axes."""

    model_config = ConfigDict(extra="forbid")
    kernel: str
    axes: dict[str, AxisForm] = Field(default_factory=dict)
    params: dict[str, Any] = Field(default_factory=dict)
    inputs: dict[str, InputForm] = Field(default_factory=dict)
    cpus: int = Field(default=1, ge=1)


class GridForm(BaseModel):
    """A grid file: a name, a seed and the stages."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    seed: int = Field(ge=0, strict=True)
    stages: dict[str, StageForm] = Field(min_length=1)


class _Loader(yaml.SafeLoader):
    """YAML in which 1e-3 is a number and a key that is written twice is a mistake."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for position, key in enumerate(keys):
            if key in keys[:position]:
                mark = node.value[position][0].start_mark
                raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} is written twice", mark)
        return super().construct_mapping(node, deep=deep)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\d+(\.\d*)?|\.\d+)[eE][-+]?\d+$"),
    list("-+.0123456789"),
)


def parse_yaml(text: str, where: str) -> Any:
    """Return the document in `text`.

    Raises
    ------
    SweepError
        For a syntax error, with its line.
    """
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}" if mark else ""
        raise SweepError(Problem(f"{where}{line}", f"not valid YAML: {error.problem or error.context}")) from error
    except yaml.YAMLError as error:
        raise SweepError(Problem(where, f"not valid YAML: {error}")) from error


def read_document(path: Path, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """Return the grid file as a mapping, with ``key.key=value`` overrides put in.

    Raises
    ------
    SweepError
        When the file cannot be read, is no mapping, or an override is malformed.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SweepError(Problem(str(path), f"cannot read the grid file: {reason}")) from error
    document = parse_yaml(text, str(path))
    if not isinstance(document, dict):
        raise SweepError(Problem(str(path), f"found {_brief(document)}; wanted a mapping with name, seed and stages"))
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
            raise SweepError(Problem(f"--set {override}", f"{word!r} holds {_brief(inner)}, which has no parts to set"))
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
        return f"found {found!r}; wanted letters, digits, '.', '_' and '-' only"
    if "ge" in context:
        return f"found {_brief(found)}; wanted a whole number, {context['ge']} or more"
    if kind == "too_short":
        return "found no stage; wanted at least one"
    return f"found {_brief(found)}; {detail['msg'].replace('Input should be', 'wanted')}"


def _keys_at(loc: tuple[int | str, ...]) -> list[str]:
    models: dict[int, type[BaseModel]] = {1: GridForm, 3: StageForm, 5: InputForm}
    return list(models[len(loc)].model_fields) if len(loc) in models else []


def _brief(value: Any) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return "nothing" if value is None else repr(value)
