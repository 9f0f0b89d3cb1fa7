"""Names that meet in one node of the tree, or in one folder of a file system, checked together before any is used.

Two names that differ by case only, or by how Unicode writes a letter, are one name to many file systems, and to Zarr's
consolidated metadata.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping

LONGEST = 200  # bytes: a file name may have 255, and what is written beside a file has a longer one
OWN = {**dict.fromkeys(("done", "blocks", "computed_by"), "array of the framework"), "zarr.json": "file of Zarr"}
FORBIDDEN = {"/": "'/'", "\\": "a backslash", "=": "'='"}


def path_problems(name: str, *, label: bool = False) -> Iterator[str]:
    """Yield why a name cannot be part of a path in a store.

    Parameters
    ----------
    name : str
    label : bool
        It is a word on an axis, which stands behind ``axis=``.
    """
    strange = [words for sign, words in FORBIDDEN.items() if sign in name and not (label and sign == "=")]
    if any(unicodedata.category(sign).startswith("C") for sign in name):
        strange.append("a control character")
    if strange:
        yield f"found {' and '.join(strange)} in it"
    if not label and (not name or name.startswith((".", "__"))):
        yield "it is empty, or begins with '.' or '__'"
    elif name != name.strip(" ") or name.endswith("."):
        yield "it begins or ends with a space, or ends with a dot"
    if len(name.encode(errors="surrogatepass")) > LONGEST:
        yield f"it is {len(name.encode(errors='surrogatepass'))} bytes long, and a file name has room for {LONGEST}"


def folded(name: str) -> str:
    """Return a form that is equal for names which a file system may take for the same."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def clashes(names: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield names that are taken already, each with what is wrong.

    Parameters
    ----------
    names : iterable of (name, what it is)
        Such as ``("x", "axis")``; the earlier of two has the right to the name.
    """
    seen: dict[str, tuple[str, str]] = {folded(name): (name, what) for name, what in OWN.items()}
    for name, what in names:
        first, other = seen.setdefault(folded(name), (name, what))
        if (first, other) != (name, what):
            taken = f"is the name of the {other} too" if first == name else f"and the {other} {short(first)}"
            why = "" if first == name else " are one name to file systems that do not tell case or Unicode forms apart"
            yield name, f"the {what} {short(name)} {taken}{why}; choose another"


def stage_clashes(**names: Iterable[str]) -> Iterator[str]:
    """Yield what is wrong with the names of one stage, by what they are: all meet in its node and those below it."""
    found = ((name, what.replace("_", " ")) for what, group in names.items() for name in dict.fromkeys(group))
    yield from (problem for _, problem in clashes(found))


def name_problems(names: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield names, of things said in words, that cannot be used in a store, each with what is wrong."""
    for name, what in names.items():
        for problem in path_problems(name):
            yield name, f"the {what} {short(name)} cannot be used: {problem}; wanted a plain word"


def short(name: str) -> str:
    """Return a name for a message."""
    text = repr(name)
    return text if len(text) <= 60 else f"{text[:50]} ... ({len(name)} letters)"
