"""Pages of documentation: their blocks, and whether the commands in them are ones that there are."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import typer
from ray.scripts.scripts import cli as ray_command

from sweep.cli.commands import app

ROOT = Path(__file__).parents[2]
OTHERS = {"docker", "git", "kubectl", "make", "pip", "sbatch", "scancel"}  # known by name only
WRONG = (click.UsageError, *typer.BadParameter.__bases__)  # typer has a click of its own
PROJECT_FILE = re.compile(r"(?:^|=)((?:deploy|docs|examples|grids)/[\w.-]+|cluster\.yaml)$")


@dataclass(frozen=True)
class Block:
    language: str
    label: str
    """``run``, or the name of the file that the reader saves it as."""
    text: str


def blocks_of(text: str) -> list[Block]:
    return [Block(*found) for found in re.findall(r"^```(\w+) ?(\S*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)]


def commands_of(text: str) -> list[str]:
    """Return the commands in a shell block, without their remarks."""
    return [line.partition("  #")[0].strip() for line in text.splitlines() if line.strip()]


def commands_in_head(text: str) -> list[str]:
    """Return the commands in the comment that a file begins with: lines that are set in, without their remarks."""
    head = re.match(r"(?:#.*\n)*", text)
    lines = re.findall(r"^# {3}(\S.*)$", head[0] if head else "", re.MULTILINE)
    return [re.split(r" {3,}", line)[0] for line in lines]


def check_command(line: str) -> None:
    """Raise when a command, or an option or a file of it, is not there; nothing is run."""
    for words in _simple(shlex.split(line)):
        program = Path(words[0]).name
        for file in filter(None, map(PROJECT_FILE.search, words)):
            assert (ROOT / file[1]).exists(), f"{line}: no {file[1]}"
        if program in {"sweep", "ray"}:
            group: Any = typer.main.get_command(app) if program == "sweep" else ray_command
            assert words[1] in group.commands, line
            try:
                group.commands[words[1]].make_context(words[1], words[2:])
            except WRONG as error:
                raise AssertionError(f"{line}: {error}") from error
        else:
            assert program in OTHERS, f"{line}: {program}?"
        for inner in (word for word in words[1:] if " " in word):
            check_command(inner)


def _simple(words: list[str]) -> list[list[str]]:
    """Return the simple commands of a line, those that only change the folder left out."""
    found: list[list[str]] = [[]]
    for word in words:
        if word in {"&&", "|"}:
            found.append([])
        else:
            found[-1].append(word)
    return [simple for simple in found if simple[0] != "cd"]
