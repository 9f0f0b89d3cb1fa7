"""What YAML lets in: nothing is guessed, nothing explodes, and every refusal says where."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from sweep.errors import SweepError
from sweep.grid.file import read_text, with_overrides
from sweep.grid.yaml_text import dump_yaml, parse_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("x: [true, False]", {"x": [True, False]}),
        ("x: [yes, no, on, off, y, n]", {"x": ["yes", "no", "on", "off", "y", "n"]}),
        ("x: [0, -3, +2, 0x10]", {"x": [0, -3, 2, 16]}),
        ("x: [1e-3, 1E4, .5, 5., 1.5e0, -2.0]", {"x": [0.001, 10000.0, 0.5, 5.0, 1.5, -2.0]}),
        ("x: [~, null, '', '010']", {"x": [None, None, "", "010"]}),
        ("x: !!float 1\ny: !!str 010\nz: !!seq [1]", {"x": 1.0, "y": "010", "z": [1]}),
        ("x: 2020-01-01", {"x": "2020-01-01"}),
        ("s: &s {a: 1, b: 2}\nt:\n  <<: *s\n  b: 3\n", {"s": {"a": 1, "b": 2}, "t": {"a": 1, "b": 3}}),
        ("a: &a {x: 1}\nb: &b {<<: *a, y: 2}\nc: {<<: [*b], x: 5}\nd: *b", None),
        ("", None),
    ],
)
def test_what_is_read(text: str, value: Any) -> None:
    found = parse_yaml(text, "g.yaml")
    if value is not None or not text:
        assert found == value
    else:
        assert found["c"] == {"x": 5, "y": 2}
        assert found["d"] == {"x": 1, "y": 2}


@pytest.mark.parametrize("number", ["010", "08", "-012", "1:30", "12:30:00", "1_000", "0o17", "0b101", "190:20:30.15"])
def test_numbers_that_can_be_read_in_several_ways_are_refused(number: str) -> None:
    with pytest.raises(SweepError, match=rf"^g\.yaml:2: not valid YAML: found '{number}', which YAML reads in several"):
        parse_yaml(f"a: 1\nx: [{number}]", "g.yaml")


BOMB = "a0: &a0 [1, 1]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}, *a{i - 1}]\n" for i in range(1, 60))
REFUSED = {
    "a key twice": ("a: 1\nb: 2\na: 3", r"g\.yaml:3: .*the key 'a' is written twice"),
    "a key twice beside a merge": ("s: &s {a: 1}\nt: {<<: *s, b: 1, b: 2}", r"g\.yaml:2: .*'b' is written twice"),
    "bomb": (BOMB, r"g\.yaml:\d+: .*it stands for more than 1000000 values"),
    "bomb of merges": (BOMB.replace("[*", "{<<: [*").replace("]", "]}").replace("{<<: [1, 1]}", "{x: 1}"), r"g\.yaml"),
    "itself": ("a: &a [1, *a]", r"g\.yaml:1: .*it refers to itself"),
    "itself by a mapping": ("a: &a {b: {c: *a}}", "it refers to itself"),
    "tag": ("a: !!python/object/apply:os.system [ls]", r"g\.yaml:1: .*found the tag !!"),
    "tag of another kind": ("a: 1\nb: !!int abc", r"g\.yaml:2: .*found 'abc' under the tag !!int; leave the tag away"),
    "tag that brings back what is guessed": ("a: !!int 010", "found '010' under the tag !!int"),
    "tag of a list": ("a: !!map [1]", "found a list under the tag !!map"),
    "date": ("a: !!timestamp 2020-99-99", "found the tag !!"),
    "empty number": ("a: !!float ''", "found '' under the tag !!float"),
    "merge of nothing": ("a: {<<: }", "expected a mapping or list of mappings for merging"),
    "merge as a value": ("a: <<", "found the tag !!"),
    "own tag": ("a: !thing {b: 1}", r"g\.yaml:1: .*found the tag !thing; wanted plain"),
    "deep": ("[" * 1_000_000, r"g\.yaml: is nested too deep"),
    "deep mapping": ("{a: " * 200_000, r"g\.yaml: is nested too deep"),
    "long number": ("a: " + "1" * 10_000, r"g\.yaml:1: .*found a whole number of 10000 digits"),
    "long hexadecimal number": ("a: 1\nb: 0x" + "f" * 10_000, r"g\.yaml:2: .*found a whole number of 10002 digits"),
    "deep by aliases": (
        "a0: &a0 [1]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 900)),
        "it is nested deeper than 200",
    ),
    "control character": ("a: \x07", r"g\.yaml:1: .*found the character #x0007, which no text has"),
    "tab": ("a:\n\tb: 1", r"g\.yaml:2: .*cannot start any token"),
    "two documents": ("a: 1\n---\nb: 1", r"g\.yaml:2: .*another document"),
    "alias of nothing": ("a: *b", r"g\.yaml:1: .*undefined alias"),
    "deep blocks": ("- " * 20_000 + "1", r"g\.yaml: is nested too deep"),
    "control character further down": ("a: 1\nb: 2\nc: \x1b", r"g\.yaml:3: .*found the character #x001b"),
    "anchor twice": ("a: &x 1\nb: &x 2", r"g\.yaml:2: .*duplicate anchor 'x'; first occurrence, second occurrence"),
    "half a character": (r"a: 1" "\n" r'b: "x\ud800"', r"g\.yaml:2: .*found 'x\\ud800', with half a character in it"),
    "half a character in a key": (r'"\udfff": 1', r"g\.yaml:1: .*with half a character in it"),
    "a list as a key": ("? [a]\n: 1", r"g\.yaml:1: .*found a list as a key; wanted a word"),
}


@pytest.mark.parametrize("case", list(REFUSED))
def test_what_is_refused_quickly_and_with_a_place(case: str) -> None:
    text, problem = REFUSED[case]
    begun = time.monotonic()
    with pytest.raises(SweepError, match=problem) as caught:
        parse_yaml(text, "g.yaml")
    assert len(str(caught.value)) < 400
    assert time.monotonic() - begun < 5


def test_a_long_file_is_read_in_time() -> None:
    begun = time.monotonic()
    found = parse_yaml("".join(f"stage{i}: &s{i} {{axes: [{i}]}}\n" for i in range(5_000)), "g.yaml")
    assert len(found) == 5_000
    assert time.monotonic() - begun < 20, "quadratic in the number of keys"


def test_files(tmp_path: Path) -> None:
    file = tmp_path / "g.yaml"
    file.write_bytes(b"\xef\xbb\xbfname: g\n")
    assert with_overrides(read_text(file), str(file), ())[0] == {"name": "g"}, "a byte order mark is not part of it"
    unlucky: dict[str, tuple[bytes, str]] = {
        "huge": (b"#" * (2**20 + 1), "a grid file has 1048576 at most"),
        "latin-1": ("name: Z\u00fcrich".encode("latin-1"), r":1: found the byte 0xfc, which is no UTF-8"),
        "utf-16": ("name: g".encode("utf-16"), ":1: found the byte 0xff"),
        "zeros": (bytes(100), "not valid YAML"),
        "a list": (b"[1, 2]", "found a list; wanted a mapping with name, seed and stages"),
        "a word": (b"name", "found 'name'; wanted a mapping"),
        "empty": (b"", "found nothing; wanted a mapping"),
    }
    for content, problem in unlucky.values():
        file.write_bytes(content)
        with pytest.raises(SweepError, match=problem) as caught:
            with_overrides(read_text(file), str(file), ())
        assert str(file) in str(caught.value)
    os.mkfifo(tmp_path / "pipe")
    for name in ("nowhere.yaml", ".", "pipe"):
        with pytest.raises(SweepError, match=r"cannot read the grid file|is no file"):
            read_text(tmp_path / name)


def test_what_is_written_is_read_again() -> None:
    """As the text of a grid is when `--set` has changed it."""
    words = ["yes", "010", "1:30", "0o17", "1_000", "true", "null", "~", "", "<<", "2020-01-01", "1e4", ".inf", "a: b"]
    document = {"words": words, "numbers": [1, -2, 0.1, 1e-5, 1e300, 2.5], "flags": [True, False], "nothing": None}
    assert parse_yaml(dump_yaml(document), "g.yaml") == document
