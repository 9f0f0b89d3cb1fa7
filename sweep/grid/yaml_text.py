"""YAML as a grid file may use it: numbers, words, lists and mappings; nothing is guessed, and nothing can explode."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable
from typing import Any, NoReturn

import yaml
from yaml.constructor import ConstructorError

from sweep.errors import Problem, SweepError, brief

MAX_VALUES = 1_000_000
MAX_DEPTH = 200
MAX_DIGITS = 100
LONGEST = 2**16  # characters of a text in which lines are looked for

CORE = "tag:yaml.org,2002:"
MERGE = f"{CORE}merge"
CHECKED = "checked"

FORMS = {  # the order counts: the first that matches a plain scalar is taken
    "refused": r"[-+]?(0[0-9_]+|[0-9]+_[0-9_]*|0[ob][0-9_]+|[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?)",
    "int": r"[-+]?(0|[1-9][0-9]*|0x[0-9a-fA-F]+)",
    "float": r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
    "bool": r"true|True|TRUE|false|False|FALSE",
    "null": r"~|null|Null|NULL|",
    "merge": r"<<",
}
KINDS = {
    **{f"{CORE}{name}": (yaml.ScalarNode, re.compile(form)) for name, form in FORMS.items()},
    f"{CORE}str": (yaml.ScalarNode, re.compile(".*", re.DOTALL)),
    f"{CORE}seq": (yaml.SequenceNode, None),
    f"{CORE}map": (yaml.MappingNode, None),
}
"""What may stand under a tag, whether somebody wrote it or it was found by the form of a scalar."""

COLLECTIONS = {yaml.SequenceNode: "a list", yaml.MappingNode: "a mapping"}


class _Loader(yaml.SafeLoader):
    """YAML 1.2 as far as a reader may expect it: true and false, decimal numbers, words.

    A key that is written twice is a mistake, and so is a number whose meaning depends on the version of YAML.
    """

    yaml_implicit_resolvers = {}  # noqa: RUF012 - those of the base class would read yes as true and 010 as 8
    yaml_constructors = {}  # noqa: RUF012 - those of the base class know sets, dates and bytes

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        if node.tag != CHECKED:  # what was merged into it has been made part of it by then
            seen: set[Any] = set()
            for key, _ in node.value:
                name = None if key.tag == MERGE else self.construct_object(key, deep=True)
                if not isinstance(name, Hashable):
                    _refuse(key, f"found {brief(name)} as a key; wanted a word")
                if name is not None and name in seen:
                    _refuse(key, f"the key {brief(name)} is written twice")
                seen.add(name)
            node.tag = CHECKED
        return super().construct_mapping(node, deep=deep)

    def construct_refused(self, node: yaml.ScalarNode) -> NoReturn:
        what = "which YAML reads in several ways; wanted a decimal number, or a word in quotes"
        _refuse(node, f"found {brief(node.value)}, {what}")

    def construct_unknown(self, node: yaml.Node) -> NoReturn:
        what = "wanted plain numbers, words, lists and mappings"
        _refuse(node, f"found the tag {node.tag.replace(CORE, '!!')}; {what}")


for _name, _form in FORMS.items():
    _Loader.add_implicit_resolver(f"{CORE}{_name}", re.compile(f"(?:{_form})$"), None)
for _name in ("int", "float", "bool", "null", "str", "seq", "map"):
    _Loader.add_constructor(f"{CORE}{_name}", getattr(yaml.SafeLoader, f"construct_yaml_{_name}"))
_Loader.add_constructor(f"{CORE}refused", _Loader.construct_refused)
_Loader.add_constructor(None, _Loader.construct_unknown)


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
        problem = error.problem or error.context or ""
        if problem.startswith(("second", "but")):  # these go on with the sentence of the context
            problem = f"{error.context}, {problem}"
        raise SweepError(Problem(f"{where}{line}", f"not valid YAML: {flat(problem)}")) from error
    except yaml.reader.ReaderError as error:
        line = f":{text.count(chr(10), 0, error.position) + 1}"
        what = f"found the character #x{ord(text[error.position]):04x}, which no text has"
        raise SweepError(Problem(f"{where}{line}", f"not valid YAML: {what}")) from error
    except RecursionError as error:
        raise SweepError(Problem(where, "is nested too deep to be read; wanted a grid file")) from error
    except (yaml.YAMLError, ValueError) as error:
        raise SweepError(Problem(where, f"not valid YAML: {flat(error)}")) from error


def lines_of(text: str, keys: Iterable[str]) -> list[int | None]:
    """Return the line, from 1, where each ``word.word`` stands in a text that can be parsed, or the part that does.

    A long text has no lines: to find them takes as long as to read it.
    """
    root = yaml.compose(text, Loader=yaml.SafeLoader) if len(text) <= LONGEST else None
    return [_line(root, key.split(".")) for key in keys]


def _line(node: yaml.Node | None, words: list[str]) -> int | None:
    line = None
    while words and isinstance(node, yaml.MappingNode):
        parts = {part.value: (part, value) for part, value in node.value}
        name = next((".".join(words[:n]) for n in range(len(words), 0, -1) if ".".join(words[:n]) in parts), None)
        if name is None:
            break
        part, node = parts[name]
        line, words = part.start_mark.line + 1, words[name.count(".") + 1 :]
    return line


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


def _measure(node: yaml.Node, known: dict[int, tuple[int, int]]) -> tuple[int, int]:
    """Return how many values a node stands for, and how deep they are nested, when every alias is written out.

    Raises
    ------
    ConstructorError
        When it is part of itself, stands for more than `MAX_VALUES`, is deeper than `MAX_DEPTH`, or is not what its tag
        says.
    """
    if id(node) in known:
        if known[id(node)] == (0, 0):
            _refuse(node, "it refers to itself")
        return known[id(node)]
    known[id(node)] = 0, 0
    _check_kind(node)
    parts: list[yaml.Node] = []
    if isinstance(node, yaml.MappingNode):
        parts = [part for pair in node.value for part in pair]
    elif isinstance(node, yaml.SequenceNode):
        parts = node.value
    inner = [_measure(part, known) for part in parts]
    known[id(node)] = count, depth = 1 + sum(n for n, _ in inner), 1 + max((n for _, n in inner), default=0)
    if count > MAX_VALUES:
        _refuse(node, f"it stands for more than {MAX_VALUES} values")
    if depth > MAX_DEPTH:
        _refuse(node, f"it is nested deeper than {MAX_DEPTH}")
    return count, depth


def _check_kind(node: yaml.Node) -> None:
    """Refuse what is not what its tag says, a number that no computer works with, a word that no file can hold."""
    if node.tag not in KINDS:
        return  # has no constructor, which is told as such
    wanted, form = KINDS[node.tag]
    if not isinstance(node, wanted) or (form and not form.fullmatch(node.value)):
        found = (
            brief(node.value)
            if isinstance(node, yaml.ScalarNode)
            else f"a {'list' if isinstance(node, yaml.SequenceNode) else 'mapping'}"
        )
        _refuse(node, f"found {found} under the tag {node.tag.replace(CORE, '!!')}; leave the tag away")
    if isinstance(node, yaml.ScalarNode) and re.search("[\ud800-\udfff]", node.value):
        _refuse(node, f"found {brief(node.value)}, with half a character in it; wanted the character itself")
    if node.tag == f"{CORE}int" and len(node.value) > MAX_DIGITS:
        _refuse(node, f"found a whole number of {len(node.value)} digits; wanted {MAX_DIGITS} at most")


def _refuse(node: yaml.Node, what: str) -> NoReturn:
    raise ConstructorError(None, None, what, node.start_mark)


def flat(text: object) -> str:
    """Return a text as one line."""
    return " ".join(str(text).split())


class _Dumper(yaml.SafeDumper):
    """Writes what `parse_yaml` reads: a word that looks like anything else stands in quotes."""

    yaml_implicit_resolvers = _Loader.yaml_implicit_resolvers


def dump_yaml(document: Any) -> str:
    """Return the text that `parse_yaml` reads as `document`."""
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False)
