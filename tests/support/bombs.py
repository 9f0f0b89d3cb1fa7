"""Small grid files that stand for much, or whose nesting or length takes a reader's breath away."""

from __future__ import annotations

from collections.abc import Callable


def _chain(n: int, link: str, first: str) -> str:
    """Each link holds the one before it: deep, or of exponential size, without a deep bracket in the file."""
    return f"[&l0 {first}" + "".join(f", &l{i} " + link.replace("@", f"*l{i - 1}") for i in range(1, n)) + "]"


HEAD, KERNEL = "name: bomb, seed: 1, stages: {", "'anything:ANY'"
BOMBS: tuple[Callable[[int], str], ...] = (
    lambda n: _chain(n, "[@, @, @]", "[1, 1]"),
    lambda n: _chain(n, "[@]", "[1]"),
    lambda n: _chain(n, "{a: @}", "{a: 1}"),
    lambda n: _chain(n, "{<<: @, k: 1}", "{a: 1}"),
    lambda n: _chain(n, "{<<: [@, @]}", "{a: 1}"),
    lambda n: "[" * n + "]" * n,
    lambda n: "{a: " * n + "1" + "}" * n,
    lambda n: "{? " * n + "1" + "}" * n,
    lambda n: "{" + ", ".join(f"k{i}: {i}" for i in range(n)) + "}",
    lambda n: "{" + ", ".join(f"? [{i}]" for i in range(n)) + "}",
    lambda n: "[" + ", ".join(map(str, range(n))) + "]",
    lambda n: '"' + "\\n" * n + '"',
    lambda n: "0x" + "f" * n,
    lambda n: "9" * n,
    lambda n: "0." + "9" * n,
    lambda n: "k" * 100 * n,
    lambda n: "{" + "k" * 300 * n + ": 1}",
    lambda n: '{"' + "\\n" * n + '": 1}',
    lambda n: "\n" + "".join(" " * (i + 1) + "a:\n" for i in range(min(n, 900))),
    lambda n: "\n" + "- " * n + "1",
    lambda n: "&a " * n + "1",
    lambda n: "{x: {linspace: [0, 1, " + "9" * n + "]}}",
    lambda n: "{stages: {" + ", ".join(f"s{i}: {{kernal: x, inputs: {{data: s{i + 1}}}}}" for i in range(n)) + "}}",
    lambda n: f"{{{HEAD}" + ", ".join(f"s{i}: {{kernel: {KERNEL}, axes: {{y{i}: 1}}}}" for i in range(n)) + "}}",
    lambda n: f"{{{HEAD}s: {{kernel: {KERNEL}, axes: {{realisation: 100000, x: {{linspace: [0, 1, {n + 110}]}}}}}}}}}}",
)
