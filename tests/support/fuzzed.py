"""Grid files as nobody would write them: sound ones with mutations, strange bytes, and bombs; each from a seed."""

from __future__ import annotations

import copy
import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bombs import BOMBS


@dataclass(frozen=True)
class Case:
    """A grid file, and what ``--set`` puts into it."""

    content: bytes
    overrides: tuple[str, ...] = ()


class Raw(str):
    """Text that goes into a file as it is, without the quotes that would keep it a word."""


SOUND: tuple[dict[str, Any], ...] = (
    {
        "name": "any",
        "seed": 3,
        "stages": {
            "a": {
                "kernel": "anything:ANY",
                "axes": {"size": [2, 3], "x": {"linspace": [0, 0.5, 3]}, "flag": [True, False]},
                "params": {"numbers": [1.0, 2.5], "choice": "right", "rows": 3},
            },
            "sum": {"kernel": "anything:SUM", "axes": {"size": [2]}, "inputs": {"data": "a"}},
        },
    },
    {
        "name": "chain",
        "seed": 7,
        "stages": {
            "throw": {
                "kernel": "toys:THROW",
                "axes": {"size": [3, 4], "temperature": {"start": 0.0, "stop": 1.0, "step": 0.5}},
                "params": {"throws": 5},
            },
            "walk": {
                "kernel": "toys:WALK",
                "axes": {"size": [3], "realisation": 2},
                "inputs": {"data": {"stage": "throw", "select": {"temperature": [0.5]}}},
                "params": {"steps": 2},
            },
        },
    },
    {
        "name": "words",
        "seed": 1,
        "stages": {
            "w": {
                "kernel": "anything:ANY",
                "axes": {"word": ["up", "down"], "realisation": {"count": 2}, "x": [Raw("critical"), 1.5]},
                "params": {"counts": [1, 2], "words": ["p", "q"], "flag": True},
                "cpus": 1,
                "gpus": 0,
                "memory": "2GiB",
                "seconds": 60,
                "resources": {"licence": 1},
            }
        },
    },
)

LONG = (
    *("1" * n for n in (30, 400, 5000)),
    *("0x" + "f" * n for n in (300, 6000)),
    "0." + "3" * 400,
    "a" * 300,
    "é" * 130,
    "|\n      text\n",
    ">\n  folded\n  text\n",
    '"un\n  broken"',
)
SCALARS = (*(Path(__file__).parents[1] / "data" / "fuzzed_scalars.txt").read_text("utf-8").splitlines(), *LONG)
TOKENS = (
    *"{}[],:?-|>&*!%@`#'\"\\~=;/.\t\n\r\0\x07\x85\u2028\ufeff\ufffe\u202e",
    *(
        "<<",
        "&a",
        "*a",
        "!!int",
        "!!str",
        "---",
        "...",
        "%YAML",
        "%TAG",
        "\r\n",
        "  ",
        "\n  ",
        "\n- ",
        ": ",
        "\n? ",
        " #",
        "a: ",
    ),
)
KEYS = (
    "name",
    "seed",
    "stages",
    "kernel",
    "axes",
    "params",
    "inputs",
    "cpus",
    "gpus",
    "memory",
    "seconds",
    "resources",
    "stage",
    "select",
    "realisation",
    "size",
    "x",
    "temperature",
)


def fuzzed(seed: int) -> Case:
    """Return the case of a seed."""
    rng = random.Random(seed)
    kind = rng.choices([_mutated, _damaged, _soup, _noise, _bomb], weights=[60, 24, 8, 7, 1])[0]
    return kind(rng)


def _mutated(rng: random.Random) -> Case:
    document = copy.deepcopy(rng.choice(SOUND))
    for _ in range(rng.choice([0, 1, 1, 1, 1, 2, 3, 5])):
        rng.choice(MUTATIONS)(rng, document)
    overrides = [_override(rng, document)] if rng.random() < 0.1 else []
    return Case(written(document, rng).encode(errors="surrogatepass"), tuple(overrides))


def _damaged(rng: random.Random) -> Case:
    """A mutated file whose bytes are cut, moved, flipped, and interspersed with what means something in YAML."""
    whole = _mutated(rng)
    content = bytearray(whole.content)
    for _ in range(rng.choice([1, 1, 2, 4])):
        at = rng.randrange(len(content) + 1)
        match rng.randrange(6):
            case 0:
                content[at:at] = rng.choice(TOKENS).encode()
            case 1:
                del content[at : at + rng.choice([1, 1, 3, 20])]
            case 2 if at < len(content):
                content[at] ^= 1 << rng.randrange(8)
            case 3:
                content[at:at] = content[rng.randrange(len(content) + 1) :][: rng.randrange(40)]
            case 4:
                content[at:at] = rng.choice(SCALARS).encode()
            case _:
                del content[at:]
    return Case(bytes(content), whole.overrides)


def _soup(rng: random.Random) -> Case:
    words = [rng.choice((*TOKENS, *SCALARS, *KEYS)) for _ in range(rng.randrange(40))]
    return Case(rng.choice(["", " ", "\n"]).join(words).encode(errors="surrogatepass"))


def _noise(rng: random.Random) -> Case:
    raw = rng.randbytes(rng.choice([0, 1, 2, 10, 100, 1000]))
    text = written(rng.choice(SOUND), rng)
    encoded = [text.encode(code) for code in ("utf-16", "utf-32", "utf-8-sig", "utf-16-le", "cp037")]
    return Case(rng.choice([raw, raw, raw.translate(None, bytes(range(128, 256))), rng.choice(encoded)]))


def _bomb(rng: random.Random) -> Case:
    """A small file that stands for much, or whose nesting or length takes a reader's breath away."""
    n = rng.choice([5, 40, 300, 1500])
    head = "name: bomb\nseed: 1\nstages: {a: {kernel: 'anything:ANY', axes: {x: [1]}, params: "
    body = rng.choice(BOMBS)(n)
    return Case((head + body + "}}\n" if rng.random() < 0.5 else body).encode())


Place = tuple[Any, Any]
"""A mapping or list, and a key or index of it."""


def _places(value: Any) -> list[Place]:
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [place for key in keys for place in ((value, key), *_places(value[key]))]


def _odd(rng: random.Random, document: Any) -> Any:
    """Return a value that may stand anywhere: strange text, or what stands elsewhere in the file."""
    if rng.random() < 0.8:
        return Raw(rng.choice(SCALARS))
    holder, key = rng.choice(_places(document) or [([0], 0)])
    return copy.deepcopy(holder[key])


def _key(rng: random.Random) -> str:
    return rng.choice(KEYS) if rng.random() < 0.6 else Raw(rng.choice(SCALARS))


def _replace(rng: random.Random, document: Any) -> None:
    holder, key = rng.choice(_places(document) or [([0], 0)])
    holder[key] = _odd(rng, document)


def _remove(rng: random.Random, document: Any) -> None:
    holder, key = rng.choice(_places(document) or [([0], 0)])
    del holder[key]


def _rename(rng: random.Random, document: Any) -> None:
    holder, key = rng.choice(_places(document) or [([0], 0)])
    if isinstance(holder, dict):
        new = rng.choice([_key(rng), key.upper(), key[:-1], key + "x", f" {key}", Raw(key)])
        items = [(new if old == key else old, value) for old, value in holder.items()]
        holder.clear()
        holder.update(items)


def _add(rng: random.Random, document: Any) -> None:
    holder, key = rng.choice(_places(document) or [([0], 0)])
    if isinstance(holder, dict):
        holder[_key(rng)] = _odd(rng, document)
    else:
        holder.insert(key, _odd(rng, document))


def _wrap(rng: random.Random, document: Any) -> None:
    holder, key = rng.choice(_places(document) or [([0], 0)])
    value = holder[key]
    holder[key] = rng.choice([[value], [value, copy.deepcopy(value)], {_key(rng): value}])


def _swap(rng: random.Random, document: Any) -> None:
    places = _places(document) or [([0], 0)]
    (one, first), (two, second) = rng.choice(places), rng.choice(places)
    one[first], two[second] = copy.deepcopy(two[second]), copy.deepcopy(one[first])


MUTATIONS = (_replace, _replace, _replace, _remove, _rename, _add, _add, _wrap, _swap)


def _override(rng: random.Random, document: Any) -> str:
    """Return a setting whose path leads somewhere in the file, or nowhere."""
    words, value = [], document
    while isinstance(value, dict) and value and rng.random() < 0.85:
        words.append(rng.choice(list(value)) if rng.random() < 0.9 else _key(rng))
        value = value.get(words[-1])
    return ".".join(words) + rng.choice(["=", "=", "=", "=", "", "=="]) + rng.choice(SCALARS)


def written(value: Any, rng: random.Random, indent: int = 0) -> str:
    """Return a document as YAML, in blocks or in brackets, with a remark, a tag or an anchor here and there."""
    dressed = rng.choice(["", "!!map ", "!!seq ", "!!str ", "!x ", "&z ", "!!set "]) if rng.random() < 0.01 else ""
    if isinstance(value, Mapping | list) and value and rng.random() < 0.7 and not dressed:
        lead = "\n" + " " * indent
        remark = "  # why" if rng.random() < 0.02 else ""
        if isinstance(value, list):
            return remark + "".join(f"{lead}- {written(item, rng, indent + 2)}" for item in value)
        return remark + "".join(
            f"{lead}{_scalar(key)}: {written(item, rng, indent + rng.choice([1, 2, 2, 4]))}"
            for key, item in value.items()
        )
    return dressed + flow(value)


def flow(value: Any) -> str:
    """Return a document as YAML in brackets."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_scalar(key)}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flow, value)) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, str):
        return f"'{value}'" if ":" in value else value
    return str(value).lower() if isinstance(value, bool) else repr(value)
